"""That the campaign would notice what must not happen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lrhdr_benchmarks.faults.case import Case
from lrhdr_benchmarks.faults.child import Ended
from lrhdr_benchmarks.faults.clips import make_clip
from lrhdr_benchmarks.faults.judge import kept, said
from lrhdr_benchmarks.faults.result import Reference, faults_of, frames_of
from lrhdr_benchmarks.faults.trigger import Plan

CASE = Case(seed=0, fault="disk full", outputs=("ffv1",), frame=3, event=None, amount=0.5)
FULL = Plan(fault="disk full")
ERROR = "lrhdr-run: error: out.mkv cannot be written: the disk is full."
GO_ON = "lrhdr-run: finished frames are kept; go on with: lrhdr-run clip.mkv --resume"
ENDED = Ended(code=2, lines=[ERROR, GO_ON], output=b"", written=frozenset(range(12)), fired=True)


def test_an_error_as_it_should_be() -> None:
    assert said(ENDED, CASE, FULL) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"code": None}, "hung"),
        ({"code": 0, "lines": []}, "exit code 0, expected 2: nothing was said"),
        ({"code": -11, "lines": []}, "exit code -11"),
        ({"lines": [ERROR, ERROR]}, "2 error lines"),
        ({"lines": []}, "0 error lines"),
        ({"code": 1, "lines": ["Traceback (most recent call last):", "KeyError"]}, "a traceback"),
        ({"lines": [ERROR, "[mp4 @ 0x1] something"]}, "strange on stderr"),
    ],
)
def test_what_a_run_must_not_say(change: dict[str, object], found: str) -> None:
    assert found in " ".join(said(replace(ENDED, **change), CASE, FULL))  # type: ignore[arg-type]


def test_a_repair_must_be_told() -> None:
    black = replace(CASE, fault="black")
    silent = replace(ENDED, code=0, lines=[])
    told = replace(silent, lines=["lrhdr-run: note: frame 3 is black: kept"])
    assert said(told, black, Plan(fault="black")) == []
    assert said(silent, black, Plan(fault="black")) == ["nothing was said of frame 3"]


def resumed(first: int) -> Ended:
    line = "lrhdr-run: clip.mkv: 64x48, 30 frames, 0,-3 EV as given; lite-2e fp32 on the CPU"
    return replace(ENDED, code=0, lines=[line + (f", from frame {first} on" if first else "")])


def test_frames_that_were_finished_and_are_made_again() -> None:
    assert kept([ENDED], resumed(8), CASE) == []  # the segment in hand may go
    (wrong,) = kept([ENDED], resumed(0), CASE)
    assert "12 frames were finished, and it went on from frame 0" in wrong
    stopped = replace(CASE, fault="SIGINT")
    assert kept([replace(ENDED, code=130)], resumed(12), stopped) == []
    assert kept([replace(ENDED, code=130)], resumed(11), stopped) != []


def test_a_run_that_does_not_say_how_to_go_on() -> None:
    abandoned = replace(ENDED, lines=["lrhdr-run: abandoned; nothing was written"], code=130)
    assert len(kept([abandoned], resumed(8), CASE)) == 2


def test_frames_that_are_missing_or_other(tmp_path: Path) -> None:
    make_clip(tmp_path / "ffv1.mkv", 6)
    right = frames_of("ffv1", tmp_path)
    assert sorted(right) == [*range(6)]
    assert len(set(right.values())) == 6

    def faults(frames: dict[int, str], **options: object) -> list[str]:
        reference = Reference({"ffv1": frames}, {})
        return faults_of("ffv1", tmp_path, reference, **{"upto": None, **options})  # type: ignore[arg-type]

    assert faults(right) == []
    assert faults({**right, 6: "x"}) == ["ffv1 lacks frames [6]"]
    assert faults({k: right[k] for k in range(5)}) == ["ffv1 has frames [5] too many"]
    assert faults({**right, 2: "x"}) == ["ffv1 differs in frames [2]"]
    assert faults({**right, 2: "x"}, but=[2]) == []
    assert faults({**right, 5: "x", 6: "x"}, upto=5) == []
    (tmp_path / "ffv1.mkv").write_bytes(b"no video")
    assert "cannot be read" in faults(right)[0]
