"""lrhdr-probe from the command line, on a video file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from exposure_clips import Recipe
from exposure_held import write_h264
from lrhdr_engines.cli.probe import main

RECIPE = Recipe(size=(160, 96), count=40, dropped=(21,), cuts=(30,))
ORANGE, RED = (226, 138, 34), (196, 44, 44)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    write_h264(RECIPE.render(), path, 20)
    return path


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "still.mp4"
    write_h264(Recipe(size=(160, 96), count=12, ev=(0.0, 0.0)).render(), path, 20)
    return path


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    code = caught.value.code
    assert isinstance(code, int)
    return code


def test_it_says_what_a_clip_is(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(clip) == 0
    said = capsys.readouterr().out
    for words in (
        "160x96, 40 frames, 25 fps",
        "h264, yuv420p, 8 bit, BT.601, limited range",
        "0,-3 EV, repeating every 2 frames",
        "frame 0 is the first of the brightest",
        "frame 21: a frame is missing before it",
    ):
        assert words in said
    assert any(line.split() == ["cuts", "30"] for line in said.splitlines())


def test_json_on_stdout_is_nothing_but_json(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(clip, "--json", "-") == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (facts["period"], facts["phase"], facts["ev"]) == (2, 0, [0.0, -3.0])
    assert facts["cuts"] == [30]
    assert facts["slips"] == [{"frame": 21, "kind": "dropped"}]
    assert 0.5 <= facts["confidence"] <= 1.0
    assert facts["clip"]["frame_rate"] == "25"
    assert facts["frames_read"] == 40


def test_the_plot_shows_phases_and_breaks(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "plot.png"
    assert run(clip, "--plot", path) == 0
    picture = cv2.imread(str(path))
    assert picture is not None
    rgb = np.asarray(picture)[..., ::-1]
    for colour in (ORANGE, RED):
        assert (rgb == np.array(colour)).all(axis=2).sum() > 500
    assert run(clip, "--plot", path) == 2  # it exists
    assert run(clip, "--plot", path, "--overwrite") == 0


def test_what_does_not_alternate_is_refused_and_drawn(
    still: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plot.png"
    assert run(still, "--plot", path, "--json", "-") == 2
    said = capsys.readouterr()
    assert "the light changes by only" in said.err
    assert "--ev 0,-3" in said.err
    assert "the light changes by only" in json.loads(said.out)["error"]
    assert path.exists()


def test_given_exposures_are_taken(still: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(still, "--ev", "0,-3", "--max-frames", 8, "--json", "-") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["ev"], facts["source"], facts["frames_read"]) == ([0.0, -3.0], "flag", 8)
    assert facts["confidence"] is None


@pytest.mark.parametrize(
    "arguments", [("--ev", "0,0"), ("--plot", "plot.gif"), ("--frame-rate", "25")]
)
def test_bad_options_are_one_line(
    clip: Path, arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(clip, *arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("lrhdr-probe: error: ")


def test_a_clip_that_is_not_there(tmp_path: Path) -> None:
    assert run(tmp_path / "none.mov") == 2


def test_a_clip_that_ends_early_is_probed_and_said(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = tmp_path / "cut.mkv"
    with av.open(str(clip)) as source, av.open(str(moved), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    data = moved.read_bytes()
    moved.write_bytes(data[: int(0.7 * len(data))])
    assert run(moved) == 1
    said = capsys.readouterr()
    assert "0,-3 EV" in said.out
    assert "decoded" in said.err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "lrhdr-probe clip.mov --plot clip.png" in capsys.readouterr().out


def test_a_response_is_estimated_and_used(tmp_path: Path, capsys: Any) -> None:
    """A still clip with an S-curve: under its own response the steps are right."""
    clip, curve = tmp_path / "still.mkv", tmp_path / "camera.csv"
    recipe = Recipe(size=(160, 96), count=24, motion="still", curve="s-curve", middle=0.12)
    write_h264(recipe.render(), clip, 10)
    assert run(clip, "--ev", "0,-3", "--calibrate", curve) == 0
    assert f"--transfer {curve}" in capsys.readouterr().out
    assert run(clip, "--transfer", curve, "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["ev"] == pytest.approx([0.0, -3.0], abs=0.13)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--calibrate", "a.csv"], "without exposures"),
        (["--calibrate", "a.txt", "--ev", "0,-3"], "ends in .csv"),
        (["--transfer", "log99"], "transfer log99"),
    ],
)
def test_light_that_cannot_be_read(clip: Path, capsys: Any, options: Any, words: str) -> None:
    assert run(clip, *options) == 2
    assert words in capsys.readouterr().err
