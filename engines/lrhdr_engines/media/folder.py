"""Folders of frames, one image a frame: research data sets and camera stills.

`img_list.txt` names the frames, one a line, with or without suffix; without it
every image counts but .hdr and .exr, which hold ground truth. Names sort with
numbers as numbers: frame_2 comes before frame_10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from lrhdr.errors import IncompleteError, InputError
from lrhdr_engines.media.source import ClipInfo, ClosedAfterUse, Frame

LIST = "img_list.txt"
SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm")
_DEPTHS = {"uint8": 8, "uint16": 16}


class FolderSource(ClosedAfterUse):
    """A folder of images. See `Source`."""

    def __init__(self, path: Path, frame_rate: Fraction) -> None:
        """Lists the frames and compares the sizes that their headers state.

        Raises:
            InputError: no images, one that is listed but missing, different sizes,
                samples of other than 8 or 16 bits, or an unreadable first image.
        """
        self._closed = False
        self._files = _listed(path) if (path / LIST).is_file() else _images(path)
        if not self._files:
            raise InputError(
                f"{path} holds no images", expected=f"frames as {', '.join(SUFFIXES[:5])}"
            )
        first = self._files[0]
        width, height, dtype = _checked_headers(self._files)
        self.info = ClipInfo(
            path=path,
            width=width,
            height=height,
            frame_rate=frame_rate,
            frames=len(self._files),
            bit_depth=_DEPTHS[dtype],
            kind="folder",
            has_audio=False,
            codec=first.suffix.lstrip(".").lower(),
            pixel_format=dtype,
            colour="RGB, full range",
        )

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Frames from `start` on.

        An unreadable image between two whole ones is a frame with `damaged`, the picture of
        the one before it; at most a second of them in a row.

        Raises:
            IncompleteError: more cannot be read, or the last ones. Those before have been yielded.
        """
        held: NDArray[np.uint8] | NDArray[np.uint16] | None = None
        lost: list[int] = []
        most = max(1, int(self.info.frame_rate))
        # The images before `start` are read only where it is they that must stand in.
        for index in range(self._readable_before(start), len(self._files)):
            if self._closed:
                return
            rgb = self._image(index)
            if rgb is None:
                lost.append(index)
                if len(lost) > most:
                    break
                continue
            for missing in lost:
                if missing >= start and held is not None:
                    yield Frame(missing, held, missing / self.info.frame_rate, damaged=True)
            lost.clear()
            held = rgb
            if index >= start:
                yield Frame(index, rgb, index / self.info.frame_rate)
        if lost:
            raise IncompleteError(
                f"{self._files[lost[0]]} cannot be read as an image: "
                f"decoded {lost[0]} of {len(self._files)} frames",
                next_step="Those before it were used; replace the file for the rest",
            )

    def _readable_before(self, start: int) -> int:
        """`start`, or the nearest image before it that can be read if that one cannot."""
        if start >= len(self._files):
            return start
        return next((k for k in range(start, 0, -1) if self._image(k) is not None), 0)

    def _image(self, index: int) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
        """An image of the clip's size; None if it cannot be read."""
        rgb = _read(self._files[index])
        whole = rgb is not None and rgb.shape[:2] == (self.info.height, self.info.width)
        return rgb if whole else None

    def close(self) -> None:
        """Ends every iteration at its next frame."""
        self._closed = True


def _images(folder: Path) -> list[Path]:
    files = [f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and f.name[0] != "."]
    return sorted((f for f in files if f.is_file()), key=_natural)


def _natural(file: Path) -> tuple[list[str | int], str]:
    parts = re.split(r"([0-9]+)", file.name)
    return [int(part) if k % 2 else part for k, part in enumerate(parts)], file.name


def _listed(folder: Path) -> list[Path]:
    """The files that the list names, in its order."""
    by_stem: dict[str, list[Path]] = {}
    for file in _images(folder):
        by_stem.setdefault(file.stem, []).append(file)
    lines = (folder / LIST).read_text(encoding="utf-8-sig", errors="replace").splitlines()
    files = []
    for name in filter(None, map(str.strip, lines)):
        matches = [folder / name] if (folder / name).is_file() else by_stem.get(name, [])
        if len(matches) != 1:
            found = ", ".join(match.name for match in matches) or "no such image"
            raise InputError(
                f"{folder / LIST} names {name!r}, and there is {found}",
                expected="one image for each line, with or without its suffix",
            )
        files += matches
    return files


def _checked_headers(files: list[Path]) -> tuple[int, int, str]:
    """Width, height and sample type, the same in every image whose header can be read."""
    first = None
    for file in files:
        image = _open(file)
        if image is None and first is None:
            raise InputError(f"{file} cannot be read as an image", expected="a whole image")
        if image is None:
            continue  # said by `frames`, once those before it are done
        spec = image.spec()
        image.close()
        found = (spec.width, spec.height, str(spec.format))
        first = first or found
        if found[:2] != first[:2]:
            raise InputError(
                f"{files[0]} is {first[0]}x{first[1]} and {file} is {found[0]}x{found[1]}",
                expected="frames of one size",
            )
        if found[2] not in _DEPTHS or found[2] != first[2]:
            raise InputError(
                f"{file} holds {found[2]} samples",
                expected="8 or 16 bits (uint8, uint16), the same in every frame",
            )
    if first is None:
        raise InputError("no images were given", expected="at least one")
    return first


def _open(file: Path) -> oiio.ImageInput | None:
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)  # leave colour as it was stored
    image = oiio.ImageInput.open(str(file), config)
    if image is None:
        oiio.geterror()  # taken, or it would be printed at exit
    return image


def _read(file: Path) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
    """(H, W, 3) RGB: grey is replicated, alpha dropped. None if any of it cannot be read."""
    image = _open(file)
    if image is None:
        return None
    spec = image.spec()
    channels = 3 if spec.nchannels >= 3 else 1
    pixels = image.read_image(0, 0, 0, channels, str(spec.format))
    damaged = image.has_error
    image.geterror()
    image.close()
    if pixels is None or damaged:
        return None
    return np.ascontiguousarray(np.broadcast_to(pixels, (spec.height, spec.width, 3)))
