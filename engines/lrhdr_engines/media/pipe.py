"""Frames for another program: y4m or raw, on standard output, in a FIFO or in a file.

y4m   10-bit 4:2:0 PQ of BT.2020, limited range, as x265, SvtAv1EncApp, ffmpeg and mpv read
      it. It names size, rate and range; primaries and transfer must be told to the reader.
raw   float32 planes G, B, R (gbrpf32le) of linear BT.709, 1.0 as the model gives it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import OutputError
from lrhdr_engines.media.files import check_target, unfinished, write_error
from lrhdr_engines.media.signal import SignalEncoder, checked
from lrhdr_engines.media.sink import STANDARD_OUTPUT, OutputSettings, Picture
from lrhdr_engines.whole import sweep

PipeFormat = Literal["y4m", "raw"]


class PipeSink:
    """A stream of uncompressed frames. See `Sink`.

    A file is written beside its name; standard output and FIFOs get every frame at once, and
    nothing else may be printed to that standard output.
    """

    def __init__(self, target: str, kind: PipeFormat, settings: OutputSettings) -> None:
        """Opens the output. A FIFO waits here for its reader.

        Raises:
            OutputError: a file exists or cannot be written, or standard output is a terminal.
        """
        self._kind, self._settings = kind, settings
        self._name = "standard output" if target == STANDARD_OUTPUT else target
        self._target = Path(target)
        self._part: Path | None = None
        self._signal = SignalEncoder("pq", chroma="420", bits=10, white_nits=settings.white_nits)
        self._frames = self._repaired = 0
        try:
            self._file: IO[bytes] = self._open(target)
        except OSError as error:
            raise write_error(self._target, error) from None

    def _open(self, target: str) -> IO[bytes]:
        if target == STANDARD_OUTPUT:
            if sys.stdout.isatty():
                raise OutputError(
                    "standard output is a terminal",
                    expected="a pipe or a file",
                    next_step=f"Add: | ffplay -  or name a file: {self._kind}:FILE",
                )
            # A duplicate, so that closing it leaves sys.stdout as it is.
            return os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        if self._target.exists() and not self._target.is_file() and not self._target.is_dir():
            return self._target.open("wb")  # a FIFO or a device
        check_target(self._target, overwrite=self._settings.overwrite)
        if self._settings.resume:  # it starts anew; what a killed run left is of no use
            sweep(self._target)
        self._part = unfinished(self._target)
        return self._part.open("wb")

    @property
    def takes_pq(self) -> bool:
        """See `Sink`."""
        return self._kind == "y4m" and self._signal.takes_pq

    @property
    def next_index(self) -> int:
        """The first frame: what has gone down a pipe cannot be continued."""
        return self._settings.first_index

    @property
    def kept(self) -> int:
        """See `Sink`."""
        return 0

    def write(self, index: int, picture: Picture, time: Fraction) -> None:
        """One frame. See `Sink`."""
        parts = self._y4m(picture) if self._kind == "y4m" else self._raw(picture)
        try:
            for part in parts:
                self._file.write(part)
            self._file.flush()
        except OSError as error:
            raise self._broken(error) from None
        self._frames += 1

    def _y4m(self, picture: Picture) -> Iterable[bytes | memoryview]:
        planes = self._signal.planes(picture, self._settings)
        if not self._frames:
            rate, (height, width) = self._settings.frame_rate, planes[0].shape
            yield (
                f"YUV4MPEG2 W{width} H{height} F{rate.numerator}:{rate.denominator} "
                "Ip A1:1 C420p10 XYSCSS=420P10 XCOLORRANGE=LIMITED\n"
            ).encode()
        yield b"FRAME\n"
        for plane in planes:
            yield _bytes(plane.astype("<u2", copy=False))

    def _raw(self, picture: Picture) -> Iterable[memoryview]:
        frame, bad = checked(picture, self._settings)
        self._repaired += bad
        for channel in (1, 2, 0):  # G, B, R
            yield _bytes(frame[..., channel].astype("<f4"))

    def _broken(self, error: OSError) -> OutputError:
        if isinstance(error, BrokenPipeError):
            return OutputError(
                f"{self._name}: the reader went away after {self._frames} frames",
                expected="a program that reads to the end",
                next_step="See what that program printed",
            )
        return write_error(Path(self._name), error)

    def close(self, *, complete: bool = True, keep: bool = False) -> dict[str, object]:
        """Ends the stream, and gives a file its name. See `Sink`.

        A file of an interrupted run goes: no later run could go on with it.
        """
        dropped = self._part is not None and not complete
        try:
            self._file.close()
            if self._part is not None and self._frames and complete:
                self._part.replace(self._target)
        except OSError as error:
            self.abort()
            raise self._broken(error) from None
        self.abort()  # the part of a file without frames
        notes = [] if self._frames else ["no frame was written"]
        if dropped:
            notes.append(f"{self._name} was not kept: --resume makes all of it again")
        if self._settings.variable_rate:
            notes.append(f"{self._kind} holds no times: frames of varying length became equal")
        facts: dict[str, object] = {
            "kind": self._kind,
            "path": self._name if self._frames and not dropped else None,
            "frames": self._frames,
            "white_nits": self._settings.white_nits,
            "repaired_values": self._repaired + self._signal.repaired,
            "notes": notes,
        }
        if self._kind == "y4m":
            meter = self._signal.meter
            facts |= {"max_cll": meter.max_cll, "max_fall": meter.max_fall}
        return facts

    def tidy(self) -> None:
        """Nothing was kept for later. See `Sink`."""

    def abort(self) -> None:
        """A file that is not whole goes. See `Sink`."""
        with contextlib.suppress(OSError):  # what could not be flushed is thrown away
            self._file.close()
        if self._part is not None:
            self._part.unlink(missing_ok=True)


def _bytes(plane: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(plane).reshape(-1).view(np.uint8).data
