"""`lrhdr-train`: both stages in miniature, and what it says when it cannot."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lrhdr.data.windows import WindowSettings
from lrhdr.model.config import ModelConfig, preset
from lrhdr.model.network import Network
from lrhdr.model.weights import load_weights, read_notes, save_weights
from lrhdr.training import loop, stages
from lrhdr.training.cli import main
from lrhdr.training.loop import LoopSettings


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """Run the command as the shell does; its exit code."""
    monkeypatch.setattr(sys, "argv", ["lrhdr-train", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "100")
    try:
        main()
    except SystemExit as left:
        return int(left.code or 0)
    return 0


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tiny_config: ModelConfig) -> None:
    """Small crops, few validation items, and a network of a few thousand weights."""
    windows = WindowSettings(side=32)

    def tiny(_: str, exposures: int) -> ModelConfig:
        return replace(tiny_config, exposures=exposures)

    monkeypatch.setattr(stages, "preset", tiny)
    monkeypatch.setattr(stages, "_settled", lambda _: windows)
    monkeypatch.setattr(stages, "_VALIDATION_ITEMS", 3)


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.usefixtures("small")
def test_both_stages(
    hdr_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_config: ModelConfig
) -> None:
    film, fused = tmp_path / "film", tmp_path / "fused"
    common = ("--data", hdr_folder, "--batch", "1", "--every", "2")
    assert call(monkeypatch, "interpolator", *common, "--out", film, "--steps", "3") == 0
    notes = read_notes(film / "weights.safetensors")
    assert (notes["stage"], notes["steps"], notes["batch"]) == ("interpolator", 3, 1)
    assert [row["step"] for row in rows(film)] == [2, 3]
    first = load_weights(film / "weights.safetensors")
    assert first.config == tiny_config

    start = ("--start", film / "weights.safetensors", "--exposures", "3")
    assert call(monkeypatch, "fusion", *common, *start, "--out", fused, "--steps", "2") == 0
    assert read_notes(fused / "weights.safetensors")["stage"] == "fusion"
    second = load_weights(fused / "weights.safetensors")
    assert second.config.exposures == 3
    # The interpolator is taken over as it is.
    for name, value in first.film.state_dict().items():
        assert torch.equal(second.film.state_dict()[name], value), name
    # Called again with more steps it goes on, and called again it keeps its notes.
    again = ("fusion", *common, *start, "--out", fused, "--steps")
    assert call(monkeypatch, *again, "3") == 0
    assert [row["step"] for row in rows(fused)] == [2, 3]
    before = read_notes(fused / "weights.safetensors")
    assert before["steps"] == 3
    assert before["validation"]
    assert call(monkeypatch, *again, "3") == 0
    assert read_notes(fused / "weights.safetensors") == before


def test_a_crop_of_the_shipped_network_trains(
    hdr_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lite` itself, one step of one crop."""
    monkeypatch.setattr(stages, "_VALIDATION_ITEMS", 1)
    monkeypatch.setattr(stages, "_settled", lambda windows: windows)
    stage = stages.StageSettings(
        data=hdr_folder, out=tmp_path, windows=WindowSettings(side=64), seed=3
    )
    figures = stages.train_interpolator(stage, LoopSettings(steps=1, batch=1, workers=0))
    assert {name.partition("_")[0] for name in figures} == {"average", "film"}
    trained = load_weights(tmp_path / "weights.safetensors")
    torch.manual_seed(3)
    fresh = Network(preset("lite", 2))
    assert trained.config == fresh.config
    changed = [
        not torch.equal(a, b) for a, b in zip(trained.parameters(), fresh.parameters(), strict=True)
    ]
    film = len(list(fresh.film.parameters()))
    assert any(changed[:film])
    assert not any(changed[film:])


def test_help_names_the_stages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--help") == 0
    text = capsys.readouterr().out
    assert "interpolator" in text
    assert "fusion" in text
    assert call(monkeypatch, "fusion", "--help") == 0
    assert "--no-bf16" in capsys.readouterr().out


@pytest.mark.parametrize("stage", ["interpolator", "fusion"])
@pytest.mark.parametrize("folder", ["missing", "."])
def test_a_folder_without_images(
    stage: str,
    folder: str,
    tiny_config: ModelConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(stages, "preset", lambda *_: tiny_config)
    (tmp_path / "images").mkdir()
    weights = tmp_path / "w.safetensors"
    save_weights(Network(tiny_config), weights)
    options = ("--data", tmp_path / "images" / folder, "--out", tmp_path / "out")
    start = ("--start", weights)
    assert call(monkeypatch, stage, *options, *start) == 2
    said = capsys.readouterr().err
    assert said.startswith("lrhdr-train: ")
    assert "holds no HDR image" in said
    assert said.count("\n") == 1
    assert "Traceback" not in said


def test_weights_that_are_none(
    hdr_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    start = tmp_path / "w.safetensors"
    start.write_bytes(b"nothing")
    options = ("--data", hdr_folder, "--out", tmp_path / "out", "--start", start)
    assert call(monkeypatch, "fusion", *options) == 2
    said = capsys.readouterr().err
    assert "cannot be read as weights" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--model", "huge"),
        ("--steps", "0"),
        ("--batch", "0"),
        ("--exposures", "4"),
        ("--unknown",),
    ],
)
def test_bad_options(
    options: tuple[str, ...],
    hdr_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    needed = ("--data", hdr_folder, "--out", tmp_path / "out", "--start", tmp_path / "w")
    assert call(monkeypatch, "fusion", *needed, *options) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert options[0] in said or options[-1] in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["interpolator", "fusion"])
@pytest.mark.parametrize(
    ("option", "native", "wanted"),
    [
        ((), True, True),
        ((), False, False),
        (("--bf16",), False, True),
        (("--no-bf16",), True, False),
    ],
)
def test_bf16_follows_the_cpu_unless_told(
    command: str,
    option: tuple[str, ...],
    native: bool,
    wanted: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[LoopSettings] = []
    monkeypatch.setattr(loop, "native_bf16", lambda: native)
    monkeypatch.setattr(stages, f"train_{command}", lambda stage, how, *rest: given.append(how))
    needed = ("--data", tmp_path, "--out", tmp_path, "--start", tmp_path / "w")
    assert call(monkeypatch, command, *needed, "--steps", "7", *option) == 0
    assert [(how.bf16, how.steps) for how in given] == [(wanted, 7)]
