"""Metrics against slow, obvious float64 references."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import linearise
from lrhdr.metrics import (
    PEAK_NITS,
    Role,
    masked_prediction,
    psnr,
    psnr_pq,
    psnr_t,
    role_of,
    ssim_pq,
    ssim_t,
    to_pq,
)

Image = NDArray[np.float64]


def picture(seed: int, height: int = 12, width: int = 11) -> Image:
    return np.random.default_rng(seed).random((height, width, 3))


def mu_law(value: float) -> float:
    return math.log(1.0 + 5000.0 * value) / math.log(5001.0)


def pq(value: float) -> float:
    """ST 2084 of light that is 1 at 1000 cd/m2, by the standard's fractions."""
    y = (value * 1000.0 / 10000.0) ** (2610 / 4096 / 4)
    signal: float = (3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)
    return float(signal ** (2523 / 32))


Curve = Callable[[float], float]


def slow_psnr(a: Image, b: Image, curve: Curve) -> float:
    squares = [(curve(x) - curve(y)) ** 2 for x, y in zip(a.flat, b.flat, strict=True)]
    return 10.0 * math.log10(1.0 / (math.fsum(squares) / len(squares)))


def slow_ssim(a: Image, b: Image, curve: Curve) -> float:
    """Wang et al. 2004, Eq. 13, over every whole 7x7 window, with unbiased variances."""
    x, y = np.vectorize(curve)(a), np.vectorize(curve)(b)
    c1, c2 = 0.01**2, 0.03**2
    values = []
    for channel in range(3):
        for top in range(a.shape[0] - 6):
            for left in range(a.shape[1] - 6):
                p = x[top : top + 7, left : left + 7, channel].ravel()
                q = y[top : top + 7, left : left + 7, channel].ravel()
                mean_p, mean_q = p.mean(), q.mean()
                covariance = ((p - mean_p) * (q - mean_q)).sum() / 48
                numerator = (2 * mean_p * mean_q + c1) * (2 * covariance + c2)
                spread = p.var(ddof=1) + q.var(ddof=1) + c2
                values.append(numerator / ((mean_p**2 + mean_q**2 + c1) * spread))
    return math.fsum(values) / len(values)


def test_psnr_of_a_known_error() -> None:
    a = np.full((4, 5, 3), 0.25)
    assert psnr(a, a + 0.1) == pytest.approx(20.0)
    assert psnr(a * 255, (a + 0.1) * 255, data_range=255) == pytest.approx(20.0)


def test_equal_pictures_are_infinitely_good() -> None:
    assert psnr(picture(1), picture(1)) == math.inf
    assert ssim_t(picture(1), picture(1)) == pytest.approx(1.0)


@given(seed=st.integers(0, 2**16), scale=st.floats(1e-3, 1.0))
def test_psnr_t_matches_the_loop(seed: int, scale: float) -> None:
    a, b = picture(seed, 3, 4) * scale, picture(seed + 1, 3, 4)
    assert psnr_t(a, b) == pytest.approx(slow_psnr(a, b, mu_law), abs=1e-9)
    assert psnr_t(a, b) == pytest.approx(psnr_t(b, a), abs=1e-12)


def test_ssim_t_matches_the_loop() -> None:
    a = picture(3)
    b = np.clip(a + 0.1 * (picture(4) - 0.5), 0.0, 1.0)
    assert ssim_t(a, b) == pytest.approx(slow_ssim(a, b, mu_law), abs=1e-9)
    assert ssim_t(a, b) < ssim_t(a, a)


def test_measures_in_pq_match_the_loops() -> None:
    a = picture(3)
    b = np.clip(a + 0.1 * (picture(4) - 0.5), 0.0, 1.0)
    assert psnr_pq(a, b) == pytest.approx(slow_psnr(a, b, pq), abs=1e-9)
    assert ssim_pq(a, b) == pytest.approx(slow_ssim(a, b, pq), abs=1e-9)
    assert psnr_pq(a, a) == math.inf
    assert PEAK_NITS == 1000.0


def test_pq_of_the_peak_is_that_of_the_standard() -> None:
    # BT.2408-7, table 1: 1000 cd/m2 is 75% PQ and 203 cd/m2 is 58%, rounded.
    assert to_pq(np.array([1.0, 0.203, 0.0])) == pytest.approx([0.7518, 0.5807, 0.0], abs=1e-4)


def test_float32_pictures_are_measured_in_float64() -> None:
    a, b = picture(5).astype(np.float32), picture(6).astype(np.float32)
    assert psnr_t(a, b) == psnr_t(a.astype(np.float64), b.astype(np.float64))


@pytest.mark.parametrize("role", ["low", "middle", "high"])
def test_masked_prediction_matches_the_loop(role: Role) -> None:
    prediction, reference = picture(7), picture(8)
    masked = masked_prediction(prediction, reference, exposure=4.0, role=role)
    replaced = 0
    for row in range(reference.shape[0]):
        for column in range(reference.shape[1]):
            r, g, b = reference[row, column]
            y = 0.299 * r + 0.587 * g + 0.114 * b
            keep = (role != "high" and y < 0.2) or (role != "low" and y > 0.8)
            expected = prediction[row, column] if keep else reference[row, column] ** 2.2 / 4.0
            np.testing.assert_allclose(masked[row, column], expected, rtol=1e-12)
            replaced += not keep
    assert 0 < replaced < reference.shape[0] * reference.shape[1]


def test_a_well_exposed_reference_makes_any_prediction_perfect() -> None:
    reference = 0.3 + 0.4 * picture(9)
    truth = linearise(reference, 8.0)
    for role in ("low", "middle", "high"):
        masked = masked_prediction(picture(10), reference, exposure=8.0, role=role)
        assert psnr_t(masked, truth) == math.inf


def test_roles() -> None:
    assert [role_of(e, [1.0, 8.0]) for e in (1.0, 8.0)] == ["low", "high"]
    assert [role_of(e, [4.0, 1.0, 16.0]) for e in (1.0, 4.0, 16.0)] == ["low", "middle", "high"]


@pytest.mark.parametrize(
    ("a", "b"),
    [((4, 4, 3), (4, 5, 3)), ((4, 4), (4, 4)), ((3, 4, 4), (3, 4, 4))],
)
def test_wrong_shapes_are_refused(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="expected two of one shape"):
        psnr(np.zeros(a), np.zeros(b))


@pytest.mark.parametrize("bad", [-1e-3, math.nan])
def test_what_the_mu_law_cannot_take_is_refused(bad: float) -> None:
    broken = picture(1)
    broken[2, 3, 1] = bad
    with pytest.raises(InputError, match="prediction with minimum"):
        psnr_t(broken, picture(1))
    with pytest.raises(InputError, match="truth with minimum"):
        ssim_t(picture(1), broken)
    with pytest.raises(InputError, match="truth with minimum"):
        psnr_pq(picture(1), broken)


def test_a_picture_smaller_than_the_ssim_window_is_refused() -> None:
    with pytest.raises(InputError, match="6x9"):
        ssim_t(picture(1, 9, 6), picture(2, 9, 6))
