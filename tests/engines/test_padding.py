from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_engines.padding import crop, pad


@given(height=st.integers(1, 40), width=st.integers(1, 40), multiple=st.integers(1, 33))
def test_pads_to_the_next_multiple_and_back(height: int, width: int, multiple: int) -> None:
    tensor = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    padded = pad(tensor, multiple)
    for size, before in zip(padded.shape[2:], (height, width), strict=True):
        assert size % multiple == 0
        assert before <= size < before + multiple
    assert np.array_equal(crop(padded, height, width), tensor)


def test_replicates_the_border() -> None:
    tensor = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    assert pad(tensor, 4)[0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [3, 4, 5, 5]]


@pytest.mark.parametrize("multiple", [1, 2, 4])
def test_does_not_copy_what_fits(multiple: int) -> None:
    tensor = np.zeros((1, 3, 8, 12), np.float32)
    assert pad(tensor, multiple) is tensor
