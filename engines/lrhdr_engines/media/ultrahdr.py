"""Ultra HDR JPEG: an SDR picture for every viewer, and the gain that makes it HDR (ISO 21496-1).

Written by Google's libultrahdr, through imagecodecs (`pip install "lrhdr[ultrahdr]"`).
"""

from __future__ import annotations

import errno
import importlib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lrhdr.errors import OutputError
from lrhdr.light import PQ_PEAK_NITS, REFERENCE_WHITE_NITS
from lrhdr_engines.media.files import check_target
from lrhdr_engines.media.image_format import Pixels
from lrhdr_engines.media.image_sink import ImageSink
from lrhdr_engines.media.signal import checked
from lrhdr_engines.media.sink import OutputSettings, Picture, Radiance, Sink
from lrhdr_engines.whole import write_whole

_QUALITY = 95
_NONE = 1 << 62  # no frame is needed


class UltraHdrFormat:
    """One JPEG a frame. See `ImageFormat`.

    203 cd/m2 is SDR white, and the brightest value of each frame its peak.
    """

    kind = "ultrahdr"
    suffixes = (".jpg", ".jpeg")
    job: Mapping[str, object] = {"format": "ultrahdr", "quality": _QUALITY}
    notes = ()

    def __init__(self, settings: OutputSettings) -> None:
        """Raises OutputError where the library is missing."""
        self._settings = settings
        self._codecs = _library()

    def prepare(self, frame: Radiance) -> Pixels:
        """(H, W, 4) float16, 1.0 at 203 cd/m2, opaque."""
        white = self._settings.white_nits / REFERENCE_WHITE_NITS
        light = np.clip(frame * np.float32(white), 0.0, PQ_PEAK_NITS / REFERENCE_WHITE_NITS)
        return np.asarray(cv2.cvtColor(light, cv2.COLOR_RGB2RGBA), np.float16)

    def encode(self, pixels: Pixels) -> bytes:
        """What `prepare` made as a JPEG. Raises OSError with the library's reason."""
        peak = float(pixels[..., :3].max()) * REFERENCE_WHITE_NITS
        form = self._codecs.ULTRAHDR
        try:
            return bytes(
                self._codecs.ultrahdr_encode(
                    pixels,
                    level=_QUALITY,
                    gamut=form.CG.BT_709,
                    transfer=form.CT.LINEAR,
                    nits=min(max(peak, REFERENCE_WHITE_NITS), PQ_PEAK_NITS),
                )
            )
        except self._codecs.UltrahdrError as error:
            raise OSError(errno.EINVAL, f"libultrahdr: {error}") from None

    def write(self, path: Path, pixels: Pixels, time: Fraction) -> None:
        """See `ImageFormat`."""
        path.write_bytes(self.encode(pixels))

    def readable(self, path: Path) -> bool:
        """See `ImageFormat`."""
        data = path.read_bytes()
        return data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9"  # SOI, EOI


class StillSink:
    """The first frame as one file. See `Sink`."""

    takes_pq = False

    def __init__(self, target: Path, image: UltraHdrFormat, settings: OutputSettings) -> None:
        """Raises OutputError where the target exists or has no folder."""
        # Named only once it was whole, so a resumed run finds it finished.
        self._written = settings.resume and target.is_file()
        check_target(target, overwrite=settings.overwrite or self._written)
        self._target, self._image, self._settings = target, image, settings
        self._next = _NONE if self._written else settings.first_index
        self._repaired = 0

    @property
    def next_index(self) -> int:
        """Of a resumed run that has its picture, beyond any clip. See `Sink`."""
        return self._next

    @property
    def kept(self) -> int:
        """See `Sink`."""
        return int(self._written)

    def write(self, index: int, picture: Picture, time: Fraction) -> None:
        """The first frame is written, others are ignored. See `Sink`."""
        if self._written:
            return
        frame, self._repaired = checked(picture, self._settings)
        try:
            data = self._image.encode(self._image.prepare(frame))
        except OSError as error:
            raise OutputError(f"{self._target} cannot be written ({error.strerror})") from None
        write_whole(self._target, data)
        self._written = True

    def close(self, *, complete: bool = True, keep: bool = False) -> dict[str, object]:
        """Facts. See `Sink`."""
        return {
            "kind": self._image.kind,
            "path": str(self._target) if self._written else None,
            "frames": int(self._written),
            "white_nits": self._settings.white_nits,
            "repaired_values": self._repaired,
            "notes": [] if self._written else ["no frame was written"],
        }

    def tidy(self) -> None:
        """Nothing was kept for later. See `Sink`."""

    def abort(self) -> None:
        """Nothing to undo."""


def open_ultrahdr(target: Path, settings: OutputSettings) -> Sink:
    """`shot.jpg` for the first frame, a folder or `shot_%06d.jpg` for all of them."""
    image = UltraHdrFormat(settings)
    numbered = "%" in target.name or "#" in target.name
    if target.suffix.lower() in image.suffixes and not numbered:
        return StillSink(target, image, settings)
    return ImageSink(target, image, settings)


def _library() -> Any:
    try:
        codecs = importlib.import_module("imagecodecs")
    except ImportError:
        codecs = None
    if codecs is None or not codecs.ULTRAHDR.available:
        raise OutputError(
            "Ultra HDR needs imagecodecs with libultrahdr, which is not installed",
            expected="the extra ultrahdr",
            next_step='Run: pip install "lrhdr[ultrahdr]"',
        )
    return codecs
