"""gpu-check's oracle in the words of these tests, and the bound of FP16 masks by type."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrhdr_benchmarks.gpu_check import oracle

Array = NDArray[np.floating]
EPS, HALF_STEP = oracle.EPS, oracle.HALF_STEP
exact_masks = oracle.masks


def exact_hdr(
    masks: NDArray[np.float64], images: list[Array], exposures: Array, radiances: list[Array]
) -> NDArray[np.float64]:
    """(N, pixels) masks, (3, pixels) each and (K,) to hdr (3, pixels)."""
    candidates = np.stack([c.astype(np.float64) for c in (*images, *radiances)])
    total: NDArray[np.float64] = np.einsum("np,ncp->cp", masks, oracle.light(candidates, exposures))
    return total


def mask_bound(alpha: float, dtype: type) -> float:
    """How far a mask may be off."""
    return oracle.mask_bound(alpha, half=dtype is np.float16)
