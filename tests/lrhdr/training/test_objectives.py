"""What the stages minimise: Eq. 22 with or without the interpolator; when levels are taught."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrhdr.data.draw import MotionSettings
from lrhdr.data.windows import WindowItems, WindowSettings
from lrhdr.losses import LossWeights, total_loss
from lrhdr.model.config import Preset
from lrhdr.model.network import Network
from lrhdr.training import objectives
from lrhdr.training.feed import Batch
from lrhdr.training.loop import Loop, LoopSettings
from lrhdr.training.objectives import FusionObjective, InterpolatorObjective
from lrhdr.training.recipe import Stage
from lrhdr.training.stages import _groups
from tests.lrhdr.training.miniature import SIDE, tiny

Pictures = list[NDArray[np.float32]]
WINDOWS = WindowSettings(side=SIDE, motion=MotionSettings(speed=3.0))


def network_of(exposures: int) -> Network:
    torch.manual_seed(1)
    return Network(tiny("lite", exposures))


def batch_of(pictures: Pictures, exposures: int) -> Batch:
    items = WindowItems(pictures, WINDOWS, exposures=exposures, length=2, seed=1)
    return {name: torch.stack([items[0][name], items[1][name]]) for name in items[0]}


@pytest.mark.parametrize("exposures", [2, 3])
def test_fusion_is_equation_22_and_joint_adds_the_frame(pictures: Pictures, exposures: int) -> None:
    network, batch = network_of(exposures), batch_of(pictures, exposures)
    weights = LossWeights(recon=2.0, accr=3.0, vote=0.25, film=5.0)
    frames = list(batch["frames"].unbind(1))
    with torch.no_grad():
        expected, parts = total_loss(
            network(frames, batch["exposures"]),
            batch["hdr"],
            accr_streams=exposures,
            alpha=1.75,
            weights=weights,
        )
        between = network.interpolate(frames, batch["exposures"])
    found, same_parts = FusionObjective(network, weights, joint=False)(batch, 0.5)
    assert float(found.detach()) == pytest.approx(float(expected), rel=1e-6)
    assert same_parts == pytest.approx(parts)
    # The truth at the exposure of the frames between which each picture lies.
    film = 0.0
    for step, image in zip(network.window.interpolations, between, strict=True):
        e = batch["exposures"][:, step.a].view(-1, 1, 1, 1)
        truth = (batch["hdr"] * e).clamp(0.0, 1.0) ** (1 / 2.2)
        film += float((image - truth).abs().mean())
    joint, joint_parts = FusionObjective(network, weights, joint=True)(batch, 0.5)
    assert joint_parts["film"] == pytest.approx(film, rel=1e-5)
    assert float(joint.detach()) == pytest.approx(float(expected) + 5.0 * film, rel=1e-5)


@pytest.mark.parametrize("joint", [False, True])
def test_the_interpolator_has_a_gradient_in_joint_training_alone(
    pictures: Pictures, joint: bool
) -> None:
    network = network_of(2)
    total, _ = FusionObjective(network, LossWeights(), joint=joint)(batch_of(pictures, 2), 0.0)
    total.backward()  # type: ignore[no-untyped-call]
    assert any(p.grad is not None for p in network.film.parameters()) is joint
    assert all(p.grad is not None for p in network.lrhdr.parameters())


@pytest.mark.parametrize("name", ["fusion", "joint"])
def test_it_can_be_learnt(tmp_path: Path, pictures: Pictures, name: Stage) -> None:
    network, batch = network_of(2), batch_of(pictures, 2)
    objective = FusionObjective(network, LossWeights(), joint=name == "joint")
    losses = []

    def loss(_: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        total, parts = objective(batch, progress)
        losses.append(float(total.detach()))
        return total, parts

    how = LoopSettings(steps=8, batch=1, warmup=2, every=8, workers=0)
    groups = _groups(network, name, (1e-3, 1e-2, 1e-2))
    data = [{"none": torch.zeros(1)}] * 8
    Loop(network, groups, how, tmp_path).run(data, loss, dict)  # type: ignore[arg-type]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("interpolator", {"film": 1.0}),
        ("fusion", {"accr": 2.0, "apswf": 3.0}),
        ("joint", {"film": 1.0, "accr": 2.0, "apswf": 3.0}),
    ],
)
def test_every_part_has_its_own_rate(name: Stage, rates: dict[str, float]) -> None:
    network = network_of(2)
    accr = network.lrhdr.accr
    assert accr is not None
    parts = {"film": network.film, "accr": accr, "apswf": network.lrhdr.apswf}
    found = {id(p): rate for group, rate in _groups(network, name, (1.0, 2.0, 3.0)) for p in group}
    for part, module in parts.items():
        for parameter in module.parameters():
            assert found.pop(id(parameter), None) == rates.get(part)
            assert parameter.requires_grad is (part in rates)
    assert found == {}


def test_base_has_one_rate() -> None:
    network = Network(replace(tiny("lite", 2), accr=None))
    assert [rate for _, rate in _groups(network, "fusion", (1.0, 2.0, 3.0))] == [3.0]


def test_levels_are_taught_first_where_nothing_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def heard(*_: object, taught: bool) -> None:
        told.append(taught)

    monkeypatch.setattr(objectives, "interpolator_loss", heard)
    presets: tuple[Preset, ...] = ("paper", "lite")
    for preset in presets:
        objective = InterpolatorObjective(Network(tiny(preset, 2)), None)
        for progress in (0.0, 0.39, 0.41, 1.0):
            objective({}, progress)
    assert told == [True, True, False, False] + 4 * [False]
