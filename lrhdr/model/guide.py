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
from lrhdr.model.ops import activated, conv, damp, full, initialise, upsample, upsample_flow, warp
from lrhdr.model.registration import register

_INPUTS = 12  # two neighbours and the reference, matched; the reference as it is


def match(frame: Tensor, exposure: Tensor, longest: Tensor) -> Tensor:
    """A gamma-space frame as the longer exposure would have seen it: clipped, in [0, 1].

    frame (B, 3, h, w); exposure and longest (B,).
    """
    gain = (longest / exposure).view(-1, 1, 1, 1)
    # (L^2.2 gain)^(1/2.2) needs one power of a number per image instead of two per pixel.
    return (full(frame) * gain ** (1.0 / GAMMA)).clamp(0.0, 1.0)


class ReferenceGuide(nn.Module):
    """`steps` corrections of two flows at half resolution, and a last one at full resolution.

    A correction is a Lucas-Kanade step and what a few convolutions, which see
    the same pictures at a quarter of the resolution, add to it.
    """

    def __init__(self, steps: int, width: int) -> None:
        """Start near Lucas-Kanade alone."""
        super().__init__()
        self.unshuffle = nn.PixelUnshuffle(2)
        self.steps = nn.ModuleList(
            nn.Sequential(
                activated(conv(4 * _INPUTS, width)),
                activated(conv(width, width)),
                activated(conv(width, width, dilation=2)),
                conv(width, 4),
            )
            for _ in range(steps)
        )
        initialise(self)
        for step in self.steps:
            *_, last = step.children()
            damp(last, 0.01)

    def forward(
        self,
        full_size: tuple[Tensor, Tensor],
        half_size: tuple[Tensor, Tensor],
        flows: tuple[Tensor, Tensor],
        reference: Tensor,
        exposures: Tensor,
    ) -> list[tuple[Tensor, Tensor]]:
        """The two flows after each step; the last pair at full resolution.

        Args:
            full_size, half_size: the two neighbours, (B, 3, 2h, 2w) and (B, 3, h, w) each.
            flows: (B, 2, h, w) each, from the reference's time to each neighbour.
            reference: (B, 3, 2h, 2w).
            exposures: (B, 2), of the reference and of the neighbours.
        """
        e_reference, e_neighbour = full(exposures).unbind(1)
        longest = torch.maximum(e_reference, e_neighbour)

        def matched(frame: Tensor) -> Tensor:
            return match(frame, e_neighbour, longest)

        small = F.avg_pool2d(full(reference), 2)
        fixed = match(small, e_reference, longest)
        a, b = (matched(f) for f in half_size)
        to_a, to_b = flows
        results = []
        for step in self.steps:
            to_a, to_b = register(a, fixed, to_a, 1), register(b, fixed, to_b, 1)
            seen = self.unshuffle(torch.cat([warp(a, to_a), warp(b, to_b), fixed, small], dim=1))
            change = upsample(full(step(seen.to(next(step.parameters()).dtype))))
            to_a, to_b = to_a + change[:, :2], to_b + change[:, 2:]
            results.append((to_a, to_b))
        to_a, to_b = upsample_flow(to_a), upsample_flow(to_b)
        fixed = match(reference, e_reference, longest)
        a, b = (matched(f) for f in full_size)
        results.append((register(a, fixed, to_a, 1), register(b, fixed, to_b, 1)))
        return results
