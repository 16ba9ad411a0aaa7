"""The HDR10 signal against BT.2087, ST 2084 and BT.2100 in float64, and the light levels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr_engines.media import OutputSettings
from lrhdr_engines.media.signal import Hdr10Encoder, LightMeter, checked

# BT.2087-0, to the digits printed there: enough for a quarter of a code.
M2 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def pq(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    y = (np.clip(nits, 0, 10000) / 10000) ** 0.1593017578125
    result: NDArray[np.float64] = ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
    return result


def oracle(radiance: NDArray[Any], white_nits: float) -> list[NDArray[np.float64]]:
    """Y, Cb, Cr as unrounded codes; chroma by [1 2 1] / 4 about the top left luma sample."""
    height, width = radiance.shape[:2]
    grown = np.pad(
        radiance.astype(np.float64), [(0, height % 2), (0, width % 2), (0, 0)], mode="edge"
    )
    r, g, b = np.moveaxis(pq(grown @ M2.T * white_nits), 2, 0)
    y = 0.2627 * r + 0.6780 * g + 0.0593 * b
    full = [(b - y) / 1.8814, (r - y) / 1.4746]
    planes = [876 * y + 64]
    for chroma in full:
        p = np.pad(896 * chroma + 512, 1, mode="edge")
        columns = (p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]) / 4
        rows = (columns[:-2] + 2 * columns[1:-1] + columns[2:]) / 4
        planes.append(rows[::2, ::2])
    return planes


def split(codes: NDArray[np.uint16]) -> list[NDArray[np.uint16]]:
    height, width = codes.shape[0] * 2 // 3, codes.shape[1]
    chroma = codes[height:].reshape(2, height // 2, width // 2)
    return [codes[:height], chroma[0], chroma[1]]


@settings(max_examples=40)
@given(
    st.integers(1, 70),
    st.integers(1, 40),
    st.sampled_from([100.0, 203.0, 1000.0]),
    st.integers(0, 999),
)
def test_within_one_code_of_float64(height: int, width: int, white: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Every magnitude from far below the first code to beyond PQ's peak, colours included.
    radiance = (10.0 ** rng.uniform(-6, 2, (height, width, 3))).astype(np.float32)
    for found, exact in zip(
        split(Hdr10Encoder(white).encode(radiance)), oracle(radiance, white), strict=True
    ):
        assert found.shape == exact.shape
        assert np.abs(found - exact).max() < 1.0


@pytest.mark.parametrize(
    ("radiance", "white", "code"), [(1.0, 203.0, 573), (0.0, 203.0, 64), (1e6, 203.0, 940)]
)
def test_anchors(radiance: float, white: float, code: int) -> None:
    # BT.2408: diffuse white at 203 cd/m2 is code 573. Grey has no chroma.
    frame = np.full((4, 6, 3), radiance, np.float32)
    y, cb, cr = split(Hdr10Encoder(white).encode(frame))
    assert np.unique(y).tolist() == [code]
    assert np.unique([cb, cr]).tolist() == [512]


def test_negative_radiance_is_black() -> None:
    y, *_ = split(Hdr10Encoder(203.0).encode(np.full((2, 2, 3), -1.0, np.float32)))
    assert np.unique(y).tolist() == [64]


def test_primaries_are_converted_not_tagged() -> None:
    # A pure BT.709 red has green and blue in BT.2020.
    red = np.zeros((2, 2, 3), np.float32)
    red[..., 0] = 1
    y, _, cr = split(Hdr10Encoder(203.0).encode(red))
    merely_tagged = pq(np.array([203.0, 0, 0]))
    assert abs(int(y[0, 0]) - (64 + 876 * 0.2627 * merely_tagged[0])) > 50
    assert cr[0, 0] > 512


def test_light_levels_are_measured() -> None:
    rng = np.random.default_rng(0)
    frames = [rng.uniform(0, 4, (35, 21, 3)).astype(np.float32) for _ in range(3)]
    encoder = Hdr10Encoder(203.0)
    for frame in frames:
        encoder.encode(frame)
    brightest = [np.clip(frame @ M2.T * 203, 0, 10000).max(axis=2) for frame in frames]
    assert encoder.meter.max_cll == pytest.approx(max(b.max() for b in brightest), abs=1)
    assert encoder.meter.max_fall == pytest.approx(max(b.mean() for b in brightest), abs=1)


def test_light_levels_of_black_are_not_unknown() -> None:
    meter = LightMeter()
    meter.add(0.0, 0.0)
    assert (meter.max_cll, meter.max_fall) == (1, 1)


def test_numbers_that_are_not_finite_are_replaced_and_counted() -> None:
    output = OutputSettings(width=3, height=2, frame_rate=Fraction(24))
    frame = np.full((2, 3, 3), 0.5, np.float32)
    same, bad = checked(frame, output)
    assert same is frame
    assert bad == 0
    frame[0, 0] = np.nan, np.inf, -np.inf
    repaired, bad = checked(frame, output)
    assert bad == 3
    assert repaired[0, 0].tolist() == [0, 65504, 0]
    np.testing.assert_array_equal(repaired[1], 0.5)


def test_large_but_finite_frames_are_left_alone() -> None:
    output = OutputSettings(width=3, height=2, frame_rate=Fraction(24))
    frame = np.full((2, 3, 3), 1e30, np.float32)  # its squares overflow
    same, bad = checked(frame, output)
    np.testing.assert_array_equal(same, frame)
    assert bad == 0


def test_frames_of_another_shape_are_refused() -> None:
    output = OutputSettings(width=3, height=2, frame_rate=Fraction(24))
    with pytest.raises(ValueError, match=r"\(3, 2, 3\)"):
        checked(np.zeros((3, 2, 3), np.float32), output)
