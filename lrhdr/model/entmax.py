"""alpha-entmax (Peters et al. 2019) over the channel axis, by a monotone Newton iteration.

p_i = max(0, (a - 1) z_i - tau)^(1/(a-1)) with sum p = 1. With
x = (a - 1)(z - max z), f(tau) = sum(max(0, x - tau)^(1/(a-1))) - 1 is convex
and falling, so Newton's step from tau = -1 rises to the root and never
overshoots, for every a in (1, 2]: no bracket and no branches.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

ALPHA_MIN, ALPHA_MAX = 1.01, 2.0
STEPS = 8  # reaches 1e-15 in float64 for up to 16 candidates


def entmax_forward(logits: Tensor, alpha: float, dim: int = 1, steps: int = STEPS) -> Tensor:
    """The forward pass alone, from differentiable operators; see `entmax`."""
    power = 1.0 / (alpha - 1.0)
    x = (alpha - 1.0) * (logits - logits.amax(dim=dim, keepdim=True))
    tau = torch.full_like(x.narrow(dim, 0, 1), -1.0)
    for _ in range(steps):
        u, slope = _support(x - tau, power)
        excess = (u * slope).sum(dim=dim, keepdim=True) - 1.0
        tau = tau + excess / (power * slope.sum(dim=dim, keepdim=True))
    u, slope = _support(x - tau, power)
    return u * slope


def _support(u: Tensor, power: float) -> tuple[Tensor, Tensor]:
    """Give v = max(0, u) and v^(power - 1): one power serves both v^power and its slope."""
    u = u.clamp(min=0.0)
    # At alpha = 2 the exponent is 0, and 0^0 must count as 0.
    return u, (u > 0).to(u.dtype) if power == 1.0 else u ** (power - 1.0)


class _Entmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, alpha: float, dim: int) -> Tensor:
        p = entmax_forward(logits, alpha, dim)
        ctx.save_for_backward(p)
        ctx.alpha, ctx.dim = alpha, dim
        return p

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        # dp/dz = diag(s) - s s^T / sum(s), s = p^(2 - alpha) on the support
        (p,) = ctx.saved_tensors
        s = torch.where(p > 0, p ** (2.0 - ctx.alpha), torch.zeros_like(p))
        weighted = s * grads[0]
        mean = weighted.sum(dim=ctx.dim, keepdim=True) / s.sum(dim=ctx.dim, keepdim=True)
        return weighted - s * mean, None, None


def entmax(logits: Tensor, alpha: float = 1.75, dim: int = 1) -> Tensor:
    """Sparse probabilities with an exact gradient.

    Args:
        logits: any shape; candidates along `dim`.
        alpha: in [1.01, 2]; 2 is sparsemax, towards 1 softmax.
        dim: axis of the candidates.

    Returns:
        Same shape, non-negative, summing to 1 along `dim`, with exact zeros.

    Raises:
        ValueError: alpha outside [1.01, 2].
    """
    if not ALPHA_MIN <= alpha <= ALPHA_MAX:
        raise ValueError(f"alpha {alpha}; expected a number in [{ALPHA_MIN}, {ALPHA_MAX}]")
    result: Tensor = _Entmax.apply(logits, alpha, dim)  # type: ignore[no-untyped-call]
    return result


def entmax_loss(logits: Tensor, label: Tensor, alpha: float = 1.75) -> Tensor:
    """The entmax cross-entropy of Eq. 20 (Fenchel-Young loss of Tsallis entropy).

    CE(z, y) = (p - onehot(y)) . z + H_alpha(p), with
    H_alpha(p) = (1 - sum p^alpha) / (alpha (alpha - 1)) and p = entmax(z).

    Args:
        logits: (B, N, H, W).
        label: (B, H, W) int64, the best candidate of each pixel.

    Returns:
        (B, H, W), non-negative; 0 where p is one-hot at the label.
    """
    # Danskin: the gradient in z is p - onehot(y), so p itself needs no gradient.
    p = entmax_forward(logits.detach(), alpha)
    entropy = (1.0 - (p**alpha).sum(dim=1)) / (alpha * (alpha - 1.0))
    chosen = logits.gather(1, label.unsqueeze(1)).squeeze(1)
    return (p * logits).sum(dim=1) - chosen + entropy


class Entmax(nn.Module):
    """`entmax` over the channels, as a module that export can replace by a node."""

    def __init__(self, alpha: float) -> None:
        """`alpha` in [1.01, 2]."""
        super().__init__()
        self.alpha = alpha

    def forward(self, logits: Tensor) -> Tensor:
        """(B, N, H, W) logits to masks of the same shape."""
        return entmax(logits, self.alpha)
