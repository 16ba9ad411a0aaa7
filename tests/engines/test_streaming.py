"""An output's radiance, as it is or decoded from PQ codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lrhdr import light
from lrhdr_engines.media import PqPicture
from lrhdr_engines.streaming import Output, decoded
from lrhdr_engines.window import FilledWindow


def output(picture: Any, white: float | None) -> Output:
    window: Any = FilledWindow(index=0, slots=(), frames=())
    return Output(
        index=0, picture=picture, pq_white_nits=white, masks=None, candidates=(), window=window
    )


def encoded(radiance: Any, white: float) -> PqPicture:
    nits = np.clip(radiance @ light.BT709_TO_BT2020.T * white, 0.0, light.PQ_PEAK_NITS)
    codes = np.rint(light.pq_encode(nits) * 65535).astype(np.uint16)
    return PqPicture(codes=codes, brightest_nits=0.0, mean_nits=0.0, repaired=0)


def test_radiance_is_handed_out_as_it_is() -> None:
    radiance = np.ones((2, 3, 3), np.float32)
    assert output(radiance, None).hdr is radiance


@given(
    radiance=hnp.arrays(np.float64, (2, 3, 3), elements=st.floats(1e-3, 10.0)),
    white=st.sampled_from([100.0, 203.0, 1000.0]),
)
def test_codes_are_decoded(radiance: Any, white: float) -> None:
    found = output(encoded(radiance, white), white).hdr
    assert (found.dtype, found.shape) == (np.dtype(np.float32), radiance.shape)
    assert found.flags.c_contiguous
    # Each channel of BT.2020 is off by 0.03% of itself, and 0.0003 of 0.1 cd/m2 below that.
    nits = radiance @ light.BT709_TO_BT2020.T * white
    slack = 3e-4 * np.maximum(nits, 0.1) @ np.abs(np.linalg.inv(light.BT709_TO_BT2020)).T / white
    assert (np.abs(found - radiance) <= slack + 1e-6 * np.abs(radiance).max()).all()


def test_the_ends() -> None:
    codes = np.array([[[0, 0, 0], [65535, 65535, 65535]]], np.uint16)
    picture = PqPicture(codes=codes, brightest_nits=1e4, mean_nits=5e3, repaired=0)
    found = decoded(picture, 200.0)
    np.testing.assert_allclose(found, [[[0.0] * 3, [50.0] * 3]], rtol=1e-6)


def test_codes_without_their_white_are_refused() -> None:
    with pytest.raises(ValueError, match="white"):
        _ = output(encoded(np.ones((1, 1, 3)), 203.0), None).hdr
