"""A seeded part of the campaign over damaged containers, and whether it would notice."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from lrhdr_benchmarks.faults import containers


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return containers.make_clips(tmp_path_factory.mktemp("clips"))


def test_frames_or_an_error_whatever_is_damaged(clips: list[Path]) -> None:
    outcomes = containers.campaign(range(30), clips)
    assert [outcome for outcome in outcomes if not outcome.good] == []
    assert len({outcome.ending for outcome in outcomes}) >= 3
    assert max(outcome.peak_mib for outcome in outcomes) < 1024


def test_the_same_seed_is_the_same_case(clips: list[Path]) -> None:
    data = clips[0].read_bytes()
    once, again, other = (containers.damaged(data, random.Random(seed)) for seed in (7, 7, 8))
    assert once == again != other


def test_what_is_whole_is_read_whole(clips: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "damaged", lambda data, rng: (data, "nothing"))
    for clip in clips:
        outcome = containers.run(0, [clip])
        assert (outcome.ending, outcome.frames) == ("whole", 24), outcome


def _crash(path: Path, sender: object) -> None:
    os.abort()


def _hang(path: Path, sender: object) -> None:
    time.sleep(60)


@pytest.mark.parametrize(("child", "ending"), [(_crash, "crash"), (_hang, "hang")])
def test_crashes_and_hangs_are_noticed(
    clips: list[Path], monkeypatch: pytest.MonkeyPatch, child: object, ending: str
) -> None:
    monkeypatch.setattr(containers, "_read", child)
    assert containers.run(0, clips, seconds=2).ending == ending
