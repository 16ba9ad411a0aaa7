"""Small EXR sequences for the tests of `ImageSink`: every frame tells its index."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from lrhdr_engines.media import OutputSettings
from lrhdr_engines.media.exr import ExrFormat
from lrhdr_engines.media.image_sink import ImageSink

W, H = 20, 14
RATE = Fraction(25)


def settings(**changes: Any) -> OutputSettings:
    given: dict[str, Any] = {"width": W, "height": H, "frame_rate": RATE}
    return OutputSettings(**given | changes)


def open_exr(target: Path, given: OutputSettings, threads: int | None = None) -> ImageSink:
    return ImageSink(target, ExrFormat(given), given, threads=threads)


def frame(seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).lognormal(0.0, 2.0, (H, W, 3)).astype(np.float32)


def write(sink: ImageSink, *indices: int) -> ImageSink:
    for index in indices:
        sink.write(index, frame(index), index / RATE)
    return sink


def read(path: Path) -> NDArray[Any]:
    image = oiio.ImageInput.open(str(path))
    assert image is not None
    pixels = image.read_image("float")
    image.close()
    return np.asarray(pixels)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith("job.json"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
