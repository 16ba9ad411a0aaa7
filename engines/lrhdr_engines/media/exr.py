"""OpenEXR: half-float, linear; BT.709 as the model gives it, or ACES2065-1."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import BT709_PRIMARIES, D65, MAX_HALF, rgb_to_xyz
from lrhdr_engines.media.carry import advance
from lrhdr_engines.media.image_format import Pixels, has_size, write_image
from lrhdr_engines.media.sink import OutputSettings, Radiance

_EXACT = ("none", "rle", "zips", "zip", "piz", "pxr24", "htj2k32", "htj2k256")  # for half
_LOSSY = ("dwaa", "dwab")  # with a level: 45 where none is given; more is smaller
# SMPTE ST 2065-1:2021, tables 1 and 2; 6.2 calls the white point "close to D60".
AP0_PRIMARIES = ((0.7347, 0.2653), (0.0, 1.0), (0.0001, -0.077))
AP0_WHITE = (0.32168, 0.33767)
# CAT02 of CIECAM02, the transform of the ACES project's own BT.709 conversions.
_CAT02 = np.array([[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]])


def _adaptation() -> NDArray[np.float64]:
    """XYZ under D65 to XYZ of the same colours under the white of AP0, by von Kries in CAT02."""
    before, after = (
        _CAT02 @ np.array([x / y, 1.0, (1.0 - x - y) / y]) for x, y in (D65, AP0_WHITE)
    )
    return np.asarray(np.linalg.inv(_CAT02) @ np.diag(after / before) @ _CAT02)


BT709_TO_AP0 = (
    np.linalg.inv(rgb_to_xyz(AP0_PRIMARIES, AP0_WHITE))
    @ _adaptation()
    @ rgb_to_xyz(BT709_PRIMARIES)
)


class ExrFormat:
    """One EXR file a frame. See `ImageFormat`.

    With chromaticities, framesPerSecond, whiteLuminance (cd/m2 of 1.0) and, where the clip has
    one, the frame's time code; without a date, so that the same frame gives the same bytes.
    Values beyond +-65504 are clamped.
    """

    suffixes = (".exr",)

    def __init__(self, settings: OutputSettings, *, aces: bool = False) -> None:
        """As ACES2065-1 if `aces`: then uncompressed files are ACES containers (ST 2065-4).

        Raises:
            InputError: a compression that is none.
        """
        self.kind = "aces" if aces else "exr"
        self._settings, self._aces = settings, aces
        self._compression = _compression(settings.compression)
        self.job = {"format": self.kind, "compression": self._compression}
        self.notes: list[str] = []
        code = settings.timecode
        if code is not None and timecode(code, 0, settings.frame_rate) is None:
            self.notes.append(f"EXR cannot hold time code {code} at {settings.frame_rate} frames/s")
        if aces and self._compression != "none":
            self.notes.append(
                f"with compression {self._compression} the files are ACES2065-1, "
                "but no ACES containers (ST 2065-4): those are not compressed"
            )

    def prepare(self, frame: Radiance) -> Pixels:
        """See `ImageFormat`."""
        light = cv2.transform(frame, BT709_TO_AP0.astype(np.float32)) if self._aces else frame
        return np.asarray(np.clip(light, -MAX_HALF, MAX_HALF), np.float32)

    def write(self, path: Path, pixels: Pixels, time: Fraction) -> None:
        """See `ImageFormat`."""
        settings = self._settings
        spec = oiio.ImageSpec(settings.width, settings.height, 3, "half")
        spec.attribute("compression", self._compression)
        spec.attribute("DateTime", "")  # none, instead of that of the writing
        primaries, white = (AP0_PRIMARIES, AP0_WHITE) if self._aces else (BT709_PRIMARIES, D65)
        points = tuple(number for point in (*primaries, white) for number in point)
        spec.attribute("chromaticities", "float[8]", points)
        rate = settings.frame_rate
        spec.attribute("FramesPerSecond", "rational", (rate.numerator, rate.denominator))
        spec.attribute("whiteLuminance", settings.white_nits)
        # Names of the Color Interop Forum.
        spec.attribute("colorInteropID", "lin_ap0_scene" if self._aces else "lin_rec709_scene")
        if self._aces and self._compression == "none":
            spec.attribute("acesImageContainerFlag", 1)
        if settings.timecode is not None:
            code = timecode(settings.timecode, round(time * rate), rate)
            if code is not None:
                spec.attribute("smpte:TimeCode", "timecode", (code, 0))
        write_image(path, pixels, spec)

    def readable(self, path: Path) -> bool:
        """See `ImageFormat`."""
        return has_size(path, self._settings.width, self._settings.height)


def timecode(first: str, frames: int, rate: Fraction) -> int | None:
    """The time code `frames` after `first`, as OpenEXR packs it (SMPTE ST 12-1, "TV60").

    Above 30 frames/s, ST 12-1 numbers pairs of frames and marks the second of each. None where
    `first` is no time code of this rate, or the rate is above 60.
    """
    text = advance(first, frames, rate)
    if text is None or rate > 60:
        return None
    hours, minutes, seconds, number = (int(part) for part in re.split("[:;]", text))
    second = 0
    if round(rate) > 30:
        number, second = divmod(number, 2)
    fields = ((number, 0), (seconds, 8), (minutes, 16), (hours, 24))
    packed = sum((value // 10 << 4 | value % 10) << shift for value, shift in fields)
    return packed | (";" in text) << 6 | second << 15


def _compression(text: str) -> str:
    """As OpenImageIO takes it: `name` or, for DWA, `name:level`."""
    name, colon, level = text.lower().partition(":")
    name = "htj2k256" if name == "htj2k" else name
    if name in _EXACT and not colon:
        return name
    if name in _LOSSY and (not colon or re.fullmatch(r"\d+(\.\d+)?", level)):
        return f"{name}:{level or 45}"
    raise InputError(
        f"EXR compression {text!r}",
        expected=f"{', '.join(_EXACT)}, or {', '.join(f'{n}[:LEVEL]' for n in _LOSSY)}",
    )
