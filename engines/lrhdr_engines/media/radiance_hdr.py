"""Radiance .hdr (RGBE): three 8-bit mantissas and one exponent a pixel, linear BT.709."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from lrhdr_engines.media.image_format import Pixels, has_size, write_image
from lrhdr_engines.media.sink import OutputSettings, Radiance


class RadianceFormat:
    """One .hdr file a frame. See `ImageFormat`. Negative values become 0."""

    kind = "hdr"
    suffixes = (".hdr",)
    job: Mapping[str, object] = {"format": "hdr"}
    notes = ("Radiance .hdr holds no time code, no frame rate and no primaries (BT.709 here)",)

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings

    def prepare(self, frame: Radiance) -> Pixels:
        """See `ImageFormat`."""
        return np.maximum(frame, 0.0)

    def write(self, path: Path, pixels: Pixels, time: Fraction) -> None:
        """See `ImageFormat`."""
        spec = oiio.ImageSpec(self._settings.width, self._settings.height, 3, "float")
        write_image(path, pixels, spec)

    def readable(self, path: Path) -> bool:
        """See `ImageFormat`."""
        return has_size(path, self._settings.width, self._settings.height)
