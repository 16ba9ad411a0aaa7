"""HDR to an ordinary picture, for previews: the curve of BT.2390, on the brightest channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrhdr.light import GAMMA, REFERENCE_WHITE_NITS, pq_decode, pq_encode


def display(radiance: NDArray[np.float32], peak: float) -> NDArray[np.uint8]:
    """Tone-map an HDR frame so that it looks like a well exposed photograph.

    Light up to about a third of diffuse white is kept as it is; what is above rolls off smoothly,
    so that `peak` just reaches white. All three channels are scaled by one factor, that of the
    brightest: hues stay, and no channel clips.

    Args:
        radiance: (H, W, 3), linear; 1.0 is diffuse white.
        peak: the brightest value that can occur, at least 1.

    Returns:
        (H, W, 3), gamma 2.2.
    """
    light = np.maximum(radiance, 0.0)
    brightest = np.maximum(light.max(axis=2, keepdims=True), 1e-6)
    scale = _eetf(brightest * REFERENCE_WHITE_NITS, peak * REFERENCE_WHITE_NITS)
    shown = light * (scale / REFERENCE_WHITE_NITS / brightest)
    return np.asarray(np.rint(np.clip(shown, 0.0, 1.0) ** (1.0 / GAMMA) * 255.0), np.uint8)


def _eetf(nits: NDArray[np.float32], peak_nits: float) -> NDArray[np.float32]:
    """BT.2390-11, 5.4.1: from a display of `peak_nits` to one of 203 cd/m2, black at 0."""
    if peak_nits <= REFERENCE_WHITE_NITS:
        return nits
    target_signal, white = pq_encode(np.array([REFERENCE_WHITE_NITS, peak_nits])).tolist()
    target = target_signal / white
    knee = 1.5 * target - 0.5
    signal = np.minimum(pq_encode(nits) / white, 1.0)
    t = np.maximum(signal - knee, 0.0) / (1.0 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1.0 - knee)
        + (3 * t**2 - 2 * t**3) * target
    )
    return np.asarray(pq_decode(np.where(signal < knee, signal, spline) * white))
