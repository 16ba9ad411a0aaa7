"""HDR photographs as scene material: linear RGB, (H, W, 3) float32, relative units."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import TrainingError

Image = NDArray[np.float32]

SUFFIXES = (".hdr", ".exr")

# Photographs that training never sees, by stem: of every family, and no room
# of which another picture is trained on.
VALIDATION = frozenset(
    {
        "bl_forest",
        "exr_Carrots",
        "exr_Flowers",
        "ph_adams_place_bridge_1k",
        "ph_autoshop_01_1k",
        "ph_hilly_terrain_01_1k",
        "ph_sepulchral_chapel_rotunda_1k",
        "ph_vestibule_1k",
        "pm_bridge",
        "pm_esplanade",
        "pm_lobby",
        "pm_venice",
        "drei_venice_sunset_1k",
    }
)


def read_image(path: Path) -> Image:
    """One .hdr or .exr, its median luminance brought to 1, negatives and NaN removed.

    Raises:
        TrainingError: the file cannot be read as an RGB image.
    """
    import OpenImageIO as oiio

    buffer = oiio.ImageBuf(str(path))
    pixels = buffer.get_pixels(oiio.FLOAT) if buffer.read(force=True) else None
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] < 3:
        reason = " ".join(buffer.geterror().split())  # OpenImageIO's may have several lines
        raise TrainingError(
            f"{path} cannot be read as an RGB image ({reason or 'no three channels'})",
            expected="a Radiance .hdr or an OpenEXR file",
        )
    image: Image = np.nan_to_num(pixels[:, :, :3].astype(np.float32), posinf=1e6).clip(min=0.0)
    median = float(np.median(image.max(axis=2)))
    scaled: Image = image / np.float32(max(median, 1e-6))
    return scaled


def list_images(folder: Path) -> list[Path]:
    """The HDR images of a folder, by name.

    Raises:
        TrainingError: the folder holds none.
    """
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise TrainingError(
            f"{folder} holds no HDR image",
            expected=f"a folder with {' or '.join(SUFFIXES)} files",
        )
    return paths


def load_images(paths: Sequence[Path]) -> list[Image]:
    """Every image that can be read; those that cannot are named in a warning and left out.

    Raises:
        TrainingError: none can be read.
    """
    images = []
    for path in paths:
        try:
            images.append(read_image(path))
        except TrainingError as error:
            warnings.warn(f"left out: {error}", stacklevel=2)
    if not images:
        raise TrainingError(f"none of {len(paths)} HDR images can be read")
    return images


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """(training, validation): known names by `VALIDATION`; else every sixth is set apart."""
    held = [p for p in paths if p.stem in VALIDATION]
    if not held:
        held = list(paths[5::6]) or list(paths[-1:])
    train = [p for p in paths if p not in held]
    return (train or held), held
