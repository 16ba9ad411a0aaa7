"""Whatever ends a run, finished frames are kept, and it can be gone on with."""

from __future__ import annotations

import shlex
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.engines.cli.running import (
    SIZE,
    SLOW,
    Run,
    decoded,
    process,
    scene,
    until,
    write_video,
)


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


LATE = """
import os, signal
from lrhdr_engines.cli.progress import ProgressDisplay
leave = ProgressDisplay.__exit__
def late(progress, *details):
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
    leave(progress, *details)
ProgressDisplay.__exit__ = late
"""


def test_control_c_after_the_end_undoes_nothing(tiny: Any, clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    child = process(clip, "-o", target, "--ev", "0,-3", "--model", tiny.folder, before=LATE)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    assert "abandoned" not in errors
    assert f"8 frames in {target}" in errors


def test_control_c_twice_after_the_last_frame_in_hand(tiny: Any, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mov", scene(8, *SIZE) * 20)
    target = tmp_path / "out.mp4"
    child = process(clip, "-o", target, "--ev", "0,-3", "--model", tiny.folder, before=SLOW + LATE)
    until(child, 60)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130, errors
    assert "abandoned" not in errors
    assert "go on with: " in errors


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
