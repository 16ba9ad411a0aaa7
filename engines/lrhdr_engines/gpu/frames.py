"""Frames as a GPU stream takes them: codes of 8 or 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr_engines.reconstruct import RgbFrame

_WHITE = 65535


def codes(index: int, frame: RgbFrame) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """A frame as it is uploaded; floats are rounded to 16 bits, which is at most 7.7e-6 off.

    Raises:
        InputError: frame `index` is no frame, or has values outside [0, 1].
    """
    given: NDArray[Any] = frame
    real = given.dtype.kind == "f"
    if (
        given.ndim != 3
        or given.shape[2] != 3
        or not given.size
        or not (real or given.dtype in (np.uint8, np.uint16))
    ):
        raise InputError(
            f"a frame of shape {given.shape} and type {given.dtype}",
            expected="(height, width, 3) of uint8, uint16 or float",
        )
    if not real:
        return given
    low, high = given.min(), given.max()
    if not (low >= 0 and high <= 1):  # so that NaN is refused too
        raise InputError(
            f"frame {index} has values from {low:.4g} to {high:.4g}",
            expected="0 to 1, gamma-encoded",
        )
    return np.rint(given.astype(np.float64) * _WHITE).astype(np.uint16)
