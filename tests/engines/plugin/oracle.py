"""Both operators in float64, slow and obvious; and the tolerances, with their reasons.

| of | bound | why |
| --- | --- | --- |
| masks, FP32 | 4 eps / (alpha - 1) | u^(1/(alpha-1)) grows u's error of eps by 1/(alpha-1); the \
difference, log2, exp2 and the product each add one |
| masks, FP16 | 2^-12 more | half a step of FP16 below 1 |
| hdr | sum of the masks' bounds times radiance, and 8 eps of the sum | N masks are off; Gamma, \
the division and the sum round some eight times |

eps is 2^-23. Inputs are exact: the oracle gets the very numbers that the kernel reads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
EPS = 2.0**-23
HALF_STEP = 2.0**-12


def exact_masks(logits: Array, alpha: float) -> NDArray[np.float64]:
    """(N, pixels) logits to masks; tau by bisection, which shares nothing with Newton."""
    z = logits.astype(np.float64)
    x = (alpha - 1.0) * (z - z.max(axis=0))
    low, high = np.full(x.shape[1:], -1.0), np.zeros(x.shape[1:])
    for _ in range(60):
        tau = (low + high) / 2.0
        above = _raised(x - tau, alpha).sum(axis=0) >= 1.0
        low, high = np.where(above, tau, low), np.where(above, high, tau)
    return _raised(x - low, alpha)


def exact_hdr(
    masks: NDArray[np.float64], images: list[Array], exposures: Array, radiances: list[Array]
) -> NDArray[np.float64]:
    """(N, pixels) masks, (3, pixels) each and (K,) to hdr (3, pixels)."""
    candidates = [
        np.maximum(image.astype(np.float64), 0.0) ** 2.2 / float(exposure)
        for image, exposure in zip(images, exposures, strict=True)
    ] + [radiance.astype(np.float64) for radiance in radiances]
    total: NDArray[np.float64] = np.sum([m * h for m, h in zip(masks, candidates, strict=True)], 0)
    return total


def mask_bound(alpha: float, dtype: type) -> float:
    """How far a mask may be off."""
    return 4.0 * EPS / (alpha - 1.0) + (HALF_STEP if dtype is np.float16 else 0.0)


def _raised(u: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    raised: NDArray[np.float64] = np.maximum(u, 0.0) ** (1.0 / (alpha - 1.0))
    return raised
