from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lrhdr.errors import InputError
from lrhdr_engines.gpu.frames import codes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_stay_as_they_are(dtype: Any) -> None:
    frame = np.zeros((2, 3, 3), dtype)
    assert codes(0, frame) is frame


@given(
    hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64]),
        (2, 2, 3),
        elements={"min_value": 0, "max_value": 1},
    )
)
def test_floats_are_rounded_to_16_bits(frame: Any) -> None:
    found = codes(0, frame)
    assert found.dtype == np.uint16
    assert np.abs(found / 65535 - frame.astype(np.float64)).max() <= 0.5 / 65535 + 1e-12


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.01, 1.01])
def test_other_floats_are_refused(bad: float) -> None:
    frame = np.full((2, 2, 3), 0.5, np.float32)
    frame[1, 0, 2] = bad
    with pytest.raises(InputError, match=r"frame 7 has values from .*; expected 0 to 1"):
        codes(7, frame)


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((0, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.int64),
        np.zeros((8, 8, 3), np.uint32),
    ],
)
def test_what_is_no_frame_is_refused(frame: Any) -> None:
    with pytest.raises(InputError, match=r"expected \(height, width, 3\) of uint8, uint16 or"):
        codes(0, frame)
