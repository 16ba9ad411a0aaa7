"""APSWF (section 3.2): logits for every candidate of every pixel, sparse masks, weighted sum.

Legend: N candidates, S scales (1, 1/2, 1/4, 1/8).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrhdr.light import LUMA_BT601
from lrhdr.metrics import WELL_EXPOSED
from lrhdr.model.config import ApswfConfig
from lrhdr.model.entmax import Entmax
from lrhdr.model.ops import conv, convs, damp, full, initialise, upsample


class AttentionGate(nn.Module):
    """One branch of triplet attention: pool an axis to (max, mean), 7x7, sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(2, 1, size=7)

    def forward(self, x: Tensor, axis: int) -> Tensor:
        """A gate that broadcasts over `axis` of x (B, C, H, W)."""
        pooled = torch.cat([x.amax(axis, keepdim=True), x.mean(axis, keepdim=True)], dim=axis)
        plane = pooled if axis == 1 else pooled.transpose(1, axis)
        gate = torch.sigmoid(self.conv(plane))
        return gate if axis == 1 else gate.transpose(1, axis)


class TripletAttention(nn.Module):
    """Misra et al. 2021: gates across (H, W), (C, W) and (C, H), averaged. No batch norm.

    Pools over whole axes, so a result depends on the size of the frame.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.ModuleList(AttentionGate() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        gates = [gate(x, axis) for axis, gate in enumerate(self.gates, start=1)]
        return x * ((gates[0] + gates[1] + gates[2]) / 3.0)


class Stage(nn.Module):
    """Convolutions of one scale, with attention unless the fusion is dense."""

    def __init__(self, c_in: int, width: int, count: int, *, attention: bool) -> None:
        super().__init__()
        self.body = convs(c_in, *([width] * count))
        self.attention = TripletAttention() if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, c_in, h, w) to (B, width, h, w)."""
        result: Tensor = self.attention(self.body(x))
        return result


class Apswf(nn.Module):
    """The fusion network: a U-Net with a head of N logits at every scale, summed top-down."""

    def __init__(self, config: ApswfConfig, inputs: int, candidates: int) -> None:
        """`inputs` channels at full resolution, `candidates` N."""
        super().__init__()
        self.dense = config.dense
        widths, counts = config.widths, config.convs
        attention = not config.dense
        self.encoder = nn.ModuleList(
            Stage(c_in, width, count, attention=attention)
            for c_in, width, count in zip((inputs, *widths[:-1]), widths, counts, strict=True)
        )
        self.decoder = nn.ModuleList(
            Stage(widths[s] + widths[s + 1], widths[s], counts[s], attention=False)
            for s in range(len(widths) - 1)
        )
        scales = 1 if config.dense else len(widths)
        self.heads = nn.ModuleList(conv(widths[s], candidates, size=1) for s in range(scales))
        initialise(self)
        for head in self.heads:
            damp(head, 0.02 if config.prior else 0.1)
        self.alpha = config.alpha
        self.entmax = Entmax(config.alpha)

    def logits(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, N, H, W)."""
        skips: list[Tensor] = []
        for stage in self.encoder:
            x = stage(x if not skips else F.avg_pool2d(x, 2))
            skips.append(x)
        total: Tensor | None = None
        for scale in reversed(range(len(skips))):
            if scale < len(skips) - 1:
                x = self.decoder[scale](torch.cat([skips[scale], upsample(x)], dim=1))
            if scale < len(self.heads):
                logits = self.heads[scale](x)
                total = logits if total is None else logits + upsample(total)
        if total is None:
            raise ValueError("a fusion network needs at least one head")
        return full(total)

    def prior(self, weights: Tensor) -> Tensor:
        """The logits whose masks are `weights` (B, N, H, W), which sum to 1."""
        if self.dense:
            # sigmoid(logits) in proportion to the weights, none of them at infinity.
            return torch.logit(0.5 * weights.clamp(min=1e-3))
        # Where tau = 0, p = ((alpha - 1) z)^(1 / (alpha - 1)).
        return weights ** (self.alpha - 1.0) / (self.alpha - 1.0)

    def masks(self, logits: Tensor) -> Tensor:
        """Eqs. 16 and 17: weights >= 0 that sum to 1, (B, N, H, W)."""
        if self.dense:
            weights = torch.sigmoid(logits)
            return weights / weights.sum(dim=1, keepdim=True)
        result: Tensor = self.entmax(logits)
        return result


def merge_weights(
    reference: Tensor, exposure: Tensor, others: list[Tensor], slots: list[int], candidates: int
) -> Tensor:
    """The classical merge by luma as weights of the candidates, (B, N, H, W).

    The reference keeps what it exposes well; the interpolated frames of longer
    exposure fill what is too dark in it, those of shorter exposure what is too
    bright. See `lrhdr.baselines`.

    Args:
        reference: (B, 3, H, W), gamma space.
        exposure: (B,), of the reference.
        others: exposures (B,) of the interpolated frames.
        slots: which candidates are the reference and the interpolated frames, in that order.
        candidates: N.
    """
    red, green, blue = full(reference).unbind(1)
    y = LUMA_BT601[0] * red + LUMA_BT601[1] * green + LUMA_BT601[2] * blue
    low, high = WELL_EXPOSED
    dark, bright = ((low - y) / low).clamp(0.0, 1.0), ((y - high) / (1.0 - high)).clamp(0.0, 1.0)
    longer = torch.stack([(e > exposure).to(y.dtype) for e in others], dim=1)
    shorter = torch.stack([(e < exposure).to(y.dtype) for e in others], dim=1)

    def shared(side: Tensor) -> Tensor:
        # One frame of a side takes its whole weight, two share it.
        return (side / side.sum(dim=1, keepdim=True).clamp(min=1.0)).unsqueeze(-1).unsqueeze(-1)

    filled = shared(longer) * dark.unsqueeze(1) + shared(shorter) * bright.unsqueeze(1)
    weights = torch.cat([1.0 - filled.sum(dim=1, keepdim=True), filled], dim=1).clamp(min=0.0)
    placed = dict(zip(slots, weights.unbind(1), strict=True))
    zero = torch.zeros_like(y)
    return torch.stack([placed.get(i, zero) for i in range(candidates)], dim=1)


def fuse(masks: Tensor, candidates: list[Tensor]) -> Tensor:
    """Eq. 18: the sum over i of M_i H_i, linear, float32 or wider. (B, 3, H, W)."""
    total = masks[:, 0:1] * candidates[0]
    for i, candidate in enumerate(candidates[1:], start=1):
        total = total + masks[:, i : i + 1] * candidate
    return total
