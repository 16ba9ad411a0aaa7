"""Scales, grids and labels."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lrhdr_benchmarks.speed.plane import Scale, dot, kept_apart, picture, text

POSITIVE = st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=6)


@given(POSITIVE, st.booleans())
def test_a_scale_holds_its_values_inside_its_ends(values: list[float], log: bool) -> None:
    scale = Scale.around(values, 100.0, 500.0, log=log)
    for value in values:
        assert scale.holds(value)
        assert 100.0 < scale.at(value) < 500.0
    assert scale.at(scale.low) == pytest.approx(100.0)
    assert scale.at(scale.high) == pytest.approx(500.0)


def test_equal_factors_are_equal_distances_by_logarithm() -> None:
    scale = Scale(low=1.0, high=1000.0, start=0.0, end=300.0, log=True)
    assert [scale.at(10.0**k) for k in range(4)] == pytest.approx([0.0, 100.0, 200.0, 300.0])
    upwards = Scale(low=30.0, high=50.0, start=400.0, end=0.0, log=False)
    assert upwards.at(35.0) == pytest.approx(300.0)


@given(st.floats(1e-3, 1e5), st.floats(1.05, 1e6), st.booleans())
def test_ticks_are_round_few_and_on_the_scale(low: float, factor: float, log: bool) -> None:
    scale = Scale(low=low, high=low * factor, start=0.0, end=1.0, log=log)
    ticks = scale.ticks()
    assert len(ticks) <= 10
    assert all(scale.holds(tick) for tick in ticks)
    if factor > 10.0:
        assert len(ticks) >= 2 or (log and factor < 100.0)
    for tick in ticks:
        if log:
            digit = tick / 10.0 ** math.floor(math.log10(tick) + 1e-9)
            assert min(abs(digit - each) for each in (1, 2, 3, 5)) < 1e-6


@given(st.lists(st.floats(0.0, 400.0), min_size=1, max_size=12))
def test_labels_keep_apart_and_in_order(wanted: list[float]) -> None:
    places = kept_apart(wanted, 0.0, 400.0)
    assert all(-1e-9 <= place <= 400.0 + 1e-9 for place in places)
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    gaps = [places[b] - places[a] for a, b in pairwise(order)]
    assert all(gap >= 16.0 - 1e-9 for gap in gaps)


@given(st.lists(st.floats(20.0, 380.0), min_size=1, max_size=5))
def test_labels_that_do_not_touch_stay_where_they_are(wanted: list[float]) -> None:
    ordered = sorted(wanted)
    assume(all(b - a > 16.0 for a, b in pairwise(ordered)))
    assert kept_apart(wanted, 0.0, 400.0) == wanted


def test_words_are_escaped() -> None:
    drawn = picture("n", "a<b", "c&d", 10, [text(0, 0, "<x>"), dot(0, 0, "c0", 0, "<y>")])
    assert "a&lt;b" in drawn
    assert "c&amp;d" in drawn
    assert "&lt;x&gt;" in drawn
    assert "&lt;y&gt;" in drawn
