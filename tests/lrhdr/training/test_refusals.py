"""What `lrhdr-train` refuses: one line or typer's usage, exit code 2, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import save_file

from lrhdr.model.network import Network
from lrhdr.model.weights import save_weights
from tests.lrhdr.training.miniature import tiny

Train = Callable[..., int]
Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--preset huge", "lite, paper"),
        ("--stage film", "all, interpolator, fusion, joint"),
        ("--ablation acr", "rm+accr-loss"),
        ("--steps 3 --epochs 1", "one of --steps and --epochs"),
        *((bad, bad.split()[0]) for bad in ("--steps 0", "--exposures 4", "--video-share 1.5")),
        *((bad, bad.split()[0]) for bad in ("--seed -1", "--ema 1.5", "--side 16", "--rate fast")),
        ("--unknown", "--unknown"),
    ],
)
def test_bad_options(
    options: str, said: str, train: Train, tmp_path: Path, capsys: Capture
) -> None:
    assert train("--out", tmp_path / "out", *options.split()) == 2
    text = capsys.readouterr().err
    assert options.split()[0] in text
    assert said in text
    assert "Traceback" not in text
    assert not (tmp_path / "out").exists()


def refused(
    train: Train, tmp_path: Path, capsys: Capture, *options: str | Path, **more: Path
) -> str:
    """The one line that is said; nothing may be written."""
    assert train("--out", tmp_path / "out", "--steps", "3", *options, **more) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("lrhdr-train: ")
    assert not (tmp_path / "out").exists()
    return line


@pytest.mark.parametrize("stage", ["all", "interpolator", "fusion", "joint"])
def test_a_folder_without_photographs(
    stage: str, train: Train, tmp_path: Path, capsys: Capture
) -> None:
    line = refused(train, tmp_path, capsys, "--stage", stage, data=tmp_path / "none")
    assert f"{tmp_path / 'none'} holds no HDR image" in line


def test_photographs_that_cannot_be_read(train: Train, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.hdr").write_text("nothing")
    with pytest.warns(UserWarning, match="left out"):
        assert "none of 1 HDR images" in refused(train, tmp_path, capsys, data=tmp_path)


@pytest.mark.parametrize("stage", ["all", "interpolator", "fusion"])
def test_a_folder_without_clips(stage: str, train: Train, tmp_path: Path, capsys: Capture) -> None:
    """Before anything is trained, though the first stage needs none."""
    options = ("--stage", stage, "--video", tmp_path)
    assert "holds no footage" in refused(train, tmp_path, capsys, *options)


@pytest.mark.parametrize("option", ["--start", "--teacher"])
def test_weights_that_are_none(option: str, train: Train, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "w.safetensors"
    assert str(path) in refused(train, tmp_path, capsys, option, path)
    path.write_bytes(b"nothing")
    assert "cannot be read as weights" in refused(train, tmp_path, capsys, option, path)
    save_file({}, path)
    assert "expected weights of lrhdr-train" in refused(train, tmp_path, capsys, option, path)


def test_weights_of_another_interpolator(train: Train, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(Network(tiny("paper", 2)), path)
    line = refused(train, tmp_path, capsys, "--stage", "fusion", "--start", path)
    assert "finest_flow 0, registration 0" in line
    assert "expected finest_flow 1, registration 2" in line


@pytest.mark.parametrize("stage", ["all", "fusion", "joint"])
def test_the_paper_wants_a_trained_film(
    stage: str, train: Train, tmp_path: Path, capsys: Capture
) -> None:
    line = refused(train, tmp_path, capsys, "--preset", "paper", "--stage", stage)
    assert "--start" in line
    assert "lrhdr-export film-weights" in line
    assert "--stage interpolator" in line


def test_crops_that_do_not_fit_the_network(train: Train, tmp_path: Path, capsys: Capture) -> None:
    line = refused(train, tmp_path, capsys, "--side", "100")
    assert "crops of 100 pixels; expected a multiple of 8" in line
    assert "--side" in line


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_folder_that_cannot_be_made(
    inside: str, train: Train, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "file").write_text("mine")
    out = tmp_path / "file" / inside if inside else tmp_path / "file"
    assert train("--out", out, "--steps", "3") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(out) in line
    assert "--out" in line
    assert (tmp_path / "file").read_text() == "mine"


def test_a_damaged_checkpoint(train: Train, tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "fusion"
    options = ("--out", tmp_path, "--stage", "fusion", "--steps", "1")
    assert train(*options) == 0
    checkpoint = folder / "last.pt"
    for content in (checkpoint.read_bytes()[:5000], b"nothing", b""):
        checkpoint.write_bytes(content)
        capsys.readouterr()
        assert train(*options) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{checkpoint} cannot be read as a checkpoint" in line
        assert "Remove it to begin anew" in line


def test_help_shows_every_option_and_how_to_begin(train: Train, capsys: Capture) -> None:
    assert train("--help") == 0
    text = capsys.readouterr().out
    assert text.count("lrhdr-train --") == 3
    assert "lrhdr-train --data hdri/ --out runs/first --steps 300" in text
    assert "torchrun --nproc-per-node 4 -m lrhdr.training.cli --data" in text
    for option in ("--ablation", "--no-bf16", "--teacher", "--video-share", "--accr-gradient"):
        assert option in text
