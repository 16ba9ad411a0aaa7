"""Stage 1's loss: what it teaches, in whose pixels, and that it can be learnt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrhdr.data.draw import MotionSettings
from lrhdr.data.windows import InterpolationItems, WindowSettings
from lrhdr.model.config import ModelConfig
from lrhdr.model.film import Film
from lrhdr.model.network import Network
from lrhdr.training.feed import Batch
from lrhdr.training.interpolator import (
    InterpolatorLoss,
    flow_at,
    interpolator_loss,
    own_flow_loss,
    taught_flow_loss,
)
from lrhdr.training.loop import Loop, LoopSettings
from tests.lrhdr.training.miniature import SIDE, tiny

Pictures = list[NDArray[np.float32]]
WINDOWS = WindowSettings(side=SIDE, motion=MotionSettings(speed=3.0))
STEPS = 8


@pytest.fixture
def batch(pictures: Pictures) -> Batch:
    """Two items."""
    items = InterpolationItems(pictures, WINDOWS, length=2, seed=1)
    return {name: torch.stack([items[0][name], items[1][name]]) for name in items[0]}


def plain(config: ModelConfig) -> ModelConfig:
    """Without registration: what is taught can be checked against the truth."""
    return replace(config, film=replace(config.film, registration=0))


def film_of(config: ModelConfig) -> Film:
    torch.manual_seed(1)
    return Network(config).film


@pytest.mark.parametrize("taught", [True, False])
@pytest.mark.parametrize("preset", ["paper", "lite"])
def test_it_can_be_learnt(tmp_path: Path, batch: Batch, preset: str, taught: bool) -> None:
    film = film_of(tiny(preset, 2))  # type: ignore[arg-type]
    quiet = InterpolatorLoss(level_noise=0.0, guide_noise=0.0)
    losses = []

    def loss(_: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        total, parts = interpolator_loss(film, batch, quiet, taught=taught)
        losses.append(float(total.detach()))
        assert parts.keys() == {"l1", "flow", "guide"}
        assert parts["l1"] > 0
        assert parts["flow"] > 0
        assert (parts["guide"] > 0) == (preset == "lite")
        return total, parts

    how = LoopSettings(steps=STEPS, batch=1, warmup=2, every=STEPS, workers=0)
    data = [{"none": torch.zeros(1)}] * STEPS
    groups = [(list(film.parameters()), 3e-3)]
    Loop(film, groups, how, tmp_path).run(data, loss, dict)  # type: ignore[arg-type]
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("preset", ["paper", "lite"])
@pytest.mark.parametrize("taught", [True, False])
def test_every_part_has_a_gradient(batch: Batch, preset: str, taught: bool) -> None:
    film = film_of(tiny(preset, 2))  # type: ignore[arg-type]
    total, _ = interpolator_loss(film, batch, InterpolatorLoss(), taught=taught)
    total.backward()  # type: ignore[no-untyped-call]
    idle = [n for n, p in film.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


@pytest.mark.parametrize("taught", [True, False])
def test_a_teacher_is_a_second_target(batch: Batch, tiny_config: ModelConfig, taught: bool) -> None:
    film, teacher = film_of(tiny_config), film_of(tiny("paper", 2))

    def total(*teachers: Film) -> tuple[Tensor, dict[str, float]]:
        torch.manual_seed(2)
        return interpolator_loss(
            film, batch, InterpolatorLoss(teacher=2.0), *teachers, taught=taught
        )

    (with_it, parts), (without, others) = total(teacher), total()
    assert parts.keys() == others.keys() | {"teacher"}
    assert float(with_it.detach()) == pytest.approx(
        float(without.detach()) + 2.0 * parts["teacher"]
    )
    with_it.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in teacher.parameters())
    if not taught:
        assert total(film)[1]["teacher"] == pytest.approx(0.0, abs=1e-7)


def test_a_flow_at_a_level_is_in_its_pixels() -> None:
    flow = torch.full((1, 2, 16, 16), 8.0)
    assert torch.equal(flow_at(flow, 0), flow)
    assert torch.equal(flow_at(flow, 2), torch.full((1, 2, 4, 4), 2.0))


def test_the_true_flow_costs_least(tiny_config: ModelConfig, batch: Batch) -> None:
    film, truth = film_of(tiny_config), batch["ab"]
    right = [flow_at(truth, level) for level in (1, 2, 3)]
    least = float(own_flow_loss(film, right, truth))
    assert least == pytest.approx(3 * 0.01, rel=1e-3)  # the root of 1e-4 at every level
    assert float(own_flow_loss(film, [f + 1.0 for f in right], truth)) > least + 3.0


def test_levels_are_taught_the_rest_of_the_truth(tiny_config: ModelConfig, batch: Batch) -> None:
    """A network that adds nothing is right where the coarser flow is the truth already."""
    film = film_of(plain(tiny_config)).requires_grad_(False)
    for predictor in [film.predict_flow._predictor, *film.predict_flow._predictors]:
        for parameter in list(predictor.parameters())[-2:]:
            torch.nn.init.zeros_(parameter)
    pyramid = film.extract(batch["a"])[1:]
    still = torch.zeros_like(batch["ab"])
    found = float(taught_flow_loss(film, pyramid, pyramid, still, 0.0))
    assert found == pytest.approx(0.03, rel=1e-4)
    # Only the coarsest level starts from nothing: it misses 4 / 8 pixels on both axes.
    expected = np.sqrt(2 * 0.5**2 + 1e-4) + 2 * 0.01
    found = float(taught_flow_loss(film, pyramid, pyramid, still + 4.0, 0.0))
    assert found == pytest.approx(expected, rel=1e-3)


def test_the_noise_of_teaching_is_drawn_from_torch(tiny_config: ModelConfig, batch: Batch) -> None:
    film = film_of(plain(tiny_config))

    def value(seed: int) -> float:
        torch.manual_seed(seed)
        return float(interpolator_loss(film, batch, InterpolatorLoss(), taught=True)[0].detach())

    assert value(1) == value(1) != value(2)
