"""The clip that every subject is fed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.errors import InputError
from lrhdr_benchmarks.speed import clips
from lrhdr_engines.estimate import estimate_exposures
from lrhdr_engines.media import open_source


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.integers(1, 120), st.sampled_from([2, 3]))
def test_any_size(width: int, height: int, exposures: int) -> None:
    for frame in islice(clips.frames(width, height, exposures), 7):
        assert frame.shape == (height, width, 3)
        assert frame.dtype == np.uint8
        assert frame.flags.c_contiguous


@pytest.mark.parametrize("exposures", [2, 3])
def test_the_exposures_are_those_that_are_seen(exposures: int) -> None:
    found = estimate_exposures(clips.frames(640, 360, exposures))
    assert found.period == exposures
    said = clips.ev(exposures)
    # The estimate says steps; what is 0 is its own choice.
    assert np.subtract(found.measured, found.measured[0]) == pytest.approx(said, abs=0.25)


def test_it_moves_without_a_jump_and_comes_again() -> None:
    frames = list(islice(clips.frames(160, 96, 2), 13))
    for before, after in zip(frames, frames[6:], strict=False):
        assert np.array_equal(before, after)
    for i in range(10):  # one pixel between frames, so two at most between those of one exposure
        inner = np.s_[4:-4, 4:-4]
        steps = [
            np.array_equal(np.roll(frames[i], (s, s), (0, 1))[inner], frames[i + 2][inner])
            for s in (-2, 0, 2)
        ]
        assert sum(steps) == 1


def test_a_written_clip_is_the_clip(tmp_path: Path) -> None:
    clips.write(tmp_path / "clip.mkv", 64, 48, 3, 7)
    with open_source(tmp_path / "clip.mkv") as source:
        read = [frame.rgb for frame in source.frames()]
    assert len(read) == 7
    for one, other in zip(read, clips.frames(64, 48, 3), strict=False):
        assert np.array_equal(one, other)


@pytest.fixture
def _forgotten() -> Iterator[None]:
    caches = (clips._period, clips._sample)
    for kept in caches:
        kept.cache_clear()
    yield
    for kept in caches:
        kept.cache_clear()


@pytest.mark.usefixtures("_forgotten")
def test_what_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="4 exposures; expected 2 or 3"):
        clips.ev(4)
    monkeypatch.setattr(clips, "SAMPLE", tmp_path / "none.mov")
    with pytest.raises(InputError, match="Run the benchmark in a clone"):
        clips.frames(160, 96, 2)
