"""Tone curves: against their equations in float64, and what all of them must keep."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import REFERENCE_WHITE_NITS, pq_decode, pq_encode
from lrhdr_engines.media.sink import Tone
from lrhdr_engines.tonemap import curve, display

TONES: tuple[Tone, ...] = get_args(Tone)
PEAKS = st.floats(1.0, 10000.0 / REFERENCE_WHITE_NITS)  # PQ ends there, in units of white

each_tone = pytest.mark.parametrize("tone", TONES)


def oracle(tone: Tone, x: float, p: float) -> float:
    """One value, from the equations as they are published; x and p in units of white."""
    x = min(x, p)
    if tone == "reinhard":
        return x * (1 + x / p**2) / (1 + x)
    if tone == "hable":

        def f(v: float) -> float:
            a, b, c, d, e, g = 0.15, 0.5, 0.1, 0.2, 0.02, 0.3
            return (v * (a * v + c * b) + d * e) / (v * (a * v + b) + d * g) - e / g

        return f(2 * x) / f(2 * p)
    if p <= 1:
        return x
    if tone == "mobius":
        # (a x + b) / (x + c) from its three conditions: two points and the slope at j.
        j = 0.3
        rows = np.array([[j, 1.0, -j], [p, 1.0, -1.0], [1.0, 0.0, -1.0]])
        a, b, c = np.linalg.solve(rows, np.array([j * j, p, 2 * j]))
        return x if x <= j else float((a * x + b) / (x + c))
    white, dark = (float(pq_encode(np.array(v * REFERENCE_WHITE_NITS))) for v in (p, 1.0))
    e1, top = float(pq_encode(np.array(x * REFERENCE_WHITE_NITS))) / white, dark / white
    knee = 1.5 * top - 0.5
    if e1 < knee:
        return x
    t = (e1 - knee) / (1 - knee)
    e2 = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * top
    )
    return float(pq_decode(np.array(e2 * white))) / REFERENCE_WHITE_NITS


def at(tone: Tone, x: NDArray[np.float64] | float, peak: float) -> NDArray[np.float64]:
    nits = np.asarray(x, np.float64) * REFERENCE_WHITE_NITS
    return np.asarray(curve(tone, peak * REFERENCE_WHITE_NITS)(nits))


@each_tone
@given(x=st.floats(0.0, 100.0), peak=PEAKS.filter(lambda peak: peak == 1.0 or peak > 1.001))
def test_the_published_equations(tone: Tone, x: float, peak: float) -> None:
    np.testing.assert_allclose(at(tone, x, peak), oracle(tone, x, peak), rtol=1e-6, atol=1e-9)


@each_tone
@given(peak=PEAKS)
def test_black_is_black_and_the_peak_is_white(tone: Tone, peak: float) -> None:
    np.testing.assert_allclose(at(tone, np.array([0.0, peak]), peak), [0.0, 1.0], atol=1e-9)


@each_tone
@given(peak=PEAKS)
def test_it_rises_all_the_way_without_a_jump(tone: Tone, peak: float) -> None:
    x = np.linspace(0.0, peak, 4001)
    rise = np.diff(at(tone, x, peak))
    assert (rise > -1e-9).all()
    assert rise.max() <= 2.0 * (x[1] - x[0])  # no slope is steeper; a jump would be


@pytest.mark.parametrize("tone", ["bt2390", "mobius"])
@given(peak=PEAKS)
def test_dark_light_is_kept(tone: Tone, peak: float) -> None:
    x = np.linspace(0.0, 0.1, 50)
    np.testing.assert_allclose(at(tone, x, peak), x, atol=1e-12)


@each_tone
@given(peak=PEAKS, seed=st.integers(0, 1000))
def test_a_picture_is_the_curve_of_its_brightest_channel(
    tone: Tone, peak: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    nits = random.lognormal(3.0, 3.0, (7, 5, 3)).astype(np.float32)
    nits[0, 0] = -1.0, 0.0, 50.0
    nits[0, 1] = 0.0
    used = curve(tone, peak * REFERENCE_WHITE_NITS)
    shown = used.apply(nits)
    assert shown.dtype == np.float32
    light = np.maximum(nits.astype(np.float64), 0.0)
    brightest = np.maximum(light.max(axis=2, keepdims=True), 1e-9)
    expected = light / brightest * used(brightest)
    # The factor is linear in pieces of 2^-8 of the light: a quarter of the square where the
    # curve is smooth; where it breaks off, at the peak, a quarter of that itself.
    broken = np.abs(brightest / (peak * REFERENCE_WHITE_NITS) - 1.0) < 2**-7
    error = np.abs(shown - np.minimum(expected, 1.0))
    assert (error <= np.where(broken, 2**-10, 2**-16) * expected + 1e-9).all()
    assert used.apply(nits, out=nits) is nits
    np.testing.assert_array_equal(nits, shown)


@each_tone
def test_another_white_is_only_another_unit(tone: Tone) -> None:
    x = np.linspace(0.0, 8.0, 40)
    np.testing.assert_allclose(curve(tone, 800.0, 100.0)(x * 100.0), at(tone, x, 8.0), rtol=1e-12)


def test_an_unknown_tone_is_named() -> None:
    with pytest.raises(InputError, match="tone 'filmic'; expected bt2390 or hable"):
        curve("filmic", 1000.0)  # type: ignore[arg-type]


@each_tone
def test_display_uses_the_tone(tone: Tone) -> None:
    grey = np.full((2, 2, 3), 0.5, np.float32)
    expected = round(255 * float(at(tone, 0.5, 8.0)) ** (1 / 2.2))
    assert abs(int(display(grey, 8.0, tone)[0, 0, 0]) - expected) <= 1
