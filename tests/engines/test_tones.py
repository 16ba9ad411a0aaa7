"""Tones: the same quantiles at another exposure, without what is black or clipped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr.errors import ExposureError
from lrhdr_engines.tones import BRIGHTEST, DARKEST, gain, stops, tones

K = 3 * 64


def noise(seed: int = 0, shape: tuple[int, int] = (48, 64)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_tones_of_a_flat_frame_are_its_code() -> None:
    frame = np.zeros((40, 60, 3), np.uint8)
    frame[:] = 20, 100, 240
    found = tones(frame).reshape(3, 64)
    np.testing.assert_allclose(found, np.broadcast_to([[20], [100], [240]], (3, 64)), rtol=1e-6)


def test_tones_ascend_in_each_channel() -> None:
    found = tones(noise())
    assert found.shape == (K,)
    assert (np.diff(found.reshape(3, 64), axis=1) >= 0).all()


def test_where_things_are_does_not_matter() -> None:
    ramp = np.linspace(10, 200, 4096).round().astype(np.uint8)
    blocks = ramp.reshape(64, 64).repeat(2, axis=0).repeat(2, axis=1)  # 2 x 2: survives averaging
    frame = np.dstack([blocks] * 3)
    np.testing.assert_array_equal(tones(frame), tones(frame[::-1, ::-1]))


def test_sixteen_bits_are_scaled_to_eight() -> None:
    frame = noise(shape=(200, 500))
    np.testing.assert_allclose(tones(frame.astype(np.uint16) * 257), tones(frame), atol=1e-3)


def test_one_clipped_sample_clips_the_average() -> None:
    frame = np.full((64, 64, 3), 100, np.uint8)
    frame[::2, ::2, 1] = 255
    red, green, blue = tones(frame).reshape(3, 64)
    assert (green == 255.0).all()
    assert (red == 100.0).all()
    assert (blue == 100.0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 3)])
def test_tiny_frames_have_tones(shape: tuple[int, int]) -> None:
    found = tones(np.full((*shape, 3), 77, np.uint8))
    np.testing.assert_allclose(found, 77.0)


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(ExposureError, match=r"float32; expected \(H, W, 3\) of uint8 or uint16"):
        tones(np.zeros((4, 4, 3), np.float32))  # type: ignore[arg-type]


def test_stops_are_light_below_white() -> None:
    codes = np.array([0.0, DARKEST - 1, DARKEST, 128.0, BRIGHTEST, BRIGHTEST + 1, 255.0])
    found = stops(codes)
    assert np.isnan(found[[0, 1, 5, 6]]).all()
    np.testing.assert_allclose(found[2:5], 2.2 * np.log2(codes[2:5] / 255))


@given(ev=st.floats(-4, 4), seed=st.integers(0, 99))
def test_gain_is_the_difference_in_exposure(ev: float, seed: int) -> None:
    light = np.random.default_rng(seed).uniform(-6, 0, K)
    found = gain(light + ev, light)
    assert found.ev == pytest.approx(ev, abs=1e-9)
    assert found.spread == pytest.approx(0.0, abs=1e-9)
    assert found.visible == 1.0
    assert gain(light, light + ev).ev == pytest.approx(-ev, abs=1e-9)


def test_tones_that_are_not_seen_in_both_do_not_count() -> None:
    light = np.linspace(-6, 0, K)
    brighter = light + 1.0
    brighter[brighter > 0] = np.nan
    light[:30] = np.nan
    found = gain(brighter, light)
    assert found.ev == pytest.approx(1.0)
    assert found.visible == pytest.approx(np.isfinite(brighter - light).sum() / K)


def test_too_few_tones_say_nothing() -> None:
    light = np.full(K, np.nan)
    light[:9] = -3.0
    assert np.isnan(gain(light + 1.0, light).ev)
    light[9] = -3.0
    assert gain(light + 1.0, light).ev == pytest.approx(1.0)


def test_dark_tones_weigh_less() -> None:
    light = np.concatenate([np.full(K // 2, -6.0), np.full(K // 2, -1.0)])
    difference = np.concatenate([np.full(K // 2, 3.0), np.full(K // 2, 2.0)])
    found = gain(light, light - difference)
    assert found.ev == pytest.approx(2.0, abs=0.05)
