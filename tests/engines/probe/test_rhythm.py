"""The most plausible rhythm of made-up changes in brightness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_engines.probe.listed import rhythm_of
from lrhdr_engines.probe.rhythm import Changes, breaks, follow
from lrhdr_engines.probe.segments import segments_of, slips_of
from lrhdr_engines.timeline import Timeline

CYCLES = [(0.0, -3.0), (-1.0, 0.0), (-2.0, 0.0, 2.0), (0.0, 1.0, -3.0)]


def levels(period: int, count: int, slips: Sequence[int]) -> list[int]:
    """Positions of frames where one is missing before each of `slips`."""
    return [(t + sum(t >= slip for slip in slips)) % period for t in range(count)]


def seen(values: Sequence[float], repeats: Sequence[int] = ()) -> Changes:
    ev = np.diff(values, prepend=np.nan)
    flags = np.zeros(len(ev), np.bool_)
    flags[list(repeats)] = True
    return Changes(ev=ev, codes=40.0 * ev, repeats=flags)


@given(
    st.sampled_from(CYCLES),
    st.integers(0, 2),
    st.lists(st.integers(0, 6), max_size=4),
    st.integers(0, 10_000),
)
def test_slips_are_found_in_noise(
    ev: tuple[float, ...], first: int, gaps: list[int], seed: int
) -> None:
    slips = [8 + sum(gaps[:k]) + 8 * k for k in range(len(gaps))]
    position = [(k + first) % len(ev) for k in levels(len(ev), 60, slips)]
    smallest = np.diff(np.sort(ev)).min()
    jitter = np.random.default_rng(seed).uniform(-0.1, 0.1, 60) * smallest
    rhythm, share = follow(seen([ev[k] for k in position] + jitter), ev, ())
    assert breaks(rhythm).tolist() == slips
    assert rhythm.position.tolist() == position
    assert share == 1.0


@pytest.mark.parametrize("ev", CYCLES)
def test_an_odd_frame_breaks_nothing(ev: tuple[float, ...]) -> None:
    values = [ev[t % len(ev)] for t in range(40)]
    values[20] += 2.0
    rhythm, share = follow(seen(values), ev, ())
    assert breaks(rhythm).size == 0
    assert share < 1.0


def test_where_nothing_is_visible_the_codes_tell() -> None:
    ev = (0.0, -3.0)
    changes = seen([ev[k] for k in levels(2, 40, [20])])
    changes.ev[10:30] = np.nan
    rhythm, _ = follow(changes, ev, ())
    assert breaks(rhythm).tolist() == [20]


def test_a_cut_may_change_the_rhythm_and_costs_nothing() -> None:
    ev = (0.0, -3.0)
    values = [ev[k] for k in levels(2, 40, [37])]
    rhythm, _ = follow(seen(values), ev, (37,))
    assert breaks(rhythm).tolist() == [37]
    assert slips_of(rhythm, np.zeros(40, np.bool_), (37,)) == ()


def test_a_repeat_in_place_of_a_lost_frame_breaks_the_rhythm_twice() -> None:
    values = [(0.0, -3.0)[t % 2] for t in range(40)]
    values[21] = values[20]
    changes = seen(values, repeats=(21,))
    rhythm, _ = follow(changes, (0.0, -3.0), ())
    found = [(slip.frame, slip.kind) for slip in slips_of(rhythm, changes.repeats)]
    assert found == [(21, "duplicated"), (22, "dropped")]


@given(st.sampled_from(CYCLES), st.lists(st.integers(5, 55), max_size=5, unique=True))
def test_a_listed_rhythm_gives_every_frame_its_exposure(
    ev: tuple[float, ...], slips: list[int]
) -> None:
    values = [ev[k] for k in levels(len(ev), 60, slips)]
    listed = rhythm_of(values, 64)
    assert listed is not None
    rhythm, cycle = listed
    timeline = Timeline(segments=segments_of(rhythm, cycle))
    assert [timeline.ev_of(t) for t in range(60)] == values
    assert timeline.segments[-1].stop is None


@pytest.mark.parametrize(
    "values", [[0.0] * 8, [0.0, 1.0, 2.0, 3.0] * 3, [0.0, -3.0, -3.0, 0.0] * 3]
)
def test_a_list_without_rhythm(values: list[float]) -> None:
    assert rhythm_of(values, len(values)) is None


def test_jitter_in_a_list_is_one_exposure() -> None:
    values = [0.0, -3.0, 0.02, -2.98, -0.01, -3.01]
    listed = rhythm_of(values, 6)
    assert listed is not None
    assert listed[1] == pytest.approx((0.0, -3.0), abs=0.03)
