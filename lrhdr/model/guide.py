"""Correction of FILM's flow by the reference frame.

A middle frame made from the neighbours alone cannot know where the camera was
when the reference was taken: shake and acceleration misplace it. The reference
was taken just then, at another exposure. Each step compares it with the two
warped neighbours, all brought to the longer exposure and clipped (so that only
what both could see counts), and adds a small flow to each.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrhdr.light import GAMMA
from lrhdr.model.ops import activated, conv, damp, full, initialise, upsample, warp

_INPUTS = 12  # two neighbours and the reference, matched; the reference as it is
_DAMPING = 1e-3  # of Lucas-Kanade, in squared gradients: above the noise of a dark frame
_REACH = 2.0  # longest step in pixels; beyond it the linear model means nothing


def match(frame: Tensor, exposure: Tensor, longest: Tensor) -> Tensor:
    """A gamma-space frame as the longer exposure would have seen it: clipped, in [0, 1].

    frame (B, 3, h, w); exposure and longest (B,).
    """
    gain = (longest / exposure).view(-1, 1, 1, 1)
    # (L^2.2 gain)^(1/2.2) needs one power of a number per image instead of two per pixel.
    return (full(frame) * gain ** (1.0 / GAMMA)).clamp(0.0, 1.0)


def lucas_kanade(moving: Tensor, fixed: Tensor) -> Tensor:
    """One regularised Lucas-Kanade step: the shift that brings `moving` onto `fixed`.

    Both (B, 3, h, w) in [0, 1]; the result (B, 2, h/2, w/2) in pixels of the
    input, towards zero where there is nothing to hold on to. Sums run over
    the colours and a window of 6x6 pixels.
    """
    mean = 0.5 * (moving + fixed)
    padded = F.pad(mean, (1, 1, 1, 1), mode="replicate")
    gx = 0.5 * (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2])
    gy = 0.5 * (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1])
    gt = moving - fixed
    products = [(p * q).sum(dim=1) for p, q in ((gx, gx), (gx, gy), (gy, gy), (gx, gt), (gy, gt))]
    window = F.avg_pool2d(torch.stack(products, dim=1), 6, stride=2, padding=2)
    xx, xy, yy, xt, yt = window.unbind(1)
    xx, yy = xx + _DAMPING, yy + _DAMPING
    determinant = xx * yy - xy * xy
    shift = torch.stack([xy * yt - yy * xt, xy * xt - xx * yt], dim=1) / determinant.unsqueeze(1)
    return shift.clamp(-_REACH, _REACH)


class ReferenceGuide(nn.Module):
    """`steps` corrections of two flows at half resolution, each worked out at a quarter.

    A correction is a Lucas-Kanade step and what a few convolutions, which see
    the same pictures, add to it.
    """

    def __init__(self, steps: int, width: int) -> None:
        """Start near Lucas-Kanade alone."""
        super().__init__()
        self.unshuffle = nn.PixelUnshuffle(2)
        self.steps = nn.ModuleList(
            nn.Sequential(
                activated(conv(4 * _INPUTS + 4, width)),
                activated(conv(width, width)),
                activated(conv(width, width, dilation=2)),
                conv(width, 4),
            )
            for _ in range(steps)
        )
        initialise(self)
        for step in self.steps:
            *_, last = step.children()
            damp(last, 0.1)

    def forward(
        self,
        a: Tensor,
        b: Tensor,
        to_a: Tensor,
        to_b: Tensor,
        reference: Tensor,
        exposures: Tensor,
    ) -> list[tuple[Tensor, Tensor]]:
        """The two flows after each step.

        Args:
            a, b: (B, 3, h, w), the neighbours at the flows' level (half resolution).
            to_a, to_b: (B, 2, h, w), flows from the reference's time to each.
            reference: (B, 3, 2h, 2w).
            exposures: (B, 2), of the reference and of the neighbours.
        """
        e_reference, e_neighbour = full(exposures).unbind(1)
        longest = torch.maximum(e_reference, e_neighbour)
        small = F.avg_pool2d(full(reference), 2)
        fixed = match(small, e_reference, longest)
        a, b = match(a, e_neighbour, longest), match(b, e_neighbour, longest)
        flows = []
        for step in self.steps:
            warped_a, warped_b = warp(a, to_a), warp(b, to_b)
            shift = torch.cat([lucas_kanade(warped_a, fixed), lucas_kanade(warped_b, fixed)], dim=1)
            seen = self.unshuffle(torch.cat([warped_a, warped_b, fixed, small], dim=1))
            seen = torch.cat([seen, shift], dim=1).to(next(step.parameters()).dtype)
            change = upsample(shift + full(step(seen)))
            to_a, to_b = to_a + change[:, :2], to_b + change[:, 2:]
            flows.append((to_a, to_b))
        return flows
