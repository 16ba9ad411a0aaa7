"""Cameras' curves: against colour-science, and where each must begin and end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr.light import CAMERA_CURVES, camera_light

LOG = ("slog3", "clog3", "vlog")


def oracle(curve: str, **log: Any) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """colour-science's decoding; `log` are its options for log curves."""
    models = pytest.importorskip("colour.models", reason="colour-science is an optional oracle")
    named: dict[str, Callable[..., Any]] = {
        "gamma22": lambda x: models.gamma_function(x, 2.2),
        "srgb": models.eotf_sRGB,
        "bt709": models.oetf_inverse_BT709,
        "hlg": models.oetf_inverse_BT2100_HLG,
        "linear": models.linear_function,
        "slog3": models.log_decoding_SLog3,
        "clog3": models.log_decoding_CanonLog3,
        "vlog": models.log_decoding_VLog,
    }
    return lambda x: np.asarray(named[curve](x, **log))


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("curve", CAMERA_CURVES)
def test_agrees_with_colour_science(curve: str, limited: bool) -> None:
    options = {"in_normalised_code_value": not limited} if curve in LOG else {}
    decode = oracle(curve, **options)
    signal = np.arange(65536) / 65535
    expected = np.maximum(decode(signal), 0) / decode(np.ones(1))
    np.testing.assert_allclose(
        camera_light(signal, curve, limited=limited), expected, rtol=1e-11, atol=1e-14
    )


# 18% grey as the manufacturers print it, code of 10 bits; 0.9 and 0 for S-Log3.
@pytest.mark.parametrize(
    ("curve", "code", "reflection"),
    [("slog3", 420, 0.18), ("slog3", 95, 0.0), ("slog3", 598, 0.9), ("vlog", 433, 0.18)],
)
@pytest.mark.parametrize("limited", [False, True])
def test_printed_codes(curve: str, code: int, reflection: float, limited: bool) -> None:
    # The same code of a file, whichever way its range was undone.
    black, white = (64, 940) if limited else (0, 1023)
    seen = camera_light(np.array([(code - black) / (white - black)]), curve, limited=limited)
    # Light is a share of that at the greatest code, so the printed values hold in proportion.
    grey = {"slog3": 420, "vlog": 433}[curve]
    reference = camera_light(np.array([(grey - black) / (white - black)]), curve, limited=limited)
    assert seen / reference * 0.18 == pytest.approx(reflection, abs=2e-3)


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("curve", CAMERA_CURVES)
def test_spans_zero_to_one(curve: str, limited: bool) -> None:
    light = camera_light(np.array([0.0, 1.0]), curve, limited=limited)
    np.testing.assert_array_equal(light, [0.0, 1.0])


@given(st.sampled_from(CAMERA_CURVES), st.booleans(), st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_rises(curve: str, limited: bool, pair: tuple[float, float]) -> None:
    low, high = camera_light(np.array(sorted(pair)), curve, limited=limited)
    assert low <= high


@pytest.mark.parametrize("curve", [c for c in CAMERA_CURVES if c not in LOG])
def test_range_matters_to_log_curves_alone(curve: str) -> None:
    signal = np.linspace(0, 1, 11)
    np.testing.assert_array_equal(
        camera_light(signal, curve, limited=True), camera_light(signal, curve)
    )
