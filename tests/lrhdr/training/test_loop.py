"""The loop: it goes on where it stopped, never loses a checkpoint, and stops at nonsense."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from lrhdr.errors import TrainingError
from lrhdr.training.loop import Batch, Loop, LoopSettings, native_bf16

FAST = LoopSettings(steps=6, batch=2, rate=0.05, warmup=2, every=2, workers=0)


class Points(Dataset[Batch]):
    """Item i is a point of a line, the same whenever it is asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __getitem__(self, index: int) -> Batch:
        self.asked.append(index)
        x = torch.randn(3, generator=torch.Generator().manual_seed(index))
        return {"x": x, "y": 2.0 * x + 1.0}


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)


def noisy_loss(line: Line) -> Any:
    """Draws from torch's generator, as the interpolator's loss does."""

    def loss(batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        x = batch["x"] + 0.1 * torch.randn_like(batch["x"])
        value = ((line.layer(x) - batch["y"]) ** 2).mean()
        return value, {"square": float(value.detach()), "progress": progress}

    return loss


def figures() -> dict[str, float]:
    return {"psnr": 30.0}


def train(folder: Path, settings: LoopSettings, seed: int = 1) -> Loop:
    torch.manual_seed(seed)
    line = Line()
    loop = Loop(line, settings, folder)
    loop.run(Points(), noisy_loss(line), figures)
    return loop


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_the_loss_falls_and_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loop = train(tmp_path, replace(FAST, steps=60, every=20))
    assert loop.step == 60
    log = rows(tmp_path)
    assert [row["step"] for row in log] == [20, 40, 60]
    assert log[-1]["square"] < 0.5 * log[0]["square"]
    assert all(row["psnr"] == 30.0 and row["seconds_a_step"] >= 0 for row in log)
    # Means over the steps since the last row: progress is k / 60.
    assert log[1]["progress"] == pytest.approx(29.5 / 60, abs=1e-4)
    assert capsys.readouterr().out.count("min left") == 3


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("stop", [2, 4])
def test_a_resumed_run_is_bit_for_bit_the_same(tmp_path: Path, workers: int, stop: int) -> None:
    settings = replace(FAST, workers=workers)
    whole = train(tmp_path / "whole", settings)

    class Power(Exception):
        """The machine goes down."""

    torch.manual_seed(1)
    line = Line()
    loss = noisy_loss(line)

    def cut(batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        if round(progress * settings.steps) == stop + 1:
            raise Power
        result: tuple[Tensor, dict[str, float]] = loss(batch, progress)
        return result

    folder = tmp_path / "parts"
    with pytest.raises(Power):
        Loop(line, settings, folder).run(Points(), cut, figures)
    resumed = train(folder, settings, seed=99)  # what was seeded before does not matter
    assert resumed.step == whole.step == 6
    for part in ("module", "average"):
        a, b = getattr(whole, part).state_dict(), getattr(resumed, part).state_dict()
        for name in a:
            assert torch.equal(a[name], b[name]), (part, name)
    a, b = whole.optimiser.state_dict(), resumed.optimiser.state_dict()
    assert torch.equal(a["state"][0]["exp_avg_sq"], b["state"][0]["exp_avg_sq"])
    drop = "seconds_a_step"
    strip = [
        [{k: v for k, v in r.items() if k != drop} for r in rows(f)] for f in tmp_path.iterdir()
    ]
    assert strip[0] == strip[1]


def test_items_come_once_and_in_order(tmp_path: Path) -> None:
    points = Points()
    line = Line()
    Loop(line, FAST, tmp_path).run(points, noisy_loss(line), figures)
    assert points.asked == list(range(12))
    again = Points()
    longer = Loop(line, replace(FAST, steps=8), tmp_path)
    longer.run(again, noisy_loss(line), figures)
    assert again.asked == [12, 13, 14, 15]


def test_a_finished_run_trains_no_more_and_has_figures(tmp_path: Path) -> None:
    first = train(tmp_path, FAST)
    line = Line()
    again = Loop(line, FAST, tmp_path)
    points = Points()
    assert again.run(points, noisy_loss(line), figures) == {"psnr": 30.0}
    assert points.asked == []
    assert torch.equal(line.layer.weight, first.module.state_dict()["layer.weight"])


def test_a_kill_while_saving_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = train(tmp_path, FAST)
    before = (tmp_path / "last.pt").read_bytes()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with torch.no_grad():
        loop.module.get_parameter("layer.weight").fill_(7.0)
    for name in ("os.replace", "os.rename", "torch.save"):
        with monkeypatch.context() as patch:
            patch.setattr(name, killed)
            if name == "os.rename":  # the other name of the same step
                patch.setattr(os, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                loop.save()
        assert (tmp_path / "last.pt").read_bytes() == before
    assert Loop(Line(), FAST, tmp_path).step == 6
    loop.save()
    assert (tmp_path / "last.pt").read_bytes() != before


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    line = Line()
    good = noisy_loss(line)

    def loss(batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        value, parts = good(batch, progress)
        return (value * math.nan if progress > 0.45 else value), parts

    loop = Loop(line, FAST, tmp_path)
    with pytest.raises(TrainingError, match="the loss is nan at step 3") as caught:
        loop.run(Points(), loss, figures)
    message = str(caught.value)
    assert "\n" not in message
    assert "bad-batch.pt" in message
    assert "--rate" in message
    batch = torch.load(tmp_path / "bad-batch.pt", weights_only=True)
    assert torch.equal(batch["x"], torch.stack([Points()[6]["x"], Points()[7]["x"]]))
    # The weights are still those of step 3, and the checkpoint that of step 2.
    assert torch.isfinite(line.layer.weight).all()
    assert Loop(Line(), FAST, tmp_path).step == 2


def test_an_infinite_loss_stops_the_run_too(tmp_path: Path) -> None:
    line = Line()

    def loss(batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        return line.layer.weight.sum() + math.inf, {}

    with pytest.raises(TrainingError, match="the loss is inf at step 0"):
        Loop(line, FAST, tmp_path).run(Points(), loss, figures)


def test_rate_warms_up_and_falls(tmp_path: Path) -> None:
    settings = LoopSettings(steps=1000, rate=1e-3, rate_end=1e-6, warmup=100)
    rate = Loop(Line(), settings, tmp_path).rate
    assert rate(0) == pytest.approx(1e-5)
    assert rate(49) == pytest.approx(5e-4)
    assert rate(99) == rate(100) == pytest.approx(1e-3)
    assert rate(550) == pytest.approx((1e-3 + 1e-6) / 2)
    assert rate(1000) == rate(5000) == pytest.approx(1e-6)
    values = [rate(step) for step in range(100, 1001)]
    assert values == sorted(values, reverse=True)


def test_a_run_shorter_than_its_warm_up(tmp_path: Path) -> None:
    rate = Loop(Line(), LoopSettings(steps=5, rate=1.0, warmup=10), tmp_path).rate
    assert [rate(step) for step in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


def test_the_average_lags_behind(tmp_path: Path) -> None:
    line = Line()
    loop = Loop(line, replace(FAST, steps=1, ema=0.5), tmp_path)
    loop.run(Points(), noisy_loss(line), figures)
    # At step 0 a tenth of the old is kept, so that the start is soon forgotten.
    expected = 0.9 * line.layer.weight
    torch.testing.assert_close(loop.average.get_parameter("layer.weight"), expected)


def test_frozen_parameters_stay(tmp_path: Path) -> None:
    line = Line()
    line.layer.bias.requires_grad_(False)
    Loop(line, FAST, tmp_path).run(Points(), noisy_loss(line), figures)
    assert not line.layer.bias.any()
    assert line.layer.weight.abs().max() > 0


def test_bf16_is_off_unless_asked_for() -> None:
    assert LoopSettings(steps=1).bf16 is False


@pytest.mark.parametrize("has", [(True, False), (False, True), (False, False)])
def test_bf16_follows_the_cpu(has: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.cpu
    monkeypatch.setattr(cpu, "_is_avx512_bf16_supported", lambda: has[0], raising=False)
    monkeypatch.setattr(cpu, "_is_amx_tile_supported", lambda: has[1], raising=False)
    assert native_bf16() is any(has)


def test_bf16_is_off_where_torch_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert native_bf16() is False


def test_bf16_reaches_the_layers(tmp_path: Path) -> None:
    for wanted in (True, False):
        line = Line()
        seen: list[torch.dtype] = []

        def loss(
            batch: Batch, progress: float, line: Line = line, seen: list[torch.dtype] = seen
        ) -> tuple[Tensor, dict[str, float]]:
            out = line.layer(batch["x"])
            seen.append(out.dtype)
            return out.float().square().mean(), {}

        folder = tmp_path / str(wanted)
        Loop(line, replace(FAST, steps=1, bf16=wanted), folder).run(Points(), loss, figures)
        assert seen == [torch.bfloat16 if wanted else torch.float32]
        assert line.layer.weight.dtype == torch.float32
