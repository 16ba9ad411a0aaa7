"""The paper's losses, Eqs. 11 to 15 and 19 to 22, with its weights as defaults.

Legend: B batch, N candidates. Radiance (B, 3, H, W) is linear in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from lrhdr.model.entmax import entmax_loss
from lrhdr.model.network import Reconstruction
from lrhdr.model.ops import tonemap

GRADIENT_EPSILON = 1e-6  # Eq. 15
SCALE_WEIGHTS = (1.0, 0.5, 0.25)  # omega_s, normalised where used


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWeights:
    """lambda_1 to lambda_3 of Eq. 22, lambda_L1 and lambda_grad of Eq. 11, eta of Eq. 13.

    `film` weighs the interpolated frame's own error where the interpolator is trained along,
    `square` the squared error beside Eq. 21, which few but large errors dominate.
    """

    recon: float = 1.0
    accr: float = 0.1
    vote: float = 0.5
    accr_l1: float = 1.0
    accr_gradient: float = 0.01
    eta: float = 0.7
    film: float = 0.2
    square: float = 0.0


def gradient_loss(a: Tensor, b: Tensor) -> Tensor:
    """Eq. 15 at scales 1, 1/2 and 1/4: the difference of the two images' gradients, robust."""
    total = a.new_zeros(())
    for index, weight in enumerate(SCALE_WEIGHTS):
        if index:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        d = a - b
        dx = d[..., :-1, 1:] - d[..., :-1, :-1]
        dy = d[..., 1:, :-1] - d[..., :-1, :-1]
        total = total + weight * torch.sqrt(dx * dx + dy * dy + GRADIENT_EPSILON).mean()
    return total / sum(SCALE_WEIGHTS)


def accr_loss(streams: Sequence[Tensor], truth: Tensor, weights: LossWeights) -> Tensor:
    """Eqs. 11, 13, 14. `streams` are ACCR's outputs, the reference's first.

    The text names omega_s twice; here it weighs the scales, and eta weighs
    the interpolated streams in both terms.
    """
    target = tonemap(truth)
    total = truth.new_zeros(())
    for index, stream in enumerate(streams):
        value = tonemap(stream)
        share = 1.0 if index == 0 else weights.eta / (len(streams) - 1)
        total = total + share * (
            weights.accr_l1 * (value - target).abs().mean()
            + weights.accr_gradient * gradient_loss(value, target)
        )
    return total


def votes(candidates: Sequence[Tensor], truth: Tensor) -> Tensor:
    """The oracle label of Eq. 19: for each pixel the candidate nearest in T, (B, H, W) int64."""
    target = tonemap(truth)
    errors = [((tonemap(c) - target) ** 2).sum(dim=1) for c in candidates]
    return torch.stack(errors, dim=1).argmin(dim=1)


def vote_loss(logits: Tensor, candidates: Sequence[Tensor], truth: Tensor, alpha: float) -> Tensor:
    """Eq. 20: entmax cross-entropy against the oracle's votes."""
    with torch.no_grad():
        label = votes(candidates, truth)
    return entmax_loss(logits, label, alpha).mean()


def recon_loss(hdr: Tensor, truth: Tensor) -> Tensor:
    """Eq. 21: L1 in the tone-mapped domain."""
    return (tonemap(hdr) - tonemap(truth)).abs().mean()


def total_loss(
    result: Reconstruction,
    truth: Tensor,
    *,
    accr_streams: int,
    alpha: float | None,
    weights: LossWeights,
) -> tuple[Tensor, dict[str, float]]:
    """Eq. 22 and its parts as numbers.

    `accr_streams` is Ne, or 0 without ACCR. `alpha` is None for the dense fusion, which has
    no sparse masks to vote with.
    """
    parts = {"recon": recon_loss(result.hdr, truth)}
    total = weights.recon * parts["recon"]
    if weights.square:
        parts["square"] = ((tonemap(result.hdr) - tonemap(truth)) ** 2).mean()
        total = total + weights.square * parts["square"]
    if accr_streams and weights.accr:
        parts["accr"] = accr_loss(result.candidates[-accr_streams:], truth, weights)
        total = total + weights.accr * parts["accr"]
    if weights.vote and alpha is not None:
        parts["vote"] = vote_loss(result.logits, result.candidates, truth, alpha)
        total = total + weights.vote * parts["vote"]
    return total, {name: float(value.detach()) for name, value in parts.items()}
