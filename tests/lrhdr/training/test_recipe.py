"""What the presets are trained with, and the rows of the ablation tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lrhdr.losses import LossWeights
from lrhdr.model import config as networks
from lrhdr.model.config import Preset
from lrhdr.training import precision, run
from lrhdr.training.loop import LoopSettings
from lrhdr.training.recipe import ABLATIONS, ITEMS_PER_EPOCH, Ablation, Recipe, ablate, recipe
from lrhdr.training.stages import StageSettings

Train = Callable[..., int]
Call = tuple[Recipe, StageSettings, LoopSettings]


def test_the_paper() -> None:
    """Section 4.1 and Eqs. 11, 13, 22; the crop and the camera are Chen et al.'s."""
    plan = recipe("paper")
    assert (plan.rate, plan.accr_rate, plan.batch) == (1e-4, 1e-5, 8)
    assert plan.stages == {"fusion": 1.0}
    assert plan.steps * plan.batch == 300 * ITEMS_PER_EPOCH
    losses = plan.losses
    assert (losses.recon, losses.accr, losses.vote, losses.square) == (1.0, 0.1, 0.5, 0.0)
    assert (losses.accr_l1, losses.accr_gradient, losses.eta) == (1.0, 0.01, 0.7)
    assert plan.windows.side == 256
    camera = plan.windows.camera
    assert (camera.toned, camera.tone, camera.coded) == (1.0, 0.7, 0.0)
    assert (camera.noise, camera.step_range) == ((1e-4, 1e-3), (2.0, 3.0))
    assert LoopSettings(steps=1).rate_end == 1e-6


def test_lite_serves_any_step_in_three_stages() -> None:
    plan = recipe("lite")
    assert list(plan.stages) == ["interpolator", "fusion", "joint"]
    assert sum(plan.stages.values()) == pytest.approx(1.0)
    assert plan.windows.camera.step_range == (1.0, 4.0)
    assert (plan.losses.recon, plan.losses.accr, plan.losses.vote) == (1.0, 0.0, 0.0)


# Table 2, top to bottom, then Table 3's dagger: EIC, RM, APSWF, ACCR loss, vote loss.
# Base has APSWF and the vote, as the caption says.
TABLE: dict[Ablation, tuple[bool, bool, bool, bool, bool]] = {
    "base": (False, False, True, False, True),
    "eic": (True, False, True, False, True),
    "rm": (False, True, True, False, True),
    "rm+accr-loss": (False, True, True, True, True),
    "no-accr-loss": (True, True, True, False, True),
    "no-vote": (True, True, True, True, False),
    "all": (True, True, True, True, True),
    "dense-fusion": (True, True, False, True, True),
}


def test_every_row_is_known() -> None:
    assert set(ABLATIONS) == TABLE.keys()


@pytest.mark.parametrize("row", ABLATIONS)
@pytest.mark.parametrize("preset", ["paper", "lite"])
def test_a_row_is_what_the_table_says(row: Ablation, preset: Preset) -> None:
    config, losses = networks.preset(preset, 2), LossWeights()
    found, weights = ablate(config, losses, row)
    eic, rm, apswf, accr_loss, vote_loss = TABLE[row]
    accr = replace(config.accr, eic=eic, rm=rm) if config.accr and (eic or rm) else None
    assert found == replace(config, accr=accr, apswf=replace(config.apswf, dense=not apswf))
    assert weights == replace(
        losses, accr=losses.accr if accr_loss else 0.0, vote=losses.vote if vote_loss else 0.0
    )


def test_a_row_brings_back_a_loss_that_the_recipe_leaves_out() -> None:
    config, losses = networks.preset("lite", 2), recipe("lite").losses
    assert ablate(config, losses, "all") == (config, replace(losses, accr=0.1, vote=0.01))
    assert ablate(config, losses, "no-vote")[1] == replace(losses, accr=0.1)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What the command hands to `run`, which does not run."""
    calls: list[Call] = []
    monkeypatch.setattr(run, "run", lambda *things: calls.append(things))
    return calls


def test_every_number_is_an_option(train: Train, calls: list[Call], tmp_path: Path) -> None:
    names = ("recon", "accr", "vote", "square", "film")
    words = [f"--{name}-weight={k}" for k, name in enumerate(names, start=1)]
    words += ["--accr-l1=6", "--accr-gradient=7", "--eta=8", "--rate=0.1", "--accr-rate=0.2"]
    words += ["--film-rate=0.3", "--side=64", "--batch=3", "--ema=0.5", "--clip=2", "--every=9"]
    assert train("--out", tmp_path, "--start", tmp_path, "--preset", "paper", *words) == 0
    ((plan, stage, how),) = calls
    wanted = dict(zip(names, range(1, 6), strict=True)) | {"accr_l1": 6, "accr_gradient": 7}
    assert stage.losses == LossWeights(**wanted, eta=8)
    assert stage.rates == (0.3, 0.2, 0.1)
    assert stage.windows == replace(recipe("paper").windows, side=64)
    assert (how.batch, how.ema, how.clip, how.every) == (3, 0.5, 2.0, 9)
    assert plan.stages == {"fusion": 1.0}


@pytest.mark.parametrize(
    ("words", "steps"),
    [("", 6000), ("--steps 7", 7), ("--epochs 2 --batch 8", 750), ("--preset paper", 112_500)],
)
def test_how_long(words: str, steps: int, train: Train, calls: list[Call], tmp_path: Path) -> None:
    assert train("--out", tmp_path, *words.split()) == 0
    assert calls[0][2].steps == steps


@pytest.mark.parametrize(
    ("words", "native", "wanted"),
    [("", True, True), ("", False, False), ("--bf16", False, True), ("--no-bf16", True, False)],
)
def test_bf16_follows_the_device_unless_told(
    words: str,
    native: bool,
    wanted: bool,
    train: Train,
    calls: list[Call],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "native_bf16", lambda: native)
    assert train("--out", tmp_path, *words.split()) == 0
    assert calls[0][2].bf16 is wanted
