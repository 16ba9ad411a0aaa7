"""Image sequences that were interrupted, and go on."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lrhdr.errors import OutputError
from tests.engines.media.exr_frames import (
    contents,
    names,
    open_exr,
    read,
    settings,
    write,
)


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    job = {"ev": [0, 3]}
    folder = tmp_path / "shot"
    write(open_exr(folder, settings(job=job)), 0, 1, 2).close(complete=False)
    with pytest.raises(OutputError, match=r"exists.*--resume goes on"):
        open_exr(folder, settings(job=job))
    rest = open_exr(folder, settings(job=job, resume=True))
    assert rest.next_index == 3
    facts = write(rest, 2, 3).close()  # frame 2 is there: another output may need it still
    assert facts["frames"] == 4
    write(open_exr(tmp_path / "whole", settings(job=job)), 0, 1, 2, 3).close()
    assert contents(folder) == contents(tmp_path / "whole")  # and no file of the run is left


def test_only_every_second_frame(tmp_path: Path) -> None:
    write(open_exr(tmp_path / "shot", settings()), 0, 2, 4, 6).close(complete=False)
    (tmp_path / "shot" / "frame_000004.exr").unlink()
    assert open_exr(tmp_path / "shot", settings(resume=True)).next_index == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"job": {"ev": [0, 2]}}, r"job ev was \[0, 3\] and is \[0, 2\]"),
        ({"white_nits": 100.0}, "white was 203.0 and is 100.0"),
        ({"compression": "none"}, "compression was 'zip' and is 'none'"),
        ({"first_index": 1}, "first frame was 0 and is 1"),
    ],
)
def test_another_job_is_not_continued(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    job = {"job": {"ev": [0, 3]}}
    write(open_exr(tmp_path / "shot", settings(**job)), 0, 1).close(complete=False)
    before = contents(tmp_path / "shot")
    with pytest.raises(OutputError, match=said):
        open_exr(tmp_path / "shot", settings(**job | changes | {"resume": True}))
    assert contents(tmp_path / "shot") == before


def test_a_complete_run_is_not_continued(tmp_path: Path) -> None:
    write(open_exr(tmp_path / "shot", settings()), 0).close()
    with pytest.raises(OutputError, match="exists"):
        open_exr(tmp_path / "shot", settings(resume=True))


@pytest.mark.parametrize("damage", [b"", b"no EXR at all", None])
def test_a_frame_cut_off_by_a_power_failure_is_made_again(
    tmp_path: Path, damage: bytes | None
) -> None:
    write(open_exr(tmp_path / "shot", settings()), 0, 1, 2).close(complete=False)
    for index in (1, 2):
        file = tmp_path / "shot" / f"frame_{index:06d}.exr"
        data = file.read_bytes()
        file.write_bytes(data[: len(data) // 2] if damage is None else damage)
    sink = open_exr(tmp_path / "shot", settings(resume=True))
    assert sink.next_index == 1
    write(sink, 1, 2).close()
    for index in (1, 2):
        read(tmp_path / "shot" / f"frame_{index:06d}.exr")


def test_overwriting_leaves_nothing_of_the_longer_run(tmp_path: Path) -> None:
    folder = tmp_path / "shot"
    write(open_exr(folder, settings()), 0, 1, 2, 3).close()
    untouched = open_exr(folder, settings(overwrite=True))
    untouched.abort()
    assert len(names(folder)) == 4
    write(open_exr(folder, settings(first_index=1, overwrite=True)), 1, 2).close()
    assert names(folder) == [f"frame_{index:06d}.exr" for index in range(3)]


RUN = """
import sys
import time
from fractions import Fraction
from pathlib import Path
import numpy as np
from lrhdr_engines.media import OutputSettings, open_sink, parse_output
given = OutputSettings(width=160, height=90, frame_rate=Fraction(25), resume=True,
                       job={"ev": [0, 3]}, timecode="10:00:00:00")
sink = open_sink(parse_output("exr:" + sys.argv[1]), given)
print(sink.next_index, flush=True)
for index in range(sink.next_index, 30):
    noise = np.random.default_rng(index).random((90, 160, 3), np.float32)
    sink.write(index, noise, Fraction(index, 25))
    time.sleep(0.02)
sink.close()
"""


def test_killed_at_any_time_it_becomes_the_same(tmp_path: Path) -> None:
    seed = int(os.environ.get("LRHDR_SEED", "5"))
    chance = random.Random(seed)
    print("LRHDR_SEED", seed)  # shown where the test fails

    def start(folder: Path) -> subprocess.Popen[str]:
        paths = os.pathsep.join(path for path in sys.path if path)
        return subprocess.Popen(
            [sys.executable, "-c", RUN, str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": paths},
        )

    assert start(tmp_path / "whole").wait(60) == 0
    begun, ended = [], False
    while not ended:
        child = start(tmp_path / "shot")
        assert child.stdout is not None
        begun.append(int(child.stdout.readline()))
        time.sleep(chance.uniform(0.0, 0.03))
        if len(begun) > 6:
            child.wait(60)
        child.kill()
        ended = child.wait(60) == 0
    assert len(begun) > 2
    assert begun == sorted(begun)
    assert contents(tmp_path / "shot") == contents(tmp_path / "whole")
