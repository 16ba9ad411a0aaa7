"""Both operators in float64, slow and obvious, and how far the kernels may be from them.

The masks' bound is 4 eps / (alpha - 1), eps = 2^-23: u^(1/(alpha-1)) grows the error of u, and the
difference, log2, exp2 and the product each add one. FP16 masks are rounded once more, by 2^-12 at
most. Radiance has the masks' errors times each candidate, and 8 eps for Gamma and the sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Exact = NDArray[np.float64]
EPS = 2.0**-23
HALF_STEP = 2.0**-12
_BISECTIONS = 60


def masks(logits: Array, alpha: float) -> Exact:
    """alpha-entmax over axis -2 of (..., N, pixels), its threshold found by bisection."""
    z = logits.astype(np.float64)
    x = (alpha - 1.0) * (z - z.max(axis=-2, keepdims=True))

    def shares(threshold: Exact) -> Exact:
        raised: Exact = np.maximum(x - threshold, 0.0) ** (1.0 / (alpha - 1.0))
        return raised

    low = np.full_like(x[..., :1, :], -1.0)
    high = np.zeros_like(low)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        enough = shares(middle).sum(axis=-2, keepdims=True) >= 1.0
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    return shares(low)


def light(candidates: Array, exposures: Array) -> Exact:
    """Linear radiance (N, 3, pixels) of candidates, the first K of which are in gamma space."""
    found = candidates.astype(np.float64)
    images = len(exposures)
    found[:images] = np.maximum(found[:images], 0.0) ** 2.2
    found[:images] /= exposures.astype(np.float64)[:, None, None]
    return found


def mask_bound(alpha: float, *, half: bool) -> float:
    """The largest error of a mask."""
    return 4.0 * EPS / (alpha - 1.0) + (HALF_STEP if half else 0.0)


def hdr_bound(lights: Exact, weights: Exact, alpha: float) -> Exact:
    """The largest error of every value of (3, pixels)."""
    fused = np.einsum("np,ncp->cp", weights, lights)
    bound: Exact = mask_bound(alpha, half=False) * lights.sum(axis=0) + 8.0 * EPS * fused
    return bound
