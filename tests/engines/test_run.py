"""lrhdr-run from end to end, with the tiny model and real files."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, NamedTuple

import av
import cv2
import numpy as np
import OpenImageIO as oiio
import pytest
from numpy.typing import NDArray

from lrhdr_engines.cli.run import main

EV = (0.0, -3.0)
SIZE = (48, 64)


class Outcome(NamedTuple):
    code: int
    out: str
    lines: list[str]  # of stderr


Run = Callable[..., Outcome]


@pytest.fixture
def run(tiny: Any, capsys: Any) -> Run:
    """Calls the command in this process, with the tiny model unless another is given."""

    def call(*arguments: object) -> Outcome:
        words = [str(word) for word in arguments]
        if "--model" not in words:
            words += ["--model", str(tiny.folder)]
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(words)
        captured = capsys.readouterr()
        return Outcome(int(left.value.code or 0), captured.out, captured.err.splitlines())

    return call


def scene(count: int, height: int, width: int, ev: tuple[float, ...] = EV) -> list[NDArray[Any]]:
    """A bright, smooth scene that drifts, shot at alternating exposures: (H, W, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    frames = []
    for index in range(count):
        waves = [1 + np.sin((x + 2 * index) / (5 + 2 * c) + y / (9 - c)) for c in range(3)]
        light = np.stack(waves, axis=2) ** 3 * (0.02 + 0.6 * x[..., None] / width)
        shot = np.clip(light * 2.0 ** ev[index % len(ev)], 0, 1) ** (1 / 2.2)
        frames.append(np.rint(shot * 255).astype(np.uint8))
    return frames


def write_video(path: Path, frames: list[NDArray[Any]], faststart: bool = False) -> Path:
    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=Fraction(24), options={"crf": "12", "g": "4"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))
    return path


def write_folder(folder: Path, frames: list[NDArray[Any]], exposures: str = "") -> Path:
    folder.mkdir()
    for index, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"shot_{index:03d}.png"), frame[..., ::-1])
    if exposures:
        (folder / "Exposures.txt").write_text(exposures)
    return folder


@pytest.fixture(scope="session")
def _clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mov", scene(8, *SIZE), True)


@pytest.fixture
def clip(_clip: Path, tmp_path: Path) -> Path:
    """A video of 8 frames, alone in a folder."""
    return Path(shutil.copy(_clip, tmp_path / "clip.mov"))


def decoded(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def read_exr(path: Path) -> NDArray[Any]:
    return np.asarray(oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT))


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


# Bad input.


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


# Processes of their own.


# Says on stdout which frame it has encoded, and takes its time over each.
SLOW = """
import time
from lrhdr_engines.media.several import Sinks
write = Sinks.write
def slow(sinks, index, picture, shown):
    time.sleep(0.03)
    write(sinks, index, picture, shown)
    print(index, flush=True)
Sinks.write = slow
"""


def process(
    *arguments: object, before: str = "", stdin: IO[bytes] | None = None
) -> subprocess.Popen[str]:
    code = before + "from lrhdr_engines.cli.run import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *(str(word) for word in arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(child: subprocess.Popen[str], frame: int) -> None:
    """Wait for a process begun with SLOW to have written a frame."""
    assert child.stdout is not None
    while child.stdout.readline() != f"{frame}\n":
        assert child.poll() is None, child.communicate()[1]


def test_control_c_leaves_a_playable_file_and_says_how_to_go_on(
    run: Run, tiny: Any, tmp_path: Path
) -> None:
    clip = write_video(tmp_path / "clip.mov", scene(8, *SIZE) * 20)
    target = tmp_path / "out.mp4"
    child = process(clip, "-o", target, "--ev", "0,-3", "--model", tiny.folder, before=SLOW)
    until(child, 60)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 130, errors
    assert "Traceback" not in errors
    assert 60 < decoded(target) < 160
    (rest,) = [line for line in errors.splitlines() if "go on with: " in line]
    words = shlex.split(rest.split("go on with: lrhdr-run ")[1])
    assert words[-1] == "--resume"
    outcome = run(*words)
    assert outcome.code == 0, outcome.lines
    assert decoded(target) == 160
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.mov", "out.mp4"]


def test_killed_runs_go_on_to_the_same_result(run: Run, tiny: Any, tmp_path: Path) -> None:
    """Several outputs at different points of progress; EXR and FFV1 bit for bit."""
    clip = write_video(tmp_path / "clip.mov", scene(8, *SIZE) * 20)

    def words(name: str) -> list[object]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        outs = f"ffv1:{folder / 'a.mkv'}", f"{folder / 'frames'}/"
        return [clip, *("-o", outs[0], "-o", outs[1]), "--ev", "0,-3", "--model", tiny.folder]

    assert run(*words("whole")).code == 0
    for kill_at in (70, 130):
        resume = [] if kill_at == 70 else ["--resume"]
        child = process(*words("parts"), *resume, before=SLOW)
        until(child, kill_at)
        child.kill()
        child.communicate(timeout=30)
    outcome = run(*words("parts"), "--resume")
    assert outcome.code == 0, outcome.lines
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    names = sorted(p.relative_to(whole) for p in whole.rglob("*"))
    assert names == sorted(p.relative_to(parts) for p in parts.rglob("*"))
    for name in names:
        if (whole / name).is_file():
            assert (whole / name).read_bytes() == (parts / name).read_bytes(), name


def test_help_needs_no_model() -> None:
    child = process("--help")
    out, errors = child.communicate(timeout=30)
    assert (child.returncode, errors) == (0, "")
    assert "\n    lrhdr-run clip.mov\n" in out
    assert "Exit codes" in out


def test_a_pipe_carries_the_video_and_nothing_else(tiny: Any, clip: Path) -> None:
    """y4m on standard output, read by FFmpeg's own parser."""
    child = process(clip, "-o", "y4m:-", "--ev", "0,-3", "--model", tiny.folder)
    assert child.stdout is not None
    video = child.stdout.buffer.read()  # type: ignore[attr-defined]
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    with av.open(io.BytesIO(video), "r", format="yuv4mpegpipe") as container:
        frames = [(f.width, f.height, f.format.name) for f in container.decode(video=0)]
    assert frames == [(64, 48, "yuv420p10le")] * 8


def test_standard_output_takes_one_thing(run: Run, clip: Path) -> None:
    outcome = run(clip, "-o", "y4m:-", "--json", "-", "--ev", "0,-3")
    assert outcome.code == 2
    assert "one of them at most" in outcome.lines[-1]


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


def test_a_clip_comes_through_a_pipe(run: Run, tiny: Any, clip: Path, tmp_path: Path) -> None:
    """y4m on standard input gives what the same pictures give from a file."""
    y4m = tmp_path / "clip.y4m"
    with av.open(str(clip)) as source, av.open(str(y4m), "w", format="yuv4mpegpipe") as target:
        stream = target.add_stream("wrapped_avframe", rate=24)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        for frame in source.decode(video=0):
            target.mux(stream.encode(frame))
    options = ["--ev", "0,-3", "--model", tiny.folder]
    child = process("-", "-o", tmp_path / "pipe", *options, stdin=y4m.open("rb"))
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    assert run(y4m, "-o", tmp_path / "file", *options).code == 0
    files = sorted((tmp_path / "file").iterdir())
    assert len(files) == 8
    for file in files:
        assert file.read_bytes() == (tmp_path / "pipe" / file.name).read_bytes()


FAILING = """
from lrhdr_engines.media.several import Sinks
write = Sinks.write
def failing(sinks, index, picture, shown):
    if index == 60:
        raise {error}
    write(sinks, index, picture, shown)
Sinks.write = failing
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("RuntimeError('a defect')", "error: RuntimeError: a defect (LRHDR_TRACEBACK=1 shows"),
        ("MemoryError()", "error: out of memory: "),
    ],
)
def test_a_defect_is_one_line_and_loses_no_frame(
    run: Run, tiny: Any, tmp_path: Path, error: str, said: str
) -> None:
    clip = write_video(tmp_path / "clip.mov", scene(8, *SIZE) * 10)
    target = tmp_path / "out.mp4"
    before = FAILING.format(error=error)
    child = process(clip, "-o", target, "--ev", "0,-3", "--model", tiny.folder, before=before)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 2, errors
    assert "Traceback" not in errors
    assert said in errors
    (rest,) = [line for line in errors.splitlines() if "go on with: " in line]
    assert run(*shlex.split(rest.split("go on with: lrhdr-run ")[1])).code == 0
    assert decoded(target) == 80


def test_control_c_twice_says_what_is_kept(tiny: Any, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mov", scene(8, *SIZE) * 20)
    target = tmp_path / "out.mp4"
    child = process(clip, "-o", target, "--ev", "0,-3", "--model", tiny.folder, before=SLOW)
    until(child, 60)
    for _ in range(2):
        child.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 130, errors
    assert "go on with: " in errors
    assert "nothing was written" not in errors


DYING = """
import os, signal
from lrhdr_engines.media.{module} import {sink}
def die(sink):
    os.kill(os.getpid(), signal.SIGKILL)
{sink}.tidy = die
"""


@pytest.mark.parametrize(
    ("module", "sink"), [("video_sink", "VideoSink"), ("image_sink", "ImageSink")]
)
def test_killed_while_everything_is_tidied_up(
    run: Run, tiny: Any, clip: Path, tmp_path: Path, module: str, sink: str
) -> None:
    """The first output may have nothing left to go on with, the others do."""
    outs = [
        "-o",
        f"ffv1:{tmp_path / 'a.mkv'}",
        "-o",
        f"{tmp_path / 'f'}/",
        "-o",
        tmp_path / "b.mp4",
    ]
    words = [clip, *outs, "--ev", "0,-3", "--model", tiny.folder]
    child = process(*words, before=DYING.format(module=module, sink=sink))
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    before = (tmp_path / "a.mkv").read_bytes()
    outcome = run(*words, "--resume")
    assert outcome.code == 0, outcome.lines
    assert (tmp_path / "a.mkv").read_bytes() == before
    assert decoded(tmp_path / "b.mp4") == 8
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mkv", "b.mp4", "clip.mov", "f"]
