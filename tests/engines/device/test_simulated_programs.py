"""The two kernels by numpy: unpack and pack."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lrhdr import light
from lrhdr_engines.device.protocol import PQ_WHITE, Encoding
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.device.simulated_programs import SimulatedPrograms, pq_codes
from lrhdr_engines.padding import pad
from lrhdr_engines.reconstruct import normalised

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


class Kernels:
    """Runs one kernel on values."""

    def __init__(self, engine: Any) -> None:
        self.programs = SimulatedPrograms(engine)
        self.device = SimulatedDevice()
        self.stream = self.device.stream("only")

    def put(self, name: str, value: Any) -> Any:
        buffer = self.device.buffer(name, value.shape, value.dtype)
        staging = self.device.staging(name, value.shape, value.dtype)
        staging.store(value)
        self.stream.upload(staging, buffer)
        return buffer

    def get(self, buffer: Any) -> Any:
        staging = self.device.staging(buffer.name, buffer.shape, buffer.dtype)
        self.stream.download(buffer, staging)
        self.stream.synchronise()
        return staging.load()

    def unpack(self, codes: Any) -> Any:
        padded = [size + -size % 4 for size in codes.shape[:2]]
        image = self.device.buffer("image", (1, 3, *padded), FLOAT32)
        self.programs.unpack(self.put("raw", codes), image).enqueue(self.stream)
        return self.get(image)

    def pack(self, hdr: Any, height: int, width: int, encoding: Encoding) -> tuple[Any, Any]:
        kind = FLOAT32 if encoding.white_nits is None else np.dtype(np.uint16)
        picture = self.device.buffer("picture", (height, width, 3), kind)
        seen = self.device.buffer("statistics", (3,), FLOAT64)
        self.programs.pack(self.put("hdr", hdr), picture, seen, encoding).enqueue(self.stream)
        return self.get(picture), self.get(seen)


@pytest.fixture(scope="module")
def engine(rig: Any) -> Any:
    return rig.models[2].engine


TYPES: list[Any] = [np.dtype(np.uint8), np.dtype(np.uint16)]
codes: Any = hnp.arrays(
    st.sampled_from(TYPES),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
)


@given(frame=codes)
def test_unpacked_is_normalised_and_padded(engine: Any, frame: Any) -> None:
    image = Kernels(engine).unpack(frame)
    np.testing.assert_array_equal(image, pad(normalised(frame), 4))
    height, width = frame.shape[:2]
    top = np.iinfo(frame.dtype).max
    exact = frame.astype(np.float64).transpose(2, 0, 1) / top
    np.testing.assert_allclose(image[0, :, :height, :width], exact, rtol=2**-23)
    assert (image[0, :, height:] == image[0, :, height - 1 : height]).all()
    assert (image[0, :, :, width:] == image[0, :, :, width - 1 : width]).all()


def test_packed_radiance_is_cropped_interleaved_and_scaled(engine: Any) -> None:
    hdr = np.random.default_rng(0).random((1, 3, 8, 12), np.float32)
    picture, seen = Kernels(engine).pack(hdr, 5, 9, Encoding(gain=8.0))
    np.testing.assert_array_equal(picture, hdr[0, :, :5, :9].transpose(1, 2, 0) * np.float32(8))
    np.testing.assert_array_equal(seen, [0, 0, 0])


@pytest.mark.parametrize("white", [None, 203.0])
def test_values_that_are_not_finite_are_counted_in_the_picture_alone(
    engine: Any, white: float | None
) -> None:
    hdr = np.full((1, 3, 4, 8), 0.5, np.float32)
    hdr[0, 0, 1, 1], hdr[0, 1, 2, 3], hdr[0, 2, 0, 0] = np.nan, np.inf, -np.inf
    hdr[0, 0, 3, 7] = np.nan  # beyond the picture
    picture, seen = Kernels(engine).pack(hdr, 3, 5, Encoding(gain=1.0, white_nits=white))
    assert seen[0] == 3
    if white is not None:
        grey = np.rint(light.pq_encode(np.array([0.5 * white])) * PQ_WHITE)[0]
        assert np.median(picture) == grey
        assert (picture <= grey).all()  # less of one primary: where it was not finite it is black
        assert np.count_nonzero((picture != grey).any(axis=2)) == 3
        assert seen[1] == pytest.approx(0.5 * white)


def test_anchors_of_the_pq_codes() -> None:
    """BT.2408-7 table 1: 203 cd/m2 is 58 % PQ. Black and 10 000 cd/m2 are the ends."""
    grey = np.array([0.0, 1.0, 1e4 / 203, 1e6, -1.0], np.float32)[:, None, None].repeat(3, 2)
    found, greatest, mean = pq_codes(grey, 203.0)
    assert found[[0, 2, 3, 4], 0, 1].tolist() == [0, PQ_WHITE, PQ_WHITE, 0]
    assert found[1, 0, 1] / PQ_WHITE == pytest.approx(0.5807, abs=5e-5)
    assert greatest == 10000.0
    assert mean == pytest.approx((203 + 2e4) / 5, rel=1e-4)


@given(
    rgb=hnp.arrays(np.float32, (2, 3, 3), elements=st.floats(0, 40, width=32)),
    white=st.sampled_from([100.0, 203.0]),
)
def test_pq_codes_are_exact(rgb: Any, white: float) -> None:
    exact = light.pq_encode(rgb.astype(np.float64) @ light.BT709_TO_BT2020.T * white)
    found = pq_codes(rgb, white)[0]
    assert np.abs(found - PQ_WHITE * exact).max() <= 0.5 + 1e-6
