"""The pictures of a test set: recorded frames (.tif) and the truth (Radiance .hdr)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.data.layouts.scene import Picture
from lrhdr.errors import InputError

Codes = NDArray[np.uint8] | NDArray[np.uint16]  # (H, W, 3), as stored


def read_frame(path: Path) -> Picture:
    """A recorded frame as it is stored: (H, W, 3) RGB in gamma space, [0, 1].

    Raises:
        InputError: see `read_codes`.
    """
    codes = read_codes(path)
    return codes.astype(np.float32) / np.float32(np.iinfo(codes.dtype).max)


def read_codes(path: Path) -> Codes:
    """The codes of a recorded frame, (H, W, 3) RGB.

    Raises:
        InputError: the file is missing, damaged or no RGB picture of 8 or 16 bits.
    """
    codes = _read(path)
    if codes.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path} holds {codes.dtype} samples", expected="8 or 16 bits")
    return codes


def read_truth(path: Path) -> Picture:
    """Linear HDR in [0, 1], (H, W, 3) RGB: as stored or, if that exceeds 1, over its maximum.

    Raises:
        InputError: the file is missing, damaged or no HDR picture.
    """
    radiance = _read(path)
    if radiance.dtype != np.float32:
        raise InputError(f"{path} holds {radiance.dtype} samples", expected="a Radiance .hdr")
    truth: Picture = radiance / np.maximum(radiance.max(), np.float32(1.0))
    return truth


def _read(path: Path) -> NDArray[Any]:
    # OpenCV prints what it makes of a damaged file; the message below is for the user.
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # larger than OpenCV accepts
        pixels = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError(
            f"{path} cannot be read as an RGB picture", expected="a whole one of three channels"
        )
    return np.ascontiguousarray(pixels[..., ::-1])  # OpenCV's order is BGR
