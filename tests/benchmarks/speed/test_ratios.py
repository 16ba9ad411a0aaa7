"""Ratios of times that were made in turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_benchmarks.speed.ratios import ratio_of
from tests.benchmarks.speed.fakes import case_of

A, B = case_of("a"), case_of("b")
times = st.lists(st.floats(0.1, 1e4), min_size=1, max_size=30)


@given(times, st.floats(0.01, 100.0))
def test_a_constant_ratio_is_found_whatever_drifts(drift: list[float], ratio: float) -> None:
    found = ratio_of(A, B, [ratio * value for value in drift], drift)
    more = max(ratio, 1.0 / ratio)
    assert found.ratio == pytest.approx(more)
    assert found.low == pytest.approx(more)
    assert found.high == pytest.approx(more)
    assert found.pairs == len(drift)
    if ratio > 1.0 + 1e-9:
        assert (found.slow, found.fast) == (A, B)
    elif ratio < 1.0 - 1e-9:
        assert (found.slow, found.fast) == (B, A)


@given(st.lists(st.tuples(st.floats(1.0, 9.0), st.floats(1.0, 9.0)), min_size=1, max_size=20))
def test_the_interval_is_one_of_the_rounds_ratios(pairs: list[tuple[float, float]]) -> None:
    one, other = zip(*pairs, strict=True)
    found, again = (ratio_of(A, B, one, other) for _ in range(2))
    assert found == again
    ratios = np.array(one) / np.array(other)
    ratios = ratios if found.slow == A else 1.0 / ratios
    assert found.ratio == pytest.approx(float(np.median(ratios)))
    assert ratios.min() <= found.low + 1e-12
    assert found.low <= found.ratio + 1e-12
    assert found.ratio <= found.high + 1e-12
    assert found.high <= ratios.max() + 1e-12


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    rng, held, trials = np.random.default_rng(5), 0, 200
    for _ in range(trials):
        noise = rng.lognormal(0.0, 0.1, (2, 25))
        found = ratio_of(A, B, 1.5 * noise[0], noise[1])
        held += found.low <= 1.5 <= found.high
    assert 0.89 <= held / trials <= 1.0  # 95 %, less three standard deviations and a little


def test_no_claim_inside_the_noise() -> None:
    times = np.random.default_rng(1).lognormal(0.0, 0.1, (2, 30))
    assert not ratio_of(A, B, times[0], times[1]).claim
    assert ratio_of(A, B, 2.0 * times[0], times[1]).claim
