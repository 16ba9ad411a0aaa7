"""OpenEXR sequences: one half-float file a frame, linear BT.709, 1.0 as the model gives it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from lrhdr.errors import InputError, OutputError
from lrhdr.light import BT709_PRIMARIES, D65, MAX_HALF
from lrhdr_engines.media.files import unfinished, write_error
from lrhdr_engines.media.signal import checked
from lrhdr_engines.media.sink import OutputSettings, Picture, Radiance

_DIGITS = 6  # at least: names then sort in frame order up to a million frames
_FOLDER_NAME = "frame_%06d.exr"
_NUMBER = re.compile(r"%0?(\d*)d|(#+)")


class ExrSink:
    """A folder of EXR files, named by the input's frame numbers. See `Sink`.

    Half-float, ZIP, with chromaticities (BT.709), framesPerSecond and
    whiteLuminance (cd/m2 of 1.0). Values beyond +-65504 are clamped. Each
    frame is complete once it has its name, so an interrupted sequence goes on
    in the same folder.
    """

    def __init__(self, target: Path, settings: OutputSettings) -> None:
        """Checks the name and the place, and makes the folder.

        Raises:
            InputError: a single name, where a pattern such as frame_%06d.exr is needed.
            OutputError: frames of this run exist, or the folder cannot be written.
        """
        self._settings = settings
        self._folder, self._before, self._digits, self._after = _pattern(target)
        self._made = not self._folder.exists()
        self._frames = 0
        self._repaired = 0
        self._first: Path | None = None
        if not self._folder.parent.is_dir():
            raise OutputError(
                f"{self._folder.parent} is not a folder",
                expected="an existing folder for the output",
                next_step=f"Create it with: mkdir -p {self._folder.parent}",
            )
        try:
            self._folder.mkdir(exist_ok=True)
            self._check_existing()
            probe = unfinished(self._name(settings.first_index))
            probe.touch()
            probe.unlink()
        except OSError as error:
            self._remove_folder()
            raise write_error(self._folder, error) from None

    def _check_existing(self) -> None:
        """Frames before this run's first are kept: they are what it continues."""
        if self._settings.overwrite:
            return
        pattern = re.compile(re.escape(self._before) + r"(\d+)" + re.escape(self._after))
        for file in self._folder.iterdir():
            match = pattern.fullmatch(file.name)
            if match and int(match[1]) >= self._settings.first_index:
                raise OutputError(
                    f"{file} exists",
                    expected="a folder without the frames of this run",
                    next_step="Choose another folder, or replace them with --overwrite",
                )

    def _name(self, index: int) -> Path:
        return self._folder / f"{self._before}{index:0{self._digits}d}{self._after}"

    takes_pq = False

    @property
    def next_index(self) -> int:
        """See `Sink`."""
        return self._settings.first_index

    def write(self, index: int, radiance: Picture, time: Fraction) -> None:
        """One frame. See `Sink`."""
        frame, bad = checked(radiance, self._settings)
        name = self._name(index)
        part = unfinished(name)
        try:
            _write_exr(part, np.clip(frame, -MAX_HALF, MAX_HALF), self._settings)
            part.replace(name)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise write_error(name, error) from None
        self._first = self._first or name
        self._frames += 1
        self._repaired += bad

    def close(self, *, complete: bool = True) -> dict[str, object]:
        """Facts; every frame is in place already. See `Sink`."""
        self._remove_folder()
        pattern = f"{self._before}%0{self._digits}d{self._after}"
        return {
            "kind": "exr",
            "path": str(self._folder / pattern) if self._frames else None,
            "frames": self._frames,
            "first": str(self._first) if self._first else None,
            "white_nits": self._settings.white_nits,
            "repaired_values": self._repaired,
            "notes": [] if self._frames else ["no frame was written"],
        }

    def abort(self) -> None:
        """Complete frames stay; a folder made for nothing goes. See `Sink`."""
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._made and not self._frames and self._folder.is_dir():
            with contextlib.suppress(OSError):  # someone else put a file there
                self._folder.rmdir()


def _pattern(target: Path) -> tuple[Path, str, int, str]:
    """Folder, and the name before the number, its digits, the name after it."""
    if target.suffix.lower() != ".exr" or target.is_dir():
        return target, "frame_", _DIGITS, ".exr"
    numbers = list(_NUMBER.finditer(target.name))
    if len(numbers) != 1:
        raise InputError(
            f"{target} has {len(numbers) or 'no'} places for the frame number",
            expected="one, for example frame_%06d.exr or ######.exr",
        )
    found = numbers[0]
    digits = int(found[1] or 0) if found[2] is None else len(found[2])
    before, after = target.name[: found.start()], target.name[found.end() :]
    return target.parent, before, max(_DIGITS, digits), after


def _write_exr(path: Path, frame: Radiance, settings: OutputSettings) -> None:
    """One file. Raises OSError with OpenImageIO's reason."""
    spec = oiio.ImageSpec(settings.width, settings.height, 3, "half")
    spec.attribute("compression", "zip")
    points = tuple(number for point in (*BT709_PRIMARIES, D65) for number in point)
    spec.attribute("chromaticities", "float[8]", points)
    rate = settings.frame_rate
    spec.attribute("FramesPerSecond", "rational", (rate.numerator, rate.denominator))
    spec.attribute("whiteLuminance", settings.white_nits)
    out = oiio.ImageOutput.create(str(path))
    if out is None:
        raise OSError(errno.EINVAL, f"OpenImageIO writes no EXR: {oiio.geterror()}")
    written = out.open(str(path), spec) and out.write_image(frame)
    reason = " ".join(out.geterror().split())
    if not (out.close() and written):
        # OpenEXR says only that output failed; the usual reason is asked of the disk.
        full = shutil.disk_usage(path.parent).free < frame.nbytes
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if full else OSError(reason)
