"""lrhdr-run from end to end, with the tiny model and real files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.engines.cli.running import (
    EV,
    SIZE,
    Outcome,
    Run,
    decoded,
    process,
    read_exr,
    scene,
    write_folder,
    write_video,
)


def test_a_video_becomes_hdr_video_beside_it(run: Run, clip: Path) -> None:
    outcome = run(clip, "--ev", "0,-3")
    assert outcome.code == 0, outcome.lines
    assert decoded(clip.with_name("clip.hdr10.mp4")) == 8
    assert sorted(p.name for p in clip.parent.iterdir()) == ["clip.hdr10.mp4", "clip.mov"]
    assert outcome.out == ""


def test_a_folder_becomes_exr(run: Run, tiny: Any, tmp_path: Path) -> None:
    frames = scene(6, 13, 19)
    folder = write_folder(tmp_path / "shots", frames, "0\n-3\n")
    outcome = run(folder, "-o", tmp_path / "hdr")
    assert outcome.code == 0, outcome.lines
    files = sorted((tmp_path / "hdr").iterdir())
    assert len(files) == 6
    for index, file in enumerate(files):
        expected = tiny.expected(frames, EV, index)
        np.testing.assert_allclose(read_exr(file), expected, rtol=1e-3, atol=1e-5)


def test_three_exposures(run: Run, tiny_models: Any, tmp_path: Path) -> None:
    ev = (-2.0, 0.0, 2.0)
    frames = scene(4, 13, 19, ev)
    folder = write_folder(tmp_path / "shots", frames)
    three = tiny_models[3]
    outcome = run(folder, "-o", tmp_path / "f_%06d.exr", "--ev", "-2,0,2", "--model", three.folder)
    assert outcome.code == 0, outcome.lines
    for index in range(4):
        found = read_exr(tmp_path / f"f_{index:06d}.exr")
        np.testing.assert_allclose(found, three.expected(frames, ev, index), rtol=1e-3, atol=1e-5)


def test_start_and_length_change_no_frame(run: Run, clip: Path, tmp_path: Path) -> None:
    run(clip, "-o", tmp_path / "whole", "--ev", "0,-3")
    outcome = run(
        clip, "-o", tmp_path / "part", "--ev", "0,-3", "--start-frame", 3, "--max-frames", 2
    )
    assert outcome.code == 0, outcome.lines
    whole = {p.name: p for p in (tmp_path / "whole").iterdir()}
    part = sorted(p.name for p in (tmp_path / "part").iterdir())
    assert part == sorted(whole)[3:5]
    for name in part:
        assert np.array_equal(read_exr(tmp_path / "part" / name), read_exr(whole[name]))


def test_exposures_are_found_in_the_pixels(run: Run, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mov", scene(24, 120, 160))
    outcome = run(clip, "-o", "null", "--json", "-")
    assert outcome.code == 0, outcome.lines
    found = json.loads(outcome.out)["exposures"]
    assert found["source"] == "estimate"
    assert found["ev"][0] == 0.0
    assert abs(found["ev"][1] + 3.0) < 0.25


def test_facts_as_json(run: Run, clip: Path, tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    assert run(clip, "--ev", "0,-3", "--json", file).code == 0
    facts = json.loads(file.read_text())
    assert (facts["ending"], facts["frames"], facts["start_frame"]) == ("complete", 8, 0)
    assert facts["input"]["frame_rate"] == "24"
    assert facts["exposures"]["ev"] == [0.0, -3.0]
    assert facts["model"]["bundle"] == "tiny-2e"
    assert facts["outputs"][0]["max_cll"] > 203.0
    assert set(facts["busy_seconds"]) == {"decode", "infer", "encode"}


def test_a_failure_as_json(run: Run, clip: Path) -> None:
    outcome = run(clip, "--ev", "0", "--json", "-")
    assert outcome.code == 2
    facts = json.loads(outcome.out)
    assert facts["ending"] == "error"
    assert facts["note"] in outcome.lines[0]


def test_a_contact_sheet(run: Run, clip: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    assert run(clip, "-o", "null", "--ev", "0,-3", "--preview", sheet).code == 0
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape[1] > 1000


def test_white_nits_moves_the_light(run: Run, clip: Path, tmp_path: Path) -> None:
    peaks = []
    for nits in (100, 200):
        run(clip, "-o", "null", "--ev", "0,-3", "--white-nits", nits, "--json", "-", "--overwrite")
        file = tmp_path / f"{nits}.json"
        run(clip, "-o", "null", "--ev", "0,-3", "--white-nits", nits, "--json", file)
        peaks.append(json.loads(file.read_text())["outputs"][0]["max_cll"])
    assert peaks[1] == pytest.approx(2 * peaks[0], rel=0.01)


def test_fp16_says_that_it_is_slower_here(run: Run, clip: Path) -> None:
    outcome = run(clip, "-o", "null", "--ev", "0,-3", "--engine", "fp16", "--json", "-")
    facts = json.loads(outcome.out)
    assert facts["model"]["engine"] == "fp16"
    if facts["model"]["device"] == "CPU":
        (note,) = [line for line in outcome.lines if "slower than fp32" in line]
        assert "between casts" in note


@pytest.mark.parametrize("size", [(17, 31), (45, 16), (361, 641)])
def test_odd_sizes(run: Run, tmp_path: Path, size: tuple[int, int]) -> None:
    folder = write_folder(tmp_path / "shots", scene(2, *size))
    outcome = run(folder, "-o", tmp_path / "out.mp4", "--ev", "0,-3")
    assert outcome.code == 0, outcome.lines
    assert decoded(tmp_path / "out.mp4") == 2


def refused(outcome: Outcome, *words: str, code: int = 2) -> None:
    assert outcome.code == code, outcome.lines
    assert len(outcome.lines) == 1, outcome.lines
    assert outcome.lines[0].startswith("lrhdr-run: error: ")
    for word in words:
        assert word in outcome.lines[0]


@pytest.fixture
def nothing_changes(clip: Path) -> Any:
    """Every file of the clip's folder is as it was before, and no file is new."""

    def state() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in clip.parent.iterdir() if p.is_file()}

    return state


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ev", "0"], ["0"]),
        (["--ev", "0,0"], ["0,0"]),
        (["--ev", "0,-1,-2,-3"], ["0,-1,-2,-3"]),
        (["--ev", "bright,dark"], ["bright,dark"]),
        (["--ev", "-2,0,2"], ["for 2 exposures", "one for 3"]),
        (["-o", "out.avi"], [".avi", ".mp4"]),
        (["-o", "missing/out.mp4"], ["missing"]),
        (["-o", "clip.mov/out.mp4"], ["clip.mov"]),
        (["-o", "single.exr"], ["single.exr", "%06d"]),
        (["-o", "clip.mov"], ["the input itself"]),
        (["-o", "clip.mov", "--overwrite"], ["the input itself"]),
        (["-o", "old.mp4"], ["old.mp4", "--overwrite"]),
        (["--preview", "old.png"], ["old.png", "--overwrite"]),
        (["--preview", "sheet.jpg"], ["sheet.jpg", ".png"]),
        (["--json", "missing/facts.json"], ["missing"]),
        (["--white-nits", "0"], ["0"]),
        (["--white-nits", "nan"], ["nan"]),
        (["--model", "nonsense"], ["nonsense", "lite"]),
        (["--backend", "tensorrt"], ["tensorrt", "lrhdr-doctor", "--backend auto"]),
        (["--backend", "tensorrt-rtx"], ["tensorrt-rtx", "lrhdr-doctor", "--backend auto"]),
        (["--start-frame", "8"], ["frame 8"]),
        (["--start-frame", "1000"], ["frame 1000"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bad_options(
    run: Run,
    clip: Path,
    nothing_changes: Any,
    monkeypatch: Any,
    options: list[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(clip.parent)
    Path("old.mp4").write_bytes(b"precious")
    Path("old.png").write_bytes(b"precious")
    before = nothing_changes()
    given = options if "--ev" in options else [*options, "--ev", "0,-3"]
    outcome = run("clip.mov", *given)
    refused(outcome, *words)
    assert nothing_changes() == before


def test_not_a_video(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.mov"
    file.write_text("This is no video.")
    refused(run(file), "notes.mov")
    assert list(tmp_path.iterdir()) == [file]


def test_no_such_file(run: Run, tmp_path: Path) -> None:
    refused(run(tmp_path / "clip.mov"), "clip.mov")


def test_zero_frames(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    refused(run(folder), "shots")


@pytest.mark.parametrize("ev", ["auto", "0,-3"])
def test_a_single_frame(run: Run, tmp_path: Path, ev: str) -> None:
    clip = write_video(tmp_path / "clip.mov", scene(1, *SIZE))
    refused(run(clip, "--ev", ev), "1 frame")
    assert list(tmp_path.iterdir()) == [clip]


def test_images_of_different_sizes(run: Run, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shots", [*scene(3, *SIZE), *scene(1, 48, 66)])
    refused(run(folder, "--ev", "0,-3"), "64x48", "66x48")


def test_a_changed_byte_in_the_bundle(run: Run, tiny: Any, clip: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(tiny.folder, tmp_path / "bundle"))
    file = bundle / "film_fuse.fp32.onnx"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    refused(run(clip, "--ev", "0,-3", "--model", bundle), "film_fuse.fp32.onnx", "changed")
    assert not clip.with_name("clip.hdr10.mp4").exists()


def test_a_clip_cut_off_in_the_middle(run: Run, clip: Path, tmp_path: Path) -> None:
    whole = write_video(tmp_path / "long.mov", scene(40, 120, 160), True)
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) * 2 // 3])
    outcome = run(whole, "--ev", "0,-3", "--json", tmp_path / "facts.json")
    assert outcome.code == 1, outcome.lines
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["ending"] == "incomplete"
    assert 2 <= facts["frames"] < 40
    assert decoded(tmp_path / "long.hdr10.mp4") == facts["frames"]
    assert any("40" in line and str(facts["frames"]) in line for line in outcome.lines)


def test_a_clip_without_its_index(run: Run, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mov", scene(40, 120, 160))
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) // 2])
    refused(run(clip, "--ev", "0,-3"), "index")
    assert list(tmp_path.iterdir()) == [clip]


def test_an_output_is_replaced_only_when_it_is_complete(run: Run, clip: Path) -> None:
    target = clip.with_name("clip.hdr10.mp4")
    target.write_bytes(b"precious")
    refused(run(clip, "--ev", "0,-3"), "--overwrite")
    assert target.read_bytes() == b"precious"
    assert run(clip, "--ev", "0,-3", "--overwrite").code == 0
    assert decoded(target) == 8


@pytest.mark.parametrize("word", ["--engine", "--backend"])
def test_words_that_are_none(run: Run, clip: Path, word: str) -> None:
    assert run(clip, word, "nonsense").code == 2


def test_help_needs_no_model() -> None:
    child = process("--help")
    out, errors = child.communicate(timeout=30)
    assert (child.returncode, errors) == (0, "")
    assert "\n    lrhdr-run clip.mov\n" in out
    assert "Exit codes" in out


def test_every_second_frame(run: Run, clip: Path, tmp_path: Path) -> None:
    run(clip, "-o", tmp_path / "whole", "--ev", "0,-3")
    target = tmp_path / "half.mp4"
    outcome = run(clip, "-o", tmp_path / "half", "-o", target, "--ev", "0,-3", "--fps", "half")
    assert outcome.code == 0, outcome.lines
    names = sorted(p.name for p in (tmp_path / "half").iterdir())
    assert names == [f"frame_{index:06d}.exr" for index in (0, 2, 4, 6)]
    for name in names:
        whole, half = tmp_path / "whole" / name, tmp_path / "half" / name
        assert np.array_equal(read_exr(whole), read_exr(half))
    with av.open(str(target)) as container:
        assert container.streams.video[0].average_rate == 12
        assert container.streams.video[0].frames == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "no/such/folder"], "neither a shipped model nor a folder"),
        (["--backend", "tensorrt-rtx"], "tensorrt-rtx cannot run here"),
    ],
)
def test_what_cannot_run_is_refused_before_the_clip_is_read(
    run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("the clip was opened")

    monkeypatch.setattr("lrhdr_engines.execute.source_of", read)
    monkeypatch.setattr("lrhdr_engines.backends.registry.why_no_gpu", lambda: "there is none")
    refused(run(clip, *words), said)
