"""Metrics of the alternating-exposure literature, in float64.

Images are (H, W, 3). Linear HDR H is in [0, 1], 1 where the shortest exposure
saturates; the mu-law is Eq. 12 with mu = 5000. Values are means over the whole
picture (no border crop); a clip's figure is the mean over its frames.

Measures in PQ see the picture as a display shows it, with H = 1 at `PEAK_NITS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import Floats, linearise, luma, pq_encode, tonemap

Role = Literal["low", "middle", "high"]

# The exposure-masked protocol trusts a reference pixel between these lumas.
WELL_EXPOSED = (0.2, 0.8)
SSIM_WINDOW = 7

# What H = 1 is shown at, in cd/m2: a usual peak of mastered HDR video, while the shortest
# exposure is chosen so that little clips, which makes H = 1 about the brightest in the scene.
PEAK_NITS = 1000.0


def psnr(a: Floats, b: Floats, data_range: float = 1.0) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal images.

    Args:
        a: (H, W, 3).
        b: (H, W, 3), the same size.
        data_range: the peak, in the units of the images.
    """
    x, y = _pair(a, b)
    error = float(np.mean((x - y) ** 2))
    return 10.0 * math.log10(data_range**2 / error) if error else math.inf


def psnr_t(prediction: Floats, truth: Floats) -> float:
    """PSNR_T: PSNR in dB between mu-law tone-mapped pictures of linear HDR >= 0."""
    return psnr(*_encoded(prediction, truth, tonemap))


def ssim_t(prediction: Floats, truth: Floats) -> float:
    """SSIM_T in [-1, 1] between mu-law tone-mapped pictures of linear HDR >= 0; see `ssim`."""
    return ssim(*_encoded(prediction, truth, tonemap))


def to_pq(radiance: Floats) -> Floats:
    """Linear HDR, 1 at `PEAK_NITS`, to the PQ signal in [0, 1] of every channel."""
    return pq_encode(radiance * PEAK_NITS)


def psnr_pq(prediction: Floats, truth: Floats) -> float:
    """PSNR in dB between the PQ signals of linear HDR >= 0; the range of PQ is 1."""
    return psnr(*_encoded(prediction, truth, to_pq))


def ssim_pq(prediction: Floats, truth: Floats) -> float:
    """SSIM in [-1, 1] between the PQ signals of linear HDR >= 0; see `ssim`."""
    return ssim(*_encoded(prediction, truth, to_pq))


def ssim(a: Floats, b: Floats) -> float:
    """Structural similarity in [-1, 1] of two pictures with values in [0, 1].

    scikit-image's defaults, as the peers use them: 7x7 uniform window, K1 = 0.01,
    K2 = 0.03, channels measured apart and averaged. Needs `lrhdr[eval]`.
    """
    from skimage.metrics import structural_similarity

    x, y = _pair(a, b)
    if min(x.shape[:2]) < SSIM_WINDOW:
        raise InputError(
            f"SSIM of a {x.shape[1]}x{x.shape[0]} picture",
            expected=f"at least {SSIM_WINDOW} pixels each way",
        )
    return float(structural_similarity(x, y, win_size=SSIM_WINDOW, channel_axis=2, data_range=1.0))


def role_of(exposure: float, exposures: Sequence[float]) -> Role:
    """What a frame is in its cycle: the shortest exposure is low, the longest high."""
    if exposure <= min(exposures):
        return "low"
    return "high" if exposure >= max(exposures) else "middle"


def masked_prediction(
    prediction: Floats, reference_frame: Floats, exposure: float, role: Role
) -> NDArray[np.float64]:
    """The exposure-masked protocol of HDRFlow, NECHDR and F2HDR.

    Where the reference is well exposed its own radiance Gamma(L) replaces the
    prediction before measuring. The prediction is kept where luma < 0.2 (low
    reference), > 0.8 (high), or either (middle). The other protocol, LAN-HDR's,
    measures the prediction as it is: report both, named.

    Args:
        prediction: (H, W, 3) linear HDR in [0, 1].
        reference_frame: (H, W, 3) in gamma space, [0, 1].
        exposure: e >= 1 of the reference, relative to the shortest.
        role: the reference's place in the cycle, see `role_of`.

    Returns:
        (H, W, 3) linear HDR.
    """
    kept, reference = _pair(prediction, reference_frame)
    y = luma(reference)
    under, over = y < WELL_EXPOSED[0], y > WELL_EXPOSED[1]
    keep = {"low": under, "high": over, "middle": under | over}[role]
    radiance = linearise(reference, exposure).astype(np.float64)
    return np.where(keep[..., np.newaxis], kept, radiance)


def _pair(a: Floats, b: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if a.shape != b.shape or a.ndim != 3 or a.shape[2] != 3:
        raise InputError(
            f"pictures of shapes {a.shape} and {b.shape}", expected="two of one shape (H, W, 3)"
        )
    return a.astype(np.float64), b.astype(np.float64)


def _encoded(a: Floats, b: Floats, curve: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    x, y = _pair(a, b)
    for name, picture in (("prediction", x), ("truth", y)):
        # min() is NaN where any value is, and then the comparison fails too.
        if not picture.min() >= 0.0:
            raise InputError(
                f"{name} with minimum {picture.min():g}", expected="linear HDR, finite and >= 0"
            )
    return curve(x), curve(y)
