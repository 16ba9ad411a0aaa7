"""Classical registration as a layer: robust Lucas-Kanade steps, smoothed by confidence.

What a network would need many hours to learn about sub-pixel motion is known
since 1981; here it is written down, differentiable and exportable, and the
convolutions around it learn only what it cannot do.

Legend: B batch, h x w the size of a pyramid level. Flows are in pixels of the level.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lrhdr.model.ops import warp

_WINDOW = 7  # pixels, of the sums of one step
_SMOOTHING = 7  # pixels, over which confident motion fills its surroundings
_ROBUST = 0.05  # differences above this count linearly, not squared
_DAMPING = 1e-5  # squared gradients below this are noise
_FLOOR = 1e-5  # confidence of a place without any texture
_NOISE = 1e-4  # squared difference that even a perfect match keeps
_REACH = 2.0  # longest step in pixels; beyond it the linear model means nothing


def box(x: Tensor, size: int) -> Tensor:
    """Mean over size x size pixels, of those inside the picture."""
    half = size // 2
    rows = F.avg_pool2d(x, (1, size), 1, (0, half), count_include_pad=False)
    return F.avg_pool2d(rows, (size, 1), 1, (half, 0), count_include_pad=False)


def lucas_kanade(moving: Tensor, fixed: Tensor) -> tuple[Tensor, Tensor]:
    """One robust Lucas-Kanade step (Lucas and Kanade 1981; weights of Charbonnier 1994).

    Args:
        moving, fixed: (B, 3, h, w) in [0, 1].

    Returns:
        The shift (B, 2, h, w) that brings `moving` onto `fixed`, towards zero
        where there is nothing to hold on to, and its confidence (B, 1, h, w):
        squared gradients over the squared difference.
    """
    mean = 0.5 * (moving + fixed)
    padded = F.pad(mean, (1, 1, 1, 1), mode="replicate")
    gx = 0.5 * (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2])
    gy = 0.5 * (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1])
    gt = moving - fixed
    squared = (gt * gt).sum(dim=1)
    weight = _ROBUST * torch.rsqrt(squared + _ROBUST**2)
    products = [(p * q).sum(dim=1) for p, q in ((gx, gx), (gx, gy), (gy, gy), (gx, gt), (gy, gt))]
    sums = box(torch.stack([*(weight * p for p in products), squared], dim=1), _WINDOW)
    xx, xy, yy, xt, yt, error = sums.unbind(1)
    confidence = (xx + yy + _FLOOR) / (error + _NOISE)
    xx, yy = xx + _DAMPING, yy + _DAMPING
    determinant = xx * yy - xy * xy
    shift = torch.stack([xy * yt - yy * xt, xy * xt - xx * yt], dim=1) / determinant.unsqueeze(1)
    return shift.clamp(-_REACH, _REACH), confidence.unsqueeze(1)


def spread(flow: Tensor, confidence: Tensor) -> Tensor:
    """A flow averaged with its confidence as weight, so that sure places fill unsure ones."""
    sums = box(torch.cat([flow * confidence, confidence], dim=1), _SMOOTHING)
    return sums[:, :-1] / sums[:, -1:]


def register(moving: Tensor, fixed: Tensor, flow: Tensor, steps: int) -> Tensor:
    """Improve a flow: `fixed(x)` should equal `moving(x + flow)`.

    Gradients pass to the flow as if nothing were added: what a step adds is a
    measurement, not something to be learnt through.

    Args:
        moving, fixed: (B, 3, h, w) in [0, 1].
        flow: (B, 2, h, w), the start.
        steps: Lucas-Kanade steps.
    """
    better = flow.detach()
    for _ in range(steps):
        shift, confidence = lucas_kanade(warp(moving, better), fixed)
        better = spread(better + shift, confidence)
    return flow + (better - flow.detach()) if flow.requires_grad else better
