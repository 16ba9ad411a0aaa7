"""`lrhdr-train`: whole trainings in miniature."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lrhdr.model.config import preset
from lrhdr.model.network import Network
from lrhdr.model.weights import load_weights, read_notes, save_weights
from lrhdr.training import stages
from lrhdr.training.recipe import ABLATIONS
from tests.lrhdr.data.test_clips import write_clip
from tests.lrhdr.data.test_footage import scenery
from tests.lrhdr.training.miniature import rows, same, tiny

Train = Callable[..., int]
STAGES = ("interpolator", "fusion", "joint")
STEPS = {"interpolator": 3, "fusion": 4, "joint": 3}


@pytest.fixture(scope="module")
def lite(train: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All stages of `lite`, ten steps."""
    out = tmp_path_factory.mktemp("lite") / "run"
    assert train("--out", out, "--steps", "10", "--every", "2") == 0
    return out


def test_all_stages_in_turn(lite: Path) -> None:
    assert {p.name for p in lite.iterdir()} == {*STAGES, "weights.safetensors"}
    for stage, steps in STEPS.items():
        notes = read_notes(lite / stage / "weights.safetensors")
        expected = {"stage": stage, "steps": steps, "batch": 1, "seed": 1, "photographs": 1}
        assert expected.items() <= notes.items()
        assert notes["photographs_kept_apart"] == 1
        log = rows(lite / stage)
        assert [row["step"] for row in log] == sorted({2, steps - steps % 2, steps})
        assert notes["validation"].items() <= log[-1].items()  # type: ignore[attr-defined]
    assert {"ours", "ref", "oracle", "merge", "dis"} <= log[-1].keys()
    final = (lite / "weights.safetensors").read_bytes()
    assert final == (lite / "joint" / "weights.safetensors").read_bytes()
    assert load_weights(lite / "weights.safetensors").config == tiny("lite", 2)


def test_a_stage_trains_its_parts_alone(lite: Path) -> None:
    torch.manual_seed(1)
    before = Network(tiny("lite", 2))
    parts = ("film", "lrhdr.accr", "lrhdr.apswf")
    trained = {"interpolator": parts[:1], "fusion": parts[1:], "joint": parts}
    for stage in STAGES:
        after = load_weights(lite / stage / "weights.safetensors")
        for part in parts:
            pair = [n.get_submodule(part).state_dict() for n in (before, after)]
            kept = {name for name in pair[0] if pair[0][name].equal(pair[1][name])}
            if stage == "joint" and part == "film":
                # Levels before the last answer to the true flow, which only stage 1 has.
                kept = {name for name in kept if not name.startswith("predict_flow._predictor.")}
            assert kept == (set() if part in trained[stage] else set(pair[0])), (stage, part)
        before = after


def test_stage_by_stage_gives_the_same_weights(lite: Path, train: Train, tmp_path: Path) -> None:
    start: list[str | Path] = []
    for stage, steps in STEPS.items():
        assert train("--out", tmp_path, "--stage", stage, "--steps", f"{steps}", *start) == 0
        start = ["--start", tmp_path / "weights.safetensors"]
    a, b = (load_weights(folder / "weights.safetensors") for folder in (lite, tmp_path))
    assert same(a.state_dict(), b.state_dict())


def test_called_again_it_trains_no_more(lite: Path, train: Train) -> None:
    files = sorted(lite.rglob("*.*"))
    before = [path.read_bytes() for path in files]
    assert train("--out", lite, "--steps", "10", "--every", "2") == 0
    assert sorted(lite.rglob("*.*")) == files
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--seed", "2"), "seed 1 -> 2"),
        (("--batch", "2"), "batch 1 -> 2"),
        (("--film-rate", "0.5"), "rates [0.001] -> [0.5]"),
        (("--exposures", "3"), "config.exposures 2 -> 3"),
        (("--side", "64"), "windows.side 32 -> 64"),
        (("--steps", "20"), "steps 3 -> 6"),
        (("--ema", "0.5"), "ema 0.998 -> 0.5"),
    ],
)
def test_other_settings_in_the_same_folder_are_refused(
    option: tuple[str, str],
    said: str,
    lite: Path,
    train: Train,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = (lite / "interpolator" / "last.pt").read_bytes()
    assert train("--out", lite, "--steps", "10", *option) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert str(lite / "interpolator") in line
    assert "--out" in line
    assert (lite / "interpolator" / "last.pt").read_bytes() == before


def test_three_exposures_on_the_interpolator_of_two(
    lite: Path, train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ("--start", lite / "weights.safetensors", "--exposures", "3")
    assert train("--out", tmp_path, "--stage", "fusion", "--steps", "2", *start) == 0
    assert "over the DIS-aligned merge" in capsys.readouterr().out
    two, three = (load_weights(folder / "weights.safetensors") for folder in (lite, tmp_path))
    assert three.config == tiny("lite", 3)
    assert same(two.film.state_dict(), three.film.state_dict())


@pytest.mark.parametrize("row", ABLATIONS)
def test_every_row_of_the_tables_trains(row: str, train: Train, tmp_path: Path) -> None:
    options = ("--ablation", row, "--stage", "fusion", "--steps", "1")
    assert train("--out", tmp_path, *options) == 0
    (log,) = rows(tmp_path / "fusion")
    network = load_weights(tmp_path / "weights.safetensors")
    # Table 2's rows say which losses there are; without masks to vote with there is no vote.
    accr_loss = row not in ("base", "eic", "rm", "no-accr-loss")
    vote_loss = row not in ("no-vote", "dense-fusion")
    assert ("accr" in log, "vote" in log, "recon" in log) == (accr_loss, vote_loss, True)
    accr = network.config.accr
    found = None if accr is None else (accr.eic, accr.rm)
    no_eic = row in ("rm", "rm+accr-loss")
    assert found == (None if row == "base" else (not no_eic, row != "eic"))
    assert network.config.apswf.dense == (row == "dense-fusion")


def test_a_teacher(train: Train, tmp_path: Path) -> None:
    large = tmp_path / "large.safetensors"
    save_weights(Network(tiny("paper", 2)), large)
    once = ("--stage", "interpolator", "--steps", "1")
    assert train("--out", tmp_path / "taught", *once, "--teacher", large) == 0
    assert train("--out", tmp_path / "alone", *once) == 0
    taught, alone = (rows(tmp_path / f / "interpolator")[0] for f in ("taught", "alone"))
    assert taught["loss"] == pytest.approx(alone["loss"] + 3.0 * taught["teacher"], abs=1e-4)
    assert taught["teacher"] > 0
    a, b = (load_weights(tmp_path / f / "weights.safetensors") for f in ("taught", "alone"))
    assert not same(a.film.state_dict(), b.film.state_dict())


def test_video_is_mixed_in(train: Train, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    write_clip(tmp_path / "clips" / "a.mp4", [scenery(1)] * 6)
    fusion = ("--stage", "fusion", "--steps", "1", "--video", tmp_path / "clips")
    found = []
    for share in ("0", "1"):
        out = tmp_path / share
        assert train("--out", out, *fusion, "--video-share", share) == 0
        found.append(rows(out / "fusion")[0]["loss"])
    assert train("--out", tmp_path / "none", *fusion[:4]) == 0
    assert found[0] == rows(tmp_path / "none" / "fusion")[0]["loss"] != found[1]


def test_a_crop_of_the_network_that_ships(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "_VALIDATION_ITEMS", 1)
    monkeypatch.setattr(stages, "_VALIDATION_SIDE", 64)
    once = ("--stage", "interpolator", "--steps", "1", "--side", "64")
    assert train("--out", tmp_path, *once, whole=True) == 0
    assert load_weights(tmp_path / "weights.safetensors").config == preset("lite", 2)
