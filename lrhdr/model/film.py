"""FILM (Reda et al., ECCV 2022), the interpolator, in the three parts that streaming needs.

`extract` runs once a frame, `flow` once a pair, `fuse` once an output. A
pyramid is a list of (B, 3 + C_l, H/2^l, W/2^l), finest first: the image and
its features together. Flows are (B, 2, h, w) in pixels of their level.

With the default configuration this is the released network (module and
parameter names follow the official PyTorch weights). `registration`, `blend`
and `guide_steps` add what a small network cannot learn in days or the paper
leaves to later stages: measured sub-pixel motion, a picture made of the
aligned frames, and flow corrected by the reference frame, which FILM alone
never sees.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrhdr.model.config import FilmConfig
from lrhdr.model.guide import ReferenceGuide, match
from lrhdr.model.ops import activated, conv, damp, full, initialise, upsample_flow, warp
from lrhdr.model.registration import register

Pyramid = list[Tensor]


class SubTree(nn.Module):
    """The shared feature sub-tree: two convolutions a level, widths doubling."""

    def __init__(self, config: FilmConfig) -> None:
        super().__init__()
        widths = [3] + [config.filters << i for i in range(config.sub_levels)]
        self.convs = nn.ModuleList(
            nn.Sequential(activated(conv(a, b)), activated(conv(b, b))) for a, b in pairwise(widths)
        )

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the convolutions run in."""
        return next(self.parameters()).dtype

    def forward(self, image: Tensor, levels: int) -> Pyramid:
        """The first `levels` levels of features of one image."""
        features: Pyramid = []
        for layer in self.convs[:levels]:
            image = layer(image if not features else F.avg_pool2d(image, 2))
            features.append(image)
        return features


class Extractor(nn.Module):
    """Cascaded features: level l holds what the sub-tree saw from levels l, l-1, l-2, ..."""

    def __init__(self, config: FilmConfig) -> None:
        super().__init__()
        self.levels = config.pyramid_levels
        self.sub_levels = config.sub_levels
        self.extract_sublevels = SubTree(config)

    def forward(self, frame: Tensor) -> Pyramid:
        """(B, 3, H, W) in gamma space to the pyramid of image and features."""
        images = [frame.to(self.extract_sublevels.dtype)]
        for _ in range(self.levels - 1):
            images.append(F.avg_pool2d(images[-1], 2))
        trees = [
            self.extract_sublevels(image, min(self.levels - level, self.sub_levels))
            for level, image in enumerate(images)
        ]
        return [
            torch.cat(
                [images[level]]
                + [trees[level - j][j] for j in range(min(level + 1, self.sub_levels))],
                dim=1,
            )
            for level in range(self.levels)
        ]


class FlowPredictor(nn.Module):
    """Residual flow from a to b at one level."""

    def __init__(self, c_in: int, count: int, width: int) -> None:
        super().__init__()
        widths = [c_in] + [width] * count
        layers = [activated(conv(a, b)) for a, b in pairwise(widths)]
        layers.append(activated(conv(width, width // 2, size=1)))
        layers.append(nn.Sequential(conv(width // 2, 2, size=1)))
        self._convs = nn.ModuleList(layers)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Features of a and of warped b, (B, C, h, w) each, to a flow (B, 2, h, w)."""
        net = torch.cat([a, b], dim=1)
        for layer in self._convs:
            net = layer(net)
        return full(net)


class FlowPyramid(nn.Module):
    """Coarse-to-fine residual flow; the coarse levels share one predictor."""

    def __init__(self, config: FilmConfig) -> None:
        super().__init__()
        self.finest = config.finest_flow
        self.registration = config.registration
        predictors = [
            FlowPredictor(2 * config.feature_channels(self.finest + i), count, width)
            for i, (count, width) in enumerate(
                zip(config.flow_convs, config.flow_filters, strict=True)
            )
        ]
        self._predictor = predictors[-1]
        # Stored coarse to fine, as the official weights are.
        self._predictors = nn.ModuleList(predictors[:-1][::-1])

    def predictor(self, level: int) -> nn.Module:
        """The predictor that serves a level."""
        own = level - self.finest
        count = len(self._predictors)
        return self._predictors[count - 1 - own] if own < count else self._predictor

    def refine(self, level: int, a: Tensor, b: Tensor, flow: Tensor | None) -> Tensor:
        """The flow of `level` from what came from the coarser level, (B, 2, h, w).

        a and b are pyramid entries (B, 3 + C, h, w): the picture is registered,
        the predictor sees the features.
        """
        if flow is None:
            flow = full(torch.zeros_like(a[:, :2]))
        if self.registration:
            # The start is not learnt through, so that each level answers for itself.
            flow = register(full(b[:, :3]), full(a[:, :3]), flow.detach(), self.registration)
        result: Tensor = flow + self.predictor(level)(a[:, 3:], warp(b[:, 3:], flow))
        return result

    def forward(self, a: Pyramid, b: Pyramid) -> Pyramid:
        """Flow from a to b. Both lists start at `finest`; so does the result."""
        flows: Pyramid = []
        flow: Tensor | None = None
        for i in reversed(range(len(a))):
            if flow is not None:
                flow = upsample_flow(flow)
            flow = self.refine(self.finest + i, a[i], b[i], flow)
            flows.insert(0, flow)
        return flows


class Fusion(nn.Module):
    """The decoder: no convolution at the coarsest level, then up, 2x2, concatenate, 3x3, 3x3."""

    def __init__(self, config: FilmConfig) -> None:
        super().__init__()

        # A guided decoder also sees how far each aligned frame is from the reference.
        extra = 6 if config.guide_steps else 0

        def aligned(level: int) -> int:
            return 2 * (config.feature_channels(level) + 3 + 2) + extra

        layers = []
        c_in = aligned(config.fusion_levels - 1)
        for level in reversed(range(config.fusion_levels - 1)):
            width = config.filters << min(level, config.specialized_levels)
            layers.append(
                nn.ModuleList(
                    [
                        nn.Sequential(nn.Conv2d(c_in, width, 2)),
                        activated(conv(aligned(level) + width, width)),
                        activated(conv(width, width)),
                    ]
                )
            )
            c_in = width
        self.convs = nn.ModuleList(layers)
        self.output_conv = nn.Conv2d(c_in, 4 if config.blend else 3, 1)

    def forward(self, pyramid: Pyramid) -> Tensor:
        """Aligned pyramid, finest first, to (B, 3, H, W), or (B, 4, H, W) for a blend."""
        net = pyramid[-1]
        for level, layer in zip(reversed(range(len(self.convs))), self.convs, strict=True):
            net = F.interpolate(net, scale_factor=2.0, mode="nearest")
            up, first, second = layer.children()
            net = up(F.pad(net, (0, 1, 0, 1)))
            net = second(first(torch.cat([pyramid[level], net], dim=1)))
        result: Tensor = self.output_conv(net)
        return result


class Film(nn.Module):
    """The interpolator. Height and width must be multiples of `config.multiple`."""

    def __init__(self, config: FilmConfig) -> None:
        """Build the layers and start them so that flow can be learnt."""
        super().__init__()
        self.config = config
        self.extract = Extractor(config)
        self.predict_flow = FlowPyramid(config)
        self.fuse = Fusion(config)
        initialise(self)
        for predictor in (self.predict_flow._predictor, *self.predict_flow._predictors):
            damp(predictor._convs[-1], 0.01 if config.registration else 0.1)
        if config.blend:
            damp(self.fuse.output_conv, 0.01)
        self.guide = ReferenceGuide(config.guide_steps, config.guide_width)

    def flow(self, a: Pyramid, b: Pyramid) -> tuple[Pyramid, Pyramid]:
        """Flows a to b and b to a, at the levels that `synthesize` needs.

        a and b start at level `finest_flow`.
        """
        return self.one_way(a, b), self.one_way(b, a)

    def one_way(self, a: Pyramid, b: Pyramid) -> Pyramid:
        """Flow a to b alone; see `flow`."""
        flows: Pyramid = self.predict_flow(a, b)
        return flows[: len(self.config.pyramids.flow_levels)]

    def synthesize(
        self,
        a: Pyramid,
        b: Pyramid,
        flow_ab: Pyramid,
        flow_ba: Pyramid,
        time: Tensor,
        reference: Tensor | None = None,
        exposures: Tensor | None = None,
    ) -> Tensor:
        """The frame at `time` in [0, 1] from a (0) to b (1), gamma space, clipped to [0, 1].

        Args:
            a, b: pyramids, at least `fusion_levels` long.
            flow_ab, flow_ba: from `flow`.
            time: (B,).
            reference: (B, 3, H, W), the frame taken at that time, for a guided model.
            exposures: (B, 2), of the reference and of a and b, for a guided model.
        """
        t = full(time).view(-1, 1, 1, 1)
        # FILM reads image a along the flow b to a, scaled by the time, and vice versa.
        to_a, to_b = [f * t for f in flow_ba], [f * (1.0 - t) for f in flow_ab]
        if self.config.guide_steps and (reference is None or exposures is None):
            raise ValueError("a guided interpolator needs the reference and the exposures")
        if reference is None or exposures is None or not self.config.guide_steps:
            return self.decode(a, b, self.flow_levels(to_a), self.flow_levels(to_b), t)
        *_, (full_a, full_b) = self.correct(a, b, to_a[0], to_b[0], reference, exposures)
        to_a, to_b = self.flow_levels(to_a, full_a), self.flow_levels(to_b, full_b)
        return self.decode(a, b, to_a, to_b, t, reference, exposures)

    def correct(
        self,
        a: Pyramid,
        b: Pyramid,
        to_a: Tensor,
        to_b: Tensor,
        reference: Tensor,
        exposures: Tensor,
    ) -> list[tuple[Tensor, Tensor]]:
        """Two flows of the finest flow level after each correction by the reference.

        The last pair is at full resolution. See `ReferenceGuide`.
        """
        level = self.config.finest_flow
        images = [(a[i][:, :3], b[i][:, :3]) for i in (0, level)]
        flows: list[tuple[Tensor, Tensor]] = self.guide(*images, (to_a, to_b), reference, exposures)
        return flows

    def flow_levels(self, flows: Pyramid, finest: Tensor | None = None) -> Pyramid:
        """Flow for every fusion level, from those of the flow levels or one at full resolution."""
        if finest is not None:
            flows = [finest]
        else:
            flows = list(flows)
            for _ in range(self.config.finest_flow):
                flows.insert(0, upsample_flow(flows[0]))
        while len(flows) < self.config.fusion_levels:
            flows.append(0.5 * F.avg_pool2d(flows[-1], 2))
        return flows

    def decode(
        self,
        a: Pyramid,
        b: Pyramid,
        to_a: Pyramid,
        to_b: Pyramid,
        time: Tensor,
        reference: Tensor | None = None,
        exposures: Tensor | None = None,
    ) -> Tensor:
        """Warp both pyramids by their flows, one for every fusion level, and decode.

        `time` is (B, 1, 1, 1); see `synthesize`.
        """
        aligned = [
            [warp(pa, fa), warp(pb, fb), fa.to(pa.dtype), fb.to(pa.dtype)]
            for pa, pb, fa, fb in zip(a, b, to_a, to_b, strict=False)
        ]
        frame_a, frame_b = full(aligned[0][0][:, :3]), full(aligned[0][1][:, :3])
        if reference is not None and exposures is not None:
            e_reference, e_pair = full(exposures).unbind(1)
            longest = torch.maximum(e_reference, e_pair)
            fixed = match(reference, e_reference, longest)
            moving = [match(f, e_pair, longest) for f in (frame_a, frame_b)]
            difference = torch.cat([m - fixed for m in moving], dim=1)
            for level, entry in enumerate(aligned):
                if level:
                    difference = F.avg_pool2d(difference, 2)
                entry.append(difference.to(entry[0].dtype))
        decoded = full(self.fuse([torch.cat(entry, dim=1) for entry in aligned]))
        if not self.config.blend:
            return decoded.clamp(0.0, 1.0)
        # Nearness in time is where the weights begin: 1/2 in the middle.
        weight = torch.sigmoid(decoded[:, 3:] + torch.logit(1.0 - time))
        return (frame_b + weight * (frame_a - frame_b) + decoded[:, :3]).clamp(0.0, 1.0)

    def forward(
        self,
        a: Tensor,
        b: Tensor,
        time: Tensor,
        reference: Tensor | None = None,
        exposures: Tensor | None = None,
    ) -> Tensor:
        """Interpolate between two frames (B, 3, H, W); see `synthesize`."""
        pa, pb = self.extract(a), self.extract(b)
        finest = self.config.finest_flow
        flow_ab, flow_ba = self.flow(pa[finest:], pb[finest:])
        return self.synthesize(pa, pb, flow_ab, flow_ba, time, reference, exposures)
