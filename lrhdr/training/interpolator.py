"""Stage 1: the interpolator, with the flow that the renderer knows.

A network that registers (`FilmConfig.registration`) starts with good flow and
uses its own throughout. A plain FILM, trained end to end from the start, finds
no flow at all: for the first `teach` of the run each pyramid level is taught
alone, given the true flow of the coarser level plus noise, and the decoder is
fed with the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from lrhdr.losses import gradient_loss
from lrhdr.model.film import Film, Pyramid
from lrhdr.model.ops import upsample_flow

Batch = dict[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpolatorLoss:
    """Weights of the parts, the share of the run that is taught, and the noise of teaching.

    Attributes:
        image, gradient: of the interpolated frame.
        flow: of every level of FILM's own flow.
        guide: of every correction by the reference.
        hidden: what a flow counts where the other frame does not show the place.
        teach: share of the run in which levels are taught alone.
        level_noise, guide_noise: pixels, of the starts that are taught with.
        teacher: of the distance to a teacher's frame.
    """

    image: float = 10.0
    gradient: float = 1.0
    flow: float = 0.25
    guide: float = 0.5
    teach: float = 0.4
    level_noise: float = 1.0
    guide_noise: float = 1.5
    hidden: float = 0.2
    teacher: float = 3.0


def flow_at(flow: Tensor, level: int) -> Tensor:
    """A full-resolution flow averaged to a level, in that level's pixels."""
    scale = 2**level
    return F.avg_pool2d(flow, scale) / scale if level else flow


def _distance(a: Tensor, b: Tensor, weight: Tensor | None = None) -> Tensor:
    distance = torch.sqrt(((a - b) ** 2).sum(dim=1) + 1e-4)
    return distance.mean() if weight is None else (distance * weight).mean()


def taught_flow_loss(film: Film, a: Pyramid, b: Pyramid, truth: Tensor, noise: float) -> Tensor:
    """Every level alone: the flow that it should make of the (noisy) truth from above."""
    finest = film.config.finest_flow
    total = truth.new_zeros(())
    for i in range(len(a)):
        level = finest + i
        target = flow_at(truth, level)
        start = None
        if i < len(a) - 1:
            start = upsample_flow(flow_at(truth, level + 1))
            start = start + _smooth_noise(start, noise, cell=4)
        total = total + _distance(film.predict_flow.refine(level, a[i], b[i], start), target)
    return total


def own_flow_loss(film: Film, flows: Pyramid, truth: Tensor) -> Tensor:
    """The cascade's own flow at every level against the truth."""
    finest = film.config.finest_flow
    total = truth.new_zeros(())
    for i, flow in enumerate(flows):
        total = total + _distance(flow, flow_at(truth, finest + i))
    return total


def _smooth_noise(like: Tensor, amount: float, *, cell: int) -> Tensor:
    """Flow errors as a coarser level makes them: smooth over `cell` pixels, a size per item."""
    b, c, h, w = like.shape
    # Drawn on the CPU, whose generator the checkpoint keeps.
    field = torch.randn(b, c, max(h // cell, 1), max(w // cell, 1))
    field = F.interpolate(field, size=(h, w), mode="bilinear", align_corners=False)
    return (amount * torch.rand(b, 1, 1, 1) * field).to(like.device)


def interpolator_loss(
    film: Film,
    batch: Batch,
    settings: InterpolatorLoss,
    teacher: Film | None = None,
    *,
    taught: bool,
) -> tuple[Tensor, dict[str, float]]:
    """The loss of one batch of `lrhdr.data.windows.InterpolationItems`.

    A `teacher`, a large interpolator, gives a second target: what can be known without the
    reference and without the renderer.
    """
    count = batch["a"].shape[0]
    both = film.extract(torch.cat([batch["a"], batch["b"]]))
    a, b = [p[:count] for p in both], [p[count:] for p in both]
    finest = film.config.finest_flow
    time = batch["time"].view(-1, 1, 1, 1)
    truth_a, truth_b = flow_at(batch["to_a"], finest), flow_at(batch["to_b"], finest)
    if taught:
        # Scenes are symmetric in time, so one direction teaches both at half the cost.
        flow = taught_flow_loss(film, a[finest:], b[finest:], batch["ab"], settings.level_noise)
        to_a = truth_a + _smooth_noise(truth_a, settings.guide_noise, cell=16)
        to_b = truth_b + _smooth_noise(truth_b, settings.guide_noise, cell=16)
    else:
        ab, ba = (
            film.predict_flow(a[finest:], b[finest:]),
            film.predict_flow(b[finest:], a[finest:]),
        )
        flow = own_flow_loss(film, ab, batch["ab"]) + own_flow_loss(film, ba, batch["ba"])
        to_a, to_b = ba[0] * time, ab[0] * (1.0 - time)
    guide = flow.new_zeros(())
    if film.config.guide_steps:
        reference, exposures = batch["reference"], batch["exposures"]
        *corrected, (to_a, to_b) = film.correct(a, b, to_a, to_b, reference, exposures)
        seen_a, seen_b = (
            settings.hidden + (1.0 - settings.hidden) * flow_at(batch[k].unsqueeze(1), 0)
            for k in ("seen_a", "seen_b")
        )
        at_half = [F.avg_pool2d(seen, 2**finest)[:, 0] for seen in (seen_a, seen_b)]
        for ga, gb in corrected:
            guide = guide + _distance(ga, truth_a, at_half[0]) + _distance(gb, truth_b, at_half[1])
        levels = film.flow_levels([], to_a), film.flow_levels([], to_b)
        image = film.decode(a, b, *levels, time, reference, exposures)
    else:
        image = film.decode(a, b, film.flow_levels([to_a]), film.flow_levels([to_b]), time)
    l1 = (image - batch["target"]).abs().mean()
    total = (
        settings.image * l1
        + settings.gradient * gradient_loss(image, batch["target"])
        + settings.flow * flow
        + settings.guide * guide
    )
    parts = {"l1": l1, "flow": flow, "guide": guide}
    if teacher is not None:
        with torch.no_grad():
            lesson = teacher(
                batch["a"], batch["b"], batch["time"], batch["reference"], batch["exposures"]
            )
        parts["teacher"] = (image - lesson).abs().mean()
        total = total + settings.teacher * parts["teacher"]
    return total, {k: float(v.detach()) for k, v in parts.items()}
