"""Nothing lost: runs that are interrupted, killed, and resumed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import OutputError
from lrhdr_engines.media.video_formats import VIDEO_FORMATS
from tests.engines.media.resuming import (
    FRAMES,
    RATE,
    H,
    W,
    interrupted,
    level,
    light,
    names,
    once,
    open_sink,
    parts,
    shown,
    times,
    write,
)


@pytest.mark.parametrize("stops", [(1,), (10,), (13, 14), (5, 25, 46), (47,)])
def test_interrupted_runs_play_and_go_on(tmp_path: Path, stops: tuple[int, ...]) -> None:
    whole = once(tmp_path / "whole.mkv")
    target = tmp_path / "a.mkv"
    for stop in stops:
        sink = open_sink(target, resume=target.exists())
        write(sink, stop)
        assert sink.close(complete=False)["frames"] == stop
        assert times(target) == [index / 5 for index in range(stop)]
        assert names(tmp_path) == [".a.mkv.parts", "a.mkv", "whole.mkv"]
    sink = open_sink(target, resume=True)
    assert sink.next_index == stops[-1]
    write(sink)
    facts = sink.close()
    assert target.read_bytes() == whole
    assert facts["frames"] == FRAMES
    assert names(tmp_path) == ["a.mkv", "whole.mkv"]


@pytest.mark.parametrize("name", VIDEO_FORMATS)
def test_a_resumed_run_is_frame_exact(tmp_path: Path, name: str) -> None:
    suffix = VIDEO_FORMATS[name].suffixes[0]
    whole, target = tmp_path / f"whole{suffix}", tmp_path / f"a{suffix}"
    once(whole, name, crf=4)
    sink = open_sink(target, name, crf=4)
    write(sink, 23)
    sink.abort()
    sink = open_sink(target, name, crf=4, resume=True)
    assert sink.next_index == 23
    write(sink)
    facts = sink.close()
    assert facts["frames"] == FRAMES
    assert times(target) == times(whole) == [index / 5 for index in range(FRAMES)]
    found = np.array([level(codes, name) for _, codes in shown(target)])
    # Frame 23 begins a segment in one of them, so lossy frames differ, but by less
    # than two frames do.
    expected = np.array([level(codes, name) for _, codes in shown(whole)])
    np.testing.assert_allclose(found, expected, atol=0.4 * np.median(np.diff(expected)))


def test_light_levels_are_those_of_all_runs(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    sink = open_sink(target, "hdr10", white_nits=100.0)
    bad = light(0)
    bad[0, 0, 0] = np.nan
    sink.write(0, bad, Fraction(0))
    sink.write(1, np.full((H, W, 3), 30.0, np.float32), 1 / RATE)
    sink.abort()
    sink = open_sink(target, "hdr10", white_nits=100.0, resume=True)
    sink.write(2, light(2), 2 / RATE)
    facts = sink.close()
    assert (facts["max_cll"], facts["max_fall"], facts["repaired_values"]) == (3000, 3000, 1)


CHILD = """
import sys
from fractions import Fraction
from pathlib import Path
from tests.engines.media.resuming import light, open_sink
target, name, stop = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sink = open_sink(target, name, resume=True)
print(sink.next_index, flush=True)
for index in range(sink.next_index, stop):
    sink.write(index, light(index), Fraction(index, 5))
    print(index, flush=True)
sink.close()
"""


def child(target: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(target), name, str(FRAMES)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("name", "seed"), [("ffv1", 0), ("ffv1", 1), ("hdr10", 2), ("av1", 3)])
def test_kill_9_at_any_time(tmp_path: Path, name: str, seed: int) -> None:
    suffix = VIDEO_FORMATS[name].suffixes[-1]
    whole, target = tmp_path / f"whole{suffix}", tmp_path / f"a{suffix}"
    expected = once(whole, name)
    rng = random.Random(seed)
    least = 0
    for _ in range(3):
        process = child(target, name)
        assert process.stdout is not None
        first = int(process.stdout.readline())
        assert least <= first
        last = rng.randint(first, FRAMES - 1)
        written = next((n for n in map(int, process.stdout) if n >= last), FRAMES - 1)
        time.sleep(rng.random() * 0.02)
        process.kill()
        process.wait(timeout=30)
        process.stdout.close()
        if target.exists():
            break  # killed when it was done
        least = max(least, (written + 1) // 10 * 10)  # the segments that were complete by then
        if any(parts(target).glob("0*.json")):  # nobody takes what is left for nothing
            with pytest.raises(OutputError, match=r"--resume goes on"):
                open_sink(target, name)
    if not target.exists():
        sink = open_sink(target, name, resume=True)
        assert sink.next_index >= least
        write(sink)
        assert sink.close()["frames"] == FRAMES
    assert target.read_bytes() == expected  # segments are the same, whoever writes them
    if parts(target).exists():  # killed between the last two steps
        assert open_sink(target, name, resume=True).close()["frames"] == FRAMES
    left = [n for n in names(tmp_path) if not n.endswith(".old")]  # killed while it tidied up
    assert left == sorted([target.name, whole.name])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"white_nits": 100.0}, "white was 203.0 and is 100.0"),
        ({"job": {"engine": "y"}}, "job engine was 'x' and is 'y'"),
        ({"job": {"engine": "x", "ev": [0, -3]}}, "job ev was None and is"),
        ({"width": W + 2}, "size was"),
        ({"first_index": 1}, "first frame was 0 and is 1"),
        ({"crf": 3}, "crf was None and is 3"),
    ],
)
def test_another_job_is_not_resumed(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    target = tmp_path / "a.mkv"
    interrupted(target)
    with pytest.raises(OutputError, match=rf"cannot be resumed: {field}.*--overwrite"):
        open_sink(target, resume=True, **changes)
    with pytest.raises(OutputError, match=r"cannot be resumed: encoder was 'ffv1'"):
        open_sink(target, "hdr10", resume=True)
    assert open_sink(target, resume=True).next_index == 35


def test_without_resume_it_is_refused_or_started_again(tmp_path: Path) -> None:
    target = tmp_path / "a.mkv"
    interrupted(target)
    with pytest.raises(OutputError, match=r"earlier run.*--resume goes on, --overwrite starts"):
        open_sink(target)
    sink = open_sink(target, overwrite=True)
    assert sink.next_index == 0
    write(sink, 3)
    sink.close()
    assert len(shown(target)) == 3
    assert names(tmp_path) == ["a.mkv"]


def test_resuming_nothing_is_a_new_run(tmp_path: Path) -> None:
    target = tmp_path / "a.mkv"
    sink = open_sink(target, resume=True)
    assert sink.next_index == 0
    write(sink, 3)
    sink.close()
    with pytest.raises(OutputError, match=r"a\.mkv exists"):
        open_sink(target, resume=True)


def test_a_target_that_is_not_ours_is_not_replaced_by_resuming(tmp_path: Path) -> None:
    target = tmp_path / "a.mkv"
    sink = open_sink(target)
    write(sink, 12)
    sink.close(complete=False)
    target.write_bytes(b"somebody's")
    with pytest.raises(OutputError, match=r"a\.mkv exists"):
        open_sink(target, resume=True)
    assert target.read_bytes() == b"somebody's"


def test_one_process_at_a_time(tmp_path: Path) -> None:
    target = tmp_path / "a.mkv"
    interrupted(target)
    sink = open_sink(target, resume=True)
    for word in ("resume", "overwrite"):
        changes: dict[str, Any] = {word: True}
        with pytest.raises(OutputError, match="being written by another process"):
            open_sink(target, **changes)
    write(sink)
    assert sink.close()["frames"] == FRAMES
