"""Light against anchors that the standards and colour-science print, and by its own inverses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr import light


def test_exposures_are_relative_to_the_shortest() -> None:
    assert light.relative_exposures([0.0, -3.0]) == [8.0, 1.0]
    assert light.relative_exposures((-2.0, 0.0, 2.0)) == [1.0, 4.0, 16.0]


@given(st.floats(0.0, 1.0), st.sampled_from([1.0, 4.0, 16.0]))
def test_linearise_undoes_expose_below_clipping(radiance: float, exposure: float) -> None:
    h = np.array([radiance / exposure])
    np.testing.assert_allclose(light.linearise(light.expose(h, exposure), exposure), h, atol=1e-15)


def test_expose_clips_where_the_sensor_does() -> None:
    np.testing.assert_array_equal(light.expose(np.array([0.25, 0.3, 9.0]), 4.0), 1.0)


@given(st.floats(0.0, 1.0))
def test_untonemap_undoes_tonemap(h: float) -> None:
    np.testing.assert_allclose(light.untonemap(light.tonemap(np.array([h]))), h, atol=1e-14)


def test_tonemap_spans_zero_to_one() -> None:
    np.testing.assert_allclose(light.tonemap(np.array([0.0, 1.0])), [0.0, 1.0])


# BT.2408-7 table 1 and ST 2084: cd/m2 and the PQ signal, to the digits printed there.
ANCHORS = [(0.0, 0.0), (100.0, 0.5081), (203.0, 0.5807), (1000.0, 0.7518), (10000.0, 1.0)]


@pytest.mark.parametrize(("nits", "signal"), ANCHORS)
def test_pq_passes_its_anchors(nits: float, signal: float) -> None:
    assert light.pq_encode(np.array(nits)) == pytest.approx(signal, abs=5.1e-5)


def test_pq_agrees_with_colour_science() -> None:
    models = pytest.importorskip("colour.models", reason="colour-science is an optional oracle")
    nits = np.geomspace(1e-4, 1e4, 1000)
    np.testing.assert_allclose(light.pq_encode(nits), models.eotf_inverse_ST2084(nits), atol=1e-12)
    signal = np.linspace(0, 1, 1000)
    np.testing.assert_allclose(
        light.pq_decode(signal), models.eotf_ST2084(signal), rtol=1e-9, atol=1e-12
    )


@given(st.floats(1e-6, 1e4))
def test_pq_decode_undoes_encode(nits: float) -> None:
    np.testing.assert_allclose(light.pq_decode(light.pq_encode(np.array(nits))), nits, rtol=1e-8)


@given(st.floats(0.0, 1e4), st.floats(0.0, 1e4))
def test_pq_rises(a: float, b: float) -> None:
    low, high = light.pq_encode(np.array(sorted((a, b))))
    assert low <= high


def test_pq_clips_outside_its_range() -> None:
    np.testing.assert_array_equal(
        light.pq_encode(np.array([-1.0, 1e5, np.inf])), light.pq_encode(np.array([0.0, 1e4, 1e4]))
    )


def test_pq_in_float32_is_within_a_fiftieth_of_a_code() -> None:
    nits = np.concatenate([[0.0], np.geomspace(1e-6, 1e4, 200_000)])
    single = light.pq_encode(nits.astype(np.float32))
    assert single.dtype == np.float32
    error = single - light.pq_encode(nits.astype(np.float32).astype(np.float64))
    assert np.abs(error).max() * 876 < 0.02


def test_709_to_2020_is_the_matrix_of_bt_2087() -> None:
    printed = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    np.testing.assert_allclose(light.BT709_TO_BT2020, printed, atol=5.1e-5)


def test_709_to_2020_keeps_white_and_stays_in_gamut() -> None:
    np.testing.assert_allclose(light.BT709_TO_BT2020 @ np.ones(3), 1.0, atol=1e-12)
    assert (light.BT709_TO_BT2020 > 0).all()


def test_rgb_to_xyz_is_the_printed_matrix_of_bt_709() -> None:
    printed = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    np.testing.assert_allclose(light.rgb_to_xyz(light.BT709_PRIMARIES), printed, atol=6e-5)


@pytest.mark.parametrize(
    ("weights", "cb_gain", "cr_gain"),
    [(light.BT601, 1.772, 1.402), (light.BT709, 1.8556, 1.5748), (light.BT2020, 1.8814, 1.4746)],
)
def test_ycbcr_divides_by_the_printed_gains(
    weights: tuple[float, float], cb_gain: float, cr_gain: float
) -> None:
    # B' - Y' = cb_gain Cb and R' - Y' = cr_gain Cr, as each recommendation prints them.
    red, blue = np.eye(3)[0], np.eye(3)[2]
    y, cb, _ = light.ycbcr_matrix(weights) @ blue
    assert (1 - y) / cb == pytest.approx(cb_gain, abs=1e-9)
    y, _, cr = light.ycbcr_matrix(weights) @ red
    assert (1 - y) / cr == pytest.approx(cr_gain, abs=1e-9)


def test_ycbcr_of_grey_has_no_chroma() -> None:
    grey = light.ycbcr_matrix(light.BT709) @ np.full(3, 0.4)
    np.testing.assert_allclose(grey, [0.4, 0.0, 0.0], atol=1e-15)


def test_luma_is_bt_601() -> None:
    assert light.luma(np.array([1.0, 0.5, 0.25])) == pytest.approx(0.299 + 0.2935 + 0.0285)
