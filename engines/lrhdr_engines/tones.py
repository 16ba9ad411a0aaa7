"""What a frame's exposure can be read from: the quantiles of its channels, without clipped pixels.

Legend: K tones = 3 channels x 64 quantiles; a stop is a doubling of linear light.

Exposures of one scene differ by a factor in linear light, so the same quantile
of both frames differs by that factor wherever neither is clipped, and it does
so however the scene has moved between them. Channels are taken one by one
because they clip one by one: a luma of a clipped channel and two others
follows no power law (measured: the worst error of a ratio of 3 EV falls from
0.4 EV with luma to 0.05 EV).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import ExposureError
from lrhdr.light import GAMMA

# Codes of 8 bit between which a tone can be trusted: below, a step of one code
# is over 1/3 EV; above, compression and sharpening smear clipped areas.
DARKEST, BRIGHTEST = 8.0, 247.0

_QUANTILES = (np.arange(64) + 0.5) / 64
_SAMPLED_SIDE = 320  # pixels sampled along the longer side, averaged 2 x 2 against noise
_TONES_NEEDED = 10  # of K; below, a median over tones says nothing


def tones(rgb: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.float64]:
    """The tones of one frame: (K,) codes in 0..255, ascending within each channel.

    Args:
        rgb: (H, W, 3) gamma-encoded, uint8 or uint16 using the full range of its type.

    Raises:
        ExposureError: the frame has another shape or type.
    """
    return quantiles(means_of(samples_of(rgb)))


def samples_of(rgb: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.float32]:
    """(h, w, 3) codes in 0..255 of at most 320 by 320 of a frame's pixels, as they are.

    Raises:
        ExposureError: the frame is no (H, W, 3) of uint8 or uint16.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype not in (np.uint8, np.uint16) or not rgb.size:
        raise ExposureError(
            f"a frame of shape {rgb.shape} and type {rgb.dtype}",
            expected="(H, W, 3) of uint8 or uint16",
        )
    full_scale = 255.0 if rgb.dtype == np.uint8 else 65535.0
    height, width = rgb.shape[:2]
    scale = min(1.0, _SAMPLED_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Sampling first keeps clipped pixels recognisable; an average would hide them.
    samples = cv2.resize(rgb, size, interpolation=cv2.INTER_NEAREST)
    codes: NDArray[np.float32] = samples.astype(np.float32) * np.float32(255.0 / full_scale)
    return codes


def means_of(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of 2 by 2 samples against noise, (h / 2, w / 2, 3); 255 where one of them clips."""
    half = max(1, samples.shape[1] // 2), max(1, samples.shape[0] // 2)
    means = cv2.resize(samples, half, interpolation=cv2.INTER_AREA)
    clipped = (samples > BRIGHTEST).astype(np.float32)
    means[cv2.resize(clipped, half, interpolation=cv2.INTER_AREA) > 0] = 255.0
    return np.asarray(means, np.float32)


def quantiles(means: NDArray[np.float32]) -> NDArray[np.float64]:
    """The (K,) tones of `means_of`."""
    ordered = np.sort(means.reshape(-1, 3).T, axis=1)
    picks = (_QUANTILES * ordered.shape[1]).astype(np.intp)
    return ordered[:, picks].reshape(-1).astype(np.float64)


def seen(codes: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which codes of 0..255 can be trusted: neither black nor clipped, nor NaN."""
    return np.asarray((codes >= DARKEST) & (codes <= BRIGHTEST))


def stops(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Codes (..., K) in 0..255 to log2 of linear light, 0 at white; NaN where not to be trusted."""
    return np.where(seen(codes), GAMMA * np.log2(np.maximum(codes, 1.0) / 255.0), np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """How much brighter one frame's tones are than another's.

    Attributes:
        ev: the median over the tones, EV; NaN if fewer than ten are visible in both.
        spread: half the interquartile range, EV: 0 where one frame is the other at another
            exposure, large where the pictures differ or the transfer function is no power law.
        visible: the share of the tones visible in both, 0..1.
    """

    ev: float
    spread: float
    visible: float


def gain(of: NDArray[np.float64], over: NDArray[np.float64]) -> Gain:
    """The gain of one frame's stops (K,) over another's.

    Tones count by the code of the darker frame: a code's rounding, noise and
    the toe of the transfer function weigh as its inverse.
    """
    difference = of - over
    shared = np.flatnonzero(np.isfinite(difference))
    visible = shared.size / difference.size
    if shared.size < _TONES_NEEDED:
        return Gain(ev=float("nan"), spread=float("nan"), visible=visible)
    order = shared[np.argsort(difference[shared])]
    weight = 2.0 ** (np.minimum(of, over)[order] / GAMMA)
    rank = (np.cumsum(weight) - weight / 2) / weight.sum()
    low, middle, high = np.interp((0.25, 0.5, 0.75), rank, difference[order])
    return Gain(ev=float(middle), spread=float(high - low) / 2, visible=visible)
