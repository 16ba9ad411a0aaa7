"""Radiance to try, and its light, codes and video in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrhdr import light
from lrhdr_engines.device.protocol import PQ_WHITE
from tests.engines.plugin.frames import Planes, Size
from tests.engines.plugin.oracle import EPS

NOT_FINITE = [np.nan, np.inf, -np.inf]
# BT.2020's Y'CbCr in 10 bits, narrow range (BT.2100-2 tables 6 and 9).
SCALE, ZERO = np.array([876, 896, 896]), np.array([64, 512, 512])


def radiance(size: Size, padding: Size, seed: int, bad: int) -> Planes:
    """(1, 3, H', W'): mostly 0 to beyond white, some negative, some not finite."""
    rng = np.random.default_rng(seed)
    shape = (1, 3, size[0] + padding[0], size[1] + padding[1])
    planes = (2.0 ** rng.uniform(-16, 6, shape)).astype(np.float32)
    planes[rng.random(shape) < 0.05] *= -1
    planes[rng.random(shape) < 0.05] = 0
    places = rng.integers(0, planes.size, bad)
    planes.reshape(-1)[places] = rng.choice(NOT_FINITE, bad)
    return planes


def exact_nits(
    planes: Planes, gain: float, white: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """cd/m2 (H, W, 3) in BT.2020 from (3, H, W), not clipped; and what FP32 may be off."""
    rgb = np.nan_to_num(planes.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    rgb = rgb.transpose(1, 2, 0) * float(np.float32(gain))
    to_nits = light.BT709_TO_BT2020 * white
    nits: NDArray[np.float64] = rgb @ to_nits.T
    # The gain, the coefficient, the product and two sums round each term: 5 halves.
    return nits, 3 * EPS * (np.abs(rgb) @ to_nits.T)


def exact_codes(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Before they are rounded."""
    return PQ_WHITE * np.asarray(light.pq_encode(nits), np.float64)


def ycbcr(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H, W, 3) R'G'B' in [0, 1] to codes of 10 bits."""
    codes: NDArray[np.float64] = np.rint(signal @ light.ycbcr_matrix(light.BT2020).T * SCALE + ZERO)
    return codes
