"""The loop: rates, average, and a run that goes on as if it had never been stopped."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lrhdr.errors import TrainingError
from lrhdr.training.feed import Batch
from lrhdr.training.loop import Loop, LoopSettings
from tests.lrhdr.training.line import FAST, Line, Points, figures, fit, noisy
from tests.lrhdr.training.miniature import rows, same


def test_the_loss_falls(tmp_path: Path) -> None:
    loop = fit(tmp_path, replace(FAST, steps=60, every=20))
    assert loop.step == 60
    log = rows(tmp_path)
    assert [row["step"] for row in log] == [20, 40, 60]
    assert log[-1]["square"] < 0.5 * log[0]["square"]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("stop", [2, 4])
def test_a_resumed_run_is_bit_for_bit_the_same(tmp_path: Path, workers: int, stop: int) -> None:
    how = replace(FAST, workers=workers)
    whole = fit(tmp_path / "whole", how)

    class Power(Exception):
        """The machine goes down."""

    torch.manual_seed(1)
    line = Line()
    loss = noisy(line)

    def cut(batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        if round(progress * how.steps) == stop + 1:
            raise Power
        return loss(batch, progress)

    parts = tmp_path / "parts"
    with pytest.raises(Power):
        Loop(line, line.groups(), how, parts).run(Points(), cut, figures)
    resumed = fit(parts, how, seed=99)  # what was seeded before does not matter
    assert resumed.step == whole.step == 6
    for name in ("module", "average"):
        a, b = getattr(whole, name).state_dict(), getattr(resumed, name).state_dict()
        assert same(a, b), name
    a, b = (loop.optimiser.state_dict()["state"] for loop in (whole, resumed))
    assert all(same(a[k], b[k]) for k in a)
    assert rows(tmp_path / "whole") == rows(parts)


def test_items_come_once_and_in_order(tmp_path: Path) -> None:
    points, line = Points(), Line()
    Loop(line, line.groups(), FAST, tmp_path).run(points, noisy(line), figures)
    assert points.asked == list(range(12))


def test_a_finished_run_trains_no_more_and_has_figures(tmp_path: Path) -> None:
    first = fit(tmp_path)
    line, points = Line(), Points()
    again = Loop(line, line.groups(), FAST, tmp_path)
    assert again.run(points, noisy(line), figures) == {"psnr": 30.0}
    assert points.asked == []
    assert same(line.state_dict(), first.module.state_dict())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda total, bias: total * math.nan, "loss is nan"),
        (lambda total, bias: total * math.inf, "loss is inf"),
        # The root of 0 has an infinite slope, and 0 times that is no number.
        (lambda total, bias: total + (bias - bias.detach()).square().sum().sqrt(), "norm is nan"),
        (lambda total, bias: total + (bias - bias.detach()).sum().sqrt(), "norm is inf"),
    ],
)
def test_nonsense_stops_the_run(
    tmp_path: Path, spoil: Callable[[Tensor, Tensor], Tensor], said: str
) -> None:
    line = Line()
    good = noisy(line)

    def loss(batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        total, parts = good(batch, progress)
        return (spoil(total, line.layer.bias) if progress > 0.45 else total), parts

    with pytest.raises(TrainingError, match=f"{said} at step 3") as caught:
        Loop(line, line.groups(), FAST, tmp_path).run(Points(), loss, figures)
    message = str(caught.value)
    assert "\n" not in message
    assert f"{tmp_path / 'bad-batch-0.pt'}" in message
    assert "--rate" in message
    batch = torch.load(tmp_path / "bad-batch-0.pt", weights_only=True)
    assert torch.equal(batch["x"], torch.stack([Points()[6]["x"], Points()[7]["x"]]))
    # The weights are still those of step 3, and the checkpoint that of step 2.
    assert all(torch.isfinite(p).all() for p in line.parameters())
    other = Line()
    assert Loop(other, other.groups(), FAST, tmp_path).step == 2


def test_each_group_has_its_rate_at_every_step(tmp_path: Path) -> None:
    line = Line()
    how = LoopSettings(steps=10, warmup=4, batch=1, workers=0)
    loop = Loop(line, line.groups(0.5, 0.125), how, tmp_path)
    seen = []
    loss = noisy(line)

    def watch(batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        seen.append([group["lr"] for group in loop.optimiser.param_groups])
        return loss(batch, progress)

    loop.run(Points(), watch, figures)
    for k, rates in enumerate(seen):
        for rate, peak in zip(rates, (0.5, 0.125), strict=True):
            cosine = 1e-6 + (peak - 1e-6) * (1 + math.cos(math.pi * (k - 4) / 6)) / 2
            assert rate == pytest.approx(peak * (k + 1) / 4 if k < 4 else cosine, rel=1e-12)
    assert [group["betas"] for group in loop.optimiser.param_groups] == [(0.9, 0.999)] * 2
    assert isinstance(loop.optimiser, torch.optim.AdamW)


@given(steps=st.integers(1, 400), warmup=st.integers(0, 50), peak=st.floats(1e-5, 1.0))
@settings(max_examples=50)
def test_rates_rise_then_fall_to_a_millionth(steps: int, warmup: int, peak: float) -> None:
    how = LoopSettings(steps=steps, warmup=min(warmup, steps // 10))
    loop = Loop.__new__(Loop)
    loop.settings = how
    rates = [loop.rate(step, peak) for step in range(steps + 1)]
    assert rates[: how.warmup] == sorted(rates[: how.warmup])
    assert rates[how.warmup :] == sorted(rates[how.warmup :], reverse=True)
    assert max(rates) == pytest.approx(peak)
    assert rates[-1] == pytest.approx(1e-6)


@pytest.mark.parametrize("ema", [0.5, 0.9])
def test_the_average_follows_its_recursion(tmp_path: Path, ema: float) -> None:
    line = Line().double()
    loop = Loop(line, line.groups(), replace(FAST, steps=20, ema=ema), tmp_path)
    loss = noisy(line)
    weights = []

    def watch(batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        weights.append(line.layer.weight.detach().clone())
        return loss({k: v.double() for k, v in batch.items()}, progress)

    loop.run(Points(), watch, figures)
    weights.append(line.layer.weight.detach())
    expected = weights[0]
    for step, weight in enumerate(weights[1:]):
        keep = min(ema, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * weight
    found = loop.average.get_parameter("layer.weight")
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-15)


def test_only_the_groups_change(tmp_path: Path) -> None:
    torch.manual_seed(1)
    before = Line().state_dict()
    loop = fit(tmp_path, seed=1)
    for after in (loop.module.state_dict(), loop.average.state_dict()):
        kept = {name for name in after if after[name].equal(before[name])}
        assert kept == {"frozen.weight", "frozen.bias"}


def test_a_gradient_is_clipped(tmp_path: Path) -> None:
    line = Line()
    loop = Loop(line, line.groups(), replace(FAST, steps=1, clip=0.01), tmp_path)
    loop.run(Points(), noisy(line), figures)
    gradients = [line.layer.weight.grad, line.layer.bias.grad]
    norm = torch.cat([g.flatten() for g in gradients if g is not None]).norm()
    assert float(norm) == pytest.approx(0.01, rel=1e-3)
