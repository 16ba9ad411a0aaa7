"""Errors in the mu-law domain."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrhdr_benchmarks.speed.difference import difference

EV = (0.0, -3.0)


def shown(value: float) -> float:
    """Of radiance in units of EV 0: 8 of those are the shortest exposure's white."""
    return math.log(1.0 + 5000.0 * max(value, 0.0) / 8.0) / math.log(5001.0)


def test_against_the_formula() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.uniform(-0.1, 8.0, (2, 5, 4, 3)).astype(np.float32)
    each = [abs(shown(a) - shown(b)) for a, b in zip(one.flat, other.flat, strict=True)]
    largest, mean = difference(one, other, EV)
    assert largest == pytest.approx(max(each))
    assert mean == pytest.approx(sum(each) / len(each))
    assert difference(one, one, EV) == (0.0, 0.0)


def test_what_is_not_finite_is_infinitely_far() -> None:
    exact = np.zeros((2, 2, 3), np.float32)
    for bad in (np.nan, np.inf):
        picture = exact.copy()
        picture[1, 0, 2] = bad
        assert difference(picture, exact, EV) == (np.inf, np.inf)
