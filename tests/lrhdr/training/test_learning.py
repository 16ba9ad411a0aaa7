"""Both losses can be learnt: a few steps of the loop on a tiny network bring them down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrhdr.data.draw import MotionSettings
from lrhdr.data.windows import InterpolationItems, WindowItems, WindowSettings
from lrhdr.losses import LossWeights, total_loss
from lrhdr.model.config import ModelConfig
from lrhdr.model.network import Network
from lrhdr.training.interpolator import (
    InterpolatorLoss,
    flow_at,
    interpolator_loss,
    own_flow_loss,
    taught_flow_loss,
)
from lrhdr.training.loop import Batch, Loop, LoopSettings
from lrhdr.training.validate import psnr, validate_interpolator, validate_network

Pictures = list[NDArray[np.float32]]
SIDE = 32
STEPS = 8
WINDOWS = WindowSettings(side=SIDE, motion=MotionSettings(speed=3.0))
SETTINGS = LoopSettings(steps=STEPS, batch=2, rate=3e-3, warmup=2, every=STEPS, workers=0)


def same_batch(items: InterpolationItems | WindowItems, count: int = 2) -> Batch:
    drawn = [items[k] for k in range(count)]
    return {name: torch.stack([item[name] for item in drawn]) for name in drawn[0]}


@pytest.mark.parametrize("taught", [True, False])
def test_the_interpolator_learns(
    tmp_path: Path, tiny_config: ModelConfig, pictures: Pictures, taught: bool
) -> None:
    def run(folder: Path) -> tuple[list[float], Network]:
        torch.manual_seed(1)
        network = Network(tiny_config)
        network.lrhdr.requires_grad_(False)
        data = InterpolationItems(pictures, WINDOWS, length=2 * STEPS, seed=1)
        batch = same_batch(data)
        losses = []

        def loss(_: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
            settings = InterpolatorLoss(level_noise=0.0, guide_noise=0.0)
            total, parts = interpolator_loss(network.film, batch, settings, taught=taught)
            losses.append(float(total.detach()))
            assert set(parts) == {"l1", "flow", "guide"}
            assert all(np.isfinite(value) and value > 0 for value in parts.values())
            return total, parts

        Loop(network, SETTINGS, folder).run(data, loss, dict)
        return losses, network

    losses, network = run(tmp_path / "a")
    assert losses[-1] < 0.9 * losses[0]
    if not taught:
        return
    again, twin = run(tmp_path / "b")
    assert again == losses
    for a, b in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_fusion_learns(tmp_path: Path, tiny_config: ModelConfig, pictures: Pictures) -> None:
    torch.manual_seed(1)
    network = Network(tiny_config)
    network.film.requires_grad_(False)
    frozen = [p.clone() for p in network.film.parameters()]
    data = WindowItems(pictures, WINDOWS, exposures=2, length=2 * STEPS, seed=1)
    batch = same_batch(data)
    losses = []

    def loss(_: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        frames = list(batch["frames"].unbind(1))
        with torch.no_grad():
            interpolated = network.interpolate(frames, batch["exposures"])
        result = network.lrhdr(frames, interpolated, batch["exposures"])
        total, parts = total_loss(
            result,
            batch["hdr"],
            accr_streams=2,
            alpha=tiny_config.apswf.alpha,
            weights=LossWeights(),
        )
        losses.append(float(total.detach()))
        assert set(parts) == {"recon", "accr", "vote"}
        return total, parts

    Loop(network, replace(SETTINGS, rate=1e-2), tmp_path).run(data, loss, dict)
    assert losses[-1] < 0.9 * losses[0]
    for a, b in zip(frozen, network.film.parameters(), strict=True):
        assert torch.equal(a, b)


def test_every_part_of_the_interpolator_is_taught(
    tiny_config: ModelConfig, pictures: Pictures
) -> None:
    torch.manual_seed(1)
    network = Network(tiny_config)
    batch = same_batch(InterpolationItems(pictures, WINDOWS, length=2, seed=1))
    for taught in (True, False):
        network.zero_grad()
        total, _ = interpolator_loss(network.film, batch, InterpolatorLoss(), taught=taught)
        total.backward()  # type: ignore[no-untyped-call]
        without = [n for n, p in network.film.named_parameters() if p.grad is None]
        assert without == []
        idle = [n for n, p in network.film.named_parameters() if not p.grad.any()]  # type: ignore[union-attr]
        assert idle == []


def test_a_flow_at_a_level_is_in_its_pixels() -> None:
    flow = torch.full((1, 2, 16, 16), 8.0)
    assert torch.equal(flow_at(flow, 0), flow)
    assert torch.equal(flow_at(flow, 2), torch.full((1, 2, 4, 4), 2.0))


def test_the_true_flow_costs_least(tiny_config: ModelConfig, pictures: Pictures) -> None:
    film = Network(tiny_config).film
    truth = same_batch(InterpolationItems(pictures, WINDOWS, length=2, seed=1))["ab"]
    right = [flow_at(truth, level) for level in (1, 2, 3)]
    least = float(own_flow_loss(film, right, truth))
    assert least == pytest.approx(3 * 0.01, rel=1e-3)  # the root of 1e-4 at every level
    assert float(own_flow_loss(film, [f + 1.0 for f in right], truth)) > least + 3.0


def test_levels_are_taught_the_rest_of_the_truth(
    tiny_config: ModelConfig, pictures: Pictures
) -> None:
    """A network that adds nothing is right where the coarser flow is the truth already."""
    network = Network(tiny_config).requires_grad_(False)
    for predictor in [network.film.predict_flow._predictor, *network.film.predict_flow._predictors]:
        for parameter in list(predictor.parameters())[-2:]:
            torch.nn.init.zeros_(parameter)
    batch = same_batch(InterpolationItems(pictures, WINDOWS, length=2, seed=1))
    pyramid = network.film.extract(batch["a"])[1:]
    film = network.film
    still = torch.zeros_like(batch["ab"])
    assert float(taught_flow_loss(film, pyramid, pyramid, still, 0.0)) == pytest.approx(
        0.03, rel=1e-4
    )
    shift = still + 4.0
    # Only the coarsest level starts from nothing: it misses 4 / 8 pixels on both axes.
    expected = np.sqrt(2 * 0.5**2 + 1e-4) + 2 * 0.01
    found = float(taught_flow_loss(film, pyramid, pyramid, shift, 0.0))
    assert found == pytest.approx(expected, rel=1e-3)


def test_psnr_is_capped() -> None:
    a = torch.zeros(1, 3, 4, 4)
    assert psnr(a, a) == pytest.approx(80.0)
    assert psnr(a, a + 0.1) == pytest.approx(20.0, abs=1e-4)


def test_validation_names_what_it_measures(tiny_config: ModelConfig, pictures: Pictures) -> None:
    torch.manual_seed(1)
    network = Network(tiny_config)
    items = InterpolationItems(pictures, WINDOWS, length=6, seed=1)
    found = validate_interpolator(network.film, [items[k] for k in range(6)])
    assert set(found) == {"average_bright", "average_dark", "film_bright", "film_dark"}
    dark = [item for k in range(6) if (item := items[k])["exposures"].diff() < 0]
    by_hand = [psnr((item["a"] + item["b"]) / 2, item["target"]) for item in dark]
    assert found["average_dark"] == pytest.approx(sum(by_hand) / len(by_hand))


def test_validation_of_the_network_brackets_it(
    tiny_config: ModelConfig, pictures: Pictures
) -> None:
    torch.manual_seed(1)
    network = Network(tiny_config)
    items = WindowItems(pictures, WINDOWS, exposures=2, length=6, seed=1)
    found = validate_network(network, [items[k] for k in range(6)])
    names = {"ours", "ref", "oracle"}
    assert set(found) == names | {f"{n}_e{k}" for n in names for k in (0, 1)} | {"alive"}
    # The oracle takes the best candidate of every pixel, the reference being one.
    assert found["oracle"] >= found["ref"]
    assert 1.0 <= found["alive"] <= tiny_config.candidates


def test_noise_of_teaching_is_drawn_from_torch(
    tiny_config: ModelConfig, pictures: Pictures
) -> None:
    film = Network(tiny_config).film
    batch = same_batch(InterpolationItems(pictures, WINDOWS, length=2, seed=1))

    def value(seed: int) -> float:
        torch.manual_seed(seed)
        return float(interpolator_loss(film, batch, InterpolatorLoss(), taught=True)[0].detach())

    assert value(1) == value(1)
    assert value(1) != value(2)
