from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr import light
from lrhdr.model import ops

Image = NDArray[np.float64]


def warped(image: Image, flow: Image) -> Image:
    """Obvious backward warp: image (C, H, W), flow (2, H, W) in pixels, borders repeated."""
    channels, height, width = image.shape
    out = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            sx = min(max(x + flow[0, y, x], 0.0), width - 1.0)
            sy = min(max(y + flow[1, y, x], 0.0), height - 1.0)
            x0, y0 = int(sx), int(sy)
            x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
            u, v = sx - x0, sy - y0
            for c in range(channels):
                top = (1 - u) * image[c, y0, x0] + u * image[c, y0, x1]
                bottom = (1 - u) * image[c, y1, x0] + u * image[c, y1, x1]
                out[c, y, x] = (1 - v) * top + v * bottom
    return out


@given(
    seed=st.integers(0, 2**16),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    reach=st.sampled_from([0.3, 2.0, 20.0]),
)
def test_warp_is_bilinear_sampling_pixel_by_pixel(
    seed: int, height: int, width: int, reach: float
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.random((2, 3, height, width))
    flow = rng.uniform(-reach, reach, (2, 2, height, width))
    found = ops.warp(torch.from_numpy(image), torch.from_numpy(flow))
    assert found.dtype == torch.float64
    expected = np.stack([warped(i, f) for i, f in zip(image, flow, strict=True)])
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_zero_flow_is_the_identity_and_keeps_the_type(dtype: torch.dtype) -> None:
    # 2111 columns are more than an FP16 grid could tell apart.
    image = torch.rand(1, 2, 3, 2111).to(dtype)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    found = ops.warp(image, torch.zeros(1, 2, 3, 2111, dtype=wide))
    assert found.dtype == dtype
    # float32 coordinates near 2000 have a step of 1.2e-4 pixels.
    np.testing.assert_allclose(found.double(), image.double(), atol=3e-3)


def test_warp_moves_by_x_then_y() -> None:
    image = torch.arange(30.0, dtype=torch.float64).view(1, 1, 5, 6)
    flow = torch.zeros(1, 2, 5, 6, dtype=torch.float64)
    flow[:, 0], flow[:, 1] = 1.0, 2.0
    np.testing.assert_allclose(ops.warp(image, flow)[0, 0, :3, :5], image[0, 0, 2:, 1:], atol=1e-12)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_flow_grows_with_the_picture(factor: int) -> None:
    flow = torch.tensor([1.5, -0.25], dtype=torch.float64).view(1, 2, 1, 1).expand(1, 2, 3, 4)
    found = ops.upsample_flow(flow, factor)
    assert found.shape == (1, 2, 3 * factor, 4 * factor)
    np.testing.assert_allclose(found[0, 0], np.full((3 * factor, 4 * factor), 1.5 * factor))
    np.testing.assert_allclose(found[0, 1], np.full((3 * factor, 4 * factor), -0.25 * factor))


def test_an_upsampled_flow_warps_the_finer_picture_alike() -> None:
    # A ramp: both pictures can be warped without loss away from the border.
    fine = torch.arange(32.0, dtype=torch.float64).view(1, 1, 1, 32).expand(1, 1, 32, 32)
    coarse = torch.nn.functional.avg_pool2d(fine, 2)
    flow = torch.full((1, 2, 16, 16), 1.25, dtype=torch.float64)
    moved = torch.nn.functional.avg_pool2d(ops.warp(fine, ops.upsample_flow(flow)), 2)
    inner = (..., slice(3, -3), slice(3, -3))
    np.testing.assert_allclose(moved[inner], ops.warp(coarse, flow)[inner], atol=1e-12)


def test_upsampling_has_half_pixel_centres() -> None:
    values = torch.tensor([[[[0.0, 4.0]]]], dtype=torch.float64)
    np.testing.assert_allclose(ops.upsample(values)[0, 0, 0], [0.0, 1.0, 3.0, 4.0])


@given(seed=st.integers(0, 2**16), exposure=st.sampled_from([1.0, 4.0, 8.0, 16.0]))
def test_light_is_that_of_the_numpy_reference(seed: int, exposure: float) -> None:
    frame = np.random.default_rng(seed).random((2, 3, 4, 5))
    e = torch.tensor([exposure, 1.0], dtype=torch.float64)
    radiance = ops.linearise(torch.from_numpy(frame), e)
    expected = np.stack([light.linearise(frame[0], exposure), light.linearise(frame[1], 1.0)])
    np.testing.assert_allclose(radiance, expected, rtol=1e-14)
    toned = ops.tonemap(radiance)
    np.testing.assert_allclose(toned, light.tonemap(expected), rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(ops.untonemap(toned), expected, rtol=1e-10, atol=1e-16)


@given(seed=st.integers(0, 2**16), exposure=st.sampled_from([1.0, 4.0, 16.0]))
def test_a_frame_is_exposed_as_by_the_numpy_reference(seed: int, exposure: float) -> None:
    radiance = np.random.default_rng(seed).random((2, 3, 4, 5))
    e = torch.tensor([exposure, 1.0], dtype=torch.float64)
    frame = ops.expose(torch.from_numpy(radiance), e)
    expected = np.stack([light.expose(radiance[0], exposure), light.expose(radiance[1], 1.0)])
    np.testing.assert_allclose(frame, expected, rtol=1e-12)
    # Back again, but for what the exposure clipped.
    limit = 1.0 / e.view(2, 1, 1, 1).numpy()
    np.testing.assert_allclose(ops.linearise(frame, e), np.minimum(radiance, limit), rtol=1e-12)


def test_light_never_runs_in_half_precision() -> None:
    frame, exposure = torch.rand(1, 3, 2, 2).half(), torch.ones(1).half()
    assert ops.linearise(frame, exposure).dtype == torch.float32
    assert ops.expose(frame, exposure).dtype == torch.float32
    assert ops.full(frame.bfloat16()).dtype == torch.float32
    assert ops.full(frame.double()).dtype == torch.float64


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("dilation", [1, 2])
def test_a_convolution_keeps_the_size_or_halves_it(size: int, dilation: int) -> None:
    x = torch.rand(1, 2, 8, 10)
    assert ops.conv(2, 5, size=size, dilation=dilation)(x).shape == (1, 5, 8, 10)
    assert ops.conv(2, 5, size=size, dilation=dilation, stride=2)(x).shape == (1, 5, 4, 5)


def test_layers_start_with_the_variance_of_their_input() -> None:
    layer = ops.activated(ops.conv(64, 64))
    ops.initialise(layer)
    x = torch.randn(1, 64, 40, 40)
    second_moment = float(layer(x).detach()[..., 1:-1, 1:-1].square().mean())
    assert second_moment == pytest.approx(1.0, rel=0.15)
    conv = layer[0]
    assert isinstance(conv, torch.nn.Conv2d)
    assert conv.bias is not None
    assert not bool(conv.bias.any())


def test_damping_scales_what_a_layer_adds() -> None:
    layer, x = ops.conv(2, 3), torch.rand(1, 2, 4, 4)
    before = layer(x)
    ops.damp(layer, 0.25)
    np.testing.assert_allclose(layer(x).detach(), 0.25 * before.detach(), rtol=1e-5, atol=1e-7)
    ops.damp(layer, 0.0)
    assert not bool(layer(x).any())
