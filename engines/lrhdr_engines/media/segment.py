"""A stretch of encoded frames in two files: its packets, and a sidecar that makes them valid."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext

from lrhdr.errors import OutputError

PACKETS, SIDECAR, UNFINISHED = ".packets", ".json", ".part"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What a sidecar says. A segment exists once its sidecar does.

    Attributes:
        before: frames in the segments before it; also its name.
        last_index: the clip's index of its last frame.
        sizes: bytes of each packet, in the encoder's order; one packet is one frame.
        times: when each is shown, in units of `encoding.time_base` from the output's begin.
        keys: which of them are key frames.
        private: the encoder's extradata, in hexadecimal digits.
        brightest: the greatest max(R, G, B) of all frames so far, cd/m2.
        brightest_mean: the greatest mean of a frame, likewise.
        repaired: values that were not finite.
        checksum: SHA-256 of the packets.
    """

    before: int
    last_index: int
    sizes: tuple[int, ...]
    times: tuple[int, ...]
    keys: tuple[bool, ...]
    private: str
    brightest: float
    brightest_mean: float
    repaired: int
    checksum: str

    @property
    def frames(self) -> int:
        """How many."""
        return len(self.sizes)

    def packets(self, folder: Path) -> Iterator[bytes]:
        """What was written, packet by packet.

        Raises:
            OutputError: at the end, if it is not what was written.
        """
        digest = hashlib.sha256()
        with stem(folder, self.before).with_suffix(PACKETS).open("rb") as file:
            for size in self.sizes:
                data = file.read(size)
                digest.update(data)
                yield data
        if digest.hexdigest() != self.checksum:
            raise OutputError(
                f"{file.name} has changed since it was written",
                next_step="Run again with --resume, which makes it anew",
            )


def stem(folder: Path, before: int) -> Path:
    """The name, without suffix, of the segment that follows `before` frames."""
    return folder / f"{before:08d}"


def read_segment(folder: Path, before: int) -> Segment | None:
    """The segment that follows `before` frames; None where there is no whole one."""
    name = stem(folder, before)
    try:
        values = json.loads(name.with_suffix(SIDECAR).read_text(encoding="utf-8"))
        for field in ("sizes", "times", "keys"):
            values[field] = tuple(values[field])
        segment = Segment(**values)
        packets = name.with_suffix(PACKETS)
        whole = packets.stat().st_size == sum(segment.sizes) and segment.before == before
        if whole and segment.frames and _checksum(packets) == segment.checksum:
            return segment
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return None


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class SegmentWriter:
    """The segment in hand."""

    def __init__(self, folder: Path, before: int, encoder: VideoCodecContext) -> None:
        """Raises OSError where no file can be made."""
        self._stem = stem(folder, before)
        self._before = before
        self._encoder = encoder
        self._part = self._stem.with_suffix(UNFINISHED)
        self._file = self._part.open("wb")
        self._digest = hashlib.sha256()
        self._sizes: list[int] = []
        self._times: list[int] = []
        self._keys: list[bool] = []
        self._last_index = -1
        self.frames = 0

    def add(self, index: int, frame: av.VideoFrame) -> None:
        """Encode a frame of that index in the clip. Raises OSError or FFmpegError."""
        self._take(self._encoder.encode(frame))
        self._last_index = index
        self.frames += 1

    def _take(self, packets: list[Any]) -> None:
        for packet in packets:
            data = bytes(packet)
            self._file.write(data)
            self._digest.update(data)
            self._sizes.append(len(data))
            self._times.append(packet.pts)
            self._keys.append(packet.is_keyframe)

    def finish(self, *, brightest: float, brightest_mean: float, repaired: int) -> Segment:
        """Empty the encoder, and make the segment valid once it is on the disk.

        Raises:
            OutputError: the encoder lost frames.
            OSError, FFmpegError: it cannot be finished; `discard` it.
        """
        self._take(self._encoder.encode(None))
        if len(self._sizes) != self.frames:
            raise OutputError(
                f"the encoder {self._encoder.name} made {len(self._sizes)} packets "
                f"of {self.frames} frames",
                next_step="Try another preset or format",
            )
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        segment = Segment(
            before=self._before,
            last_index=self._last_index,
            sizes=tuple(self._sizes),
            times=tuple(self._times),
            keys=tuple(self._keys),
            private=(self._encoder.extradata or b"").hex(),
            brightest=brightest,
            brightest_mean=brightest_mean,
            repaired=repaired,
            checksum=self._digest.hexdigest(),
        )
        self._part.replace(self._stem.with_suffix(PACKETS))
        write_json(self._stem.with_suffix(SIDECAR), asdict(segment))
        return segment

    def discard(self) -> None:
        """Throw it away."""
        with contextlib.suppress(OSError):  # what could not be flushed
            self._file.close()
        self._part.unlink(missing_ok=True)
        self._stem.with_suffix(PACKETS).unlink(missing_ok=True)


def write_json(path: Path, values: object) -> None:
    """A small file that is there as a whole, and on the disk. Raises OSError."""
    part = path.with_suffix(path.suffix + UNFINISHED)
    with part.open("w", encoding="utf-8") as file:
        json.dump(values, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
