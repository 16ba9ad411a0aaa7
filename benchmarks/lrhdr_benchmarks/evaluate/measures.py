"""The measures of one frame, and how they are called and printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from lrhdr.light import Floats, tonemap
from lrhdr.metrics import Role, masked_prediction, psnr, ssim, to_pq

Protocol = Literal["raw", "masked"]
PROTOCOLS: dict[Protocol, str] = {
    "raw": "the result as it is (as LAN-HDR measures)",
    "masked": "where the reference is well exposed, its own radiance instead of the result "
    "(as HDRFlow, NECHDR and F2HDR measure)",
}
ROLES: tuple[Role, ...] = ("low", "middle", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The name of a measure with its unit, and its decimals. More is better in all of them."""

    title: str
    decimals: int


MEASURES = {
    "psnr_t": Measure(title="PSNR_T, dB", decimals=2),
    "ssim_t": Measure(title="SSIM_T", decimals=4),
    "psnr_pq": Measure(title="PSNR in PQ, dB", decimals=2),
    "ssim_pq": Measure(title="SSIM in PQ", decimals=4),
    "cvvdp": Measure(title="ColorVideoVDP, JOD", decimals=3),
    "hdrvdp2": Measure(title="HDR-VDP-2 Q, absolute light", decimals=2),
    "hdrvdp2_srgb": Measure(title="HDR-VDP-2 Q, H as sRGB", decimals=2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Domains:
    """A picture (H, W, 3) in every domain that is measured in, all [0, 1], float64."""

    linear: NDArray[np.float64]
    t: Floats
    pq: Floats

    @classmethod
    def of(cls, radiance: Floats) -> Self:
        """Linear HDR, clipped to [0, 1]; NaN stays and is for the caller to refuse."""
        linear = np.clip(radiance.astype(np.float64), 0.0, 1.0)
        return cls(linear=linear, t=tonemap(linear), pq=to_pq(linear))


Meter = Callable[[Domains, Domains], dict[str, float]]
"""(prediction, truth) -> values by the names of `MEASURES`."""


def fidelity(prediction: Domains, truth: Domains) -> dict[str, float]:
    """PSNR and SSIM in T and in PQ: the meter that is always there."""
    return {
        "psnr_t": psnr(prediction.t, truth.t),
        "ssim_t": ssim(prediction.t, truth.t),
        "psnr_pq": psnr(prediction.pq, truth.pq),
        "ssim_pq": ssim(prediction.pq, truth.pq),
    }


def as_measured(
    prediction: Domains, protocol: Protocol, frame: Floats, exposure: float, role: Role
) -> Domains:
    """What a protocol measures instead of the prediction; see `lrhdr.metrics.masked_prediction`."""
    if protocol == "raw":
        return prediction
    return Domains.of(masked_prediction(prediction.linear, frame, exposure, role))
