from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from lrhdr.model import registration
from lrhdr.model.ops import warp
from lrhdr.model.registration import box, lucas_kanade, register, spread

SIDE = 64
INNER = (..., slice(8, -8), slice(8, -8))  # what no window at the border has a part in
SHIFTS = [(0.4, 0.0), (0.0, -0.5), (0.3, 0.2), (-0.4, 0.4), (1.3, -0.8), (2.5, 1.5)]

seeds = st.integers(0, 2**16)


def still() -> Tensor:
    return torch.zeros(1, 2, SIDE, SIDE, dtype=torch.float64)


def constant(dx: float, dy: float) -> Tensor:
    return torch.tensor([dx, dy], dtype=torch.float64).view(1, 2, 1, 1).expand_as(still())


def waving() -> Tensor:
    """A smooth flow of up to 1.6 pixels."""
    axis = 2.0 * math.pi / SIDE * torch.arange(SIDE, dtype=torch.float64)
    x = (0.4 + 1.2 * torch.sin(axis)).view(SIDE, 1).expand(SIDE, SIDE)
    y = (0.9 * torch.cos(axis)).expand(SIDE, SIDE)
    return torch.stack([x, y]).unsqueeze(0)


def picture(flow: Tensor) -> Tensor:
    """A smooth picture in [0, 1], each pixel seen at its place plus the flow, unsampled."""
    axis = torch.arange(SIDE, dtype=torch.float64)
    x, y = axis + flow[:, 0], axis.unsqueeze(1) + flow[:, 1]
    channels = [
        0.5 + 0.2 * torch.sin(0.35 * x + k) + 0.2 * torch.cos(0.3 * y - 0.15 * x + 2.0 * k)
        for k in range(3)
    ]
    return torch.stack(channels, dim=1)


def noise(seed: int, count: int, *size: int) -> list[Tensor]:
    rng = np.random.default_rng(seed)
    return [torch.from_numpy(rng.random((1, 3, *size))) for _ in range(count)]


def window(row: int, column: int) -> tuple[slice, slice]:
    """The 7x7 pixels about one, of those inside the picture."""
    return slice(max(row - 3, 0), row + 4), slice(max(column - 3, 0), column + 4)


@given(seed=seeds, height=st.integers(1, 9), width=st.integers(1, 9))
@settings(max_examples=30)
def test_a_box_is_the_mean_of_what_is_inside(seed: int, height: int, width: int) -> None:
    values = np.random.default_rng(seed).normal(size=(height, width))
    found = box(torch.from_numpy(values).view(1, 1, height, width), 7)
    for row in range(height):
        for column in range(width):
            expected = values[window(row, column)].mean()
            assert float(found[0, 0, row, column]) == pytest.approx(expected, abs=1e-12)


def gradients(mean: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    padded = np.pad(mean, ((0, 0), (1, 1), (1, 1)), mode="edge")
    gx = 0.5 * (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2])
    gy = 0.5 * (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1])
    return gx, gy


@given(seed=seeds, contrast=st.sampled_from([0.02, 0.3, 1.0]))
@settings(max_examples=30)
def test_a_step_is_damped_weighted_least_squares_over_a_window(seed: int, contrast: float) -> None:
    moving, fixed = (0.5 + contrast * (x - 0.5) for x in noise(seed, 2, 9, 11))
    shift, confidence = (x[0].numpy() for x in lucas_kanade(moving, fixed))
    a, b = moving[0].numpy(), fixed[0].numpy()
    gx, gy = gradients(0.5 * (a + b))
    squared = ((a - b) ** 2).sum(axis=0)
    weight = np.broadcast_to(0.05 / np.sqrt(squared + 0.05**2), a.shape)
    for row, column in ((0, 0), (2, 10), (4, 5), (8, 3)):
        area = (slice(None), *window(row, column))
        design = np.stack([gx[area].ravel(), gy[area].ravel()], axis=1)
        weights, target = weight[area].ravel(), (b - a)[area].ravel()
        pixels = squared[area[1:]].size
        matrix = (weights[:, None] * design).T @ design / pixels
        vector = design.T @ (weights * target) / pixels
        expected = np.linalg.solve(matrix + 1e-5 * np.eye(2), vector).clip(-2.0, 2.0)
        np.testing.assert_allclose(shift[:, row, column], expected, rtol=1e-6, atol=1e-9)
        sure = (np.trace(matrix) + 1e-5) / (squared[area[1:]].mean() + 1e-4)
        assert confidence[0, row, column] == pytest.approx(sure, rel=1e-9)


@pytest.mark.parametrize(("dx", "dy"), [d for d in SHIFTS if max(map(abs, d)) <= 0.5])
def test_one_step_finds_a_small_shift_to_a_fiftieth_of_a_pixel(dx: float, dy: float) -> None:
    shift, _ = lucas_kanade(picture(still()), picture(constant(dx, dy)))
    assert shift.shape == (1, 2, SIDE, SIDE)
    assert float((shift - constant(dx, dy))[INNER].abs().max()) < 0.02


@pytest.mark.parametrize(("dx", "dy"), SHIFTS)
def test_a_shift_is_registered_to_a_twentieth_of_a_pixel(dx: float, dy: float) -> None:
    found = register(picture(still()), picture(constant(dx, dy)), still(), 3)
    error = (found - constant(dx, dy))[INNER].abs()
    assert float(error.max()) < 0.05
    assert float(error.mean()) < 0.02


def test_a_smooth_flow_is_registered_to_a_tenth_of_a_pixel() -> None:
    moving, fixed = picture(still()), picture(waving())
    errors = [(register(moving, fixed, still(), n) - waving())[INNER].abs() for n in (1, 3)]
    assert float(errors[1].max()) < 0.1
    assert float(errors[1].mean()) < 0.03
    assert float(errors[1].mean()) < 0.5 * float(errors[0].mean())


def test_the_flow_found_brings_the_pictures_together() -> None:
    moving, fixed = picture(still()), picture(waving())
    before = (moving - fixed)[INNER].abs().mean()
    after = (warp(moving, register(moving, fixed, still(), 3)) - fixed)[INNER].abs().mean()
    assert float(after) < 0.05 * float(before)


def test_a_good_start_is_kept_and_a_bad_one_improved() -> None:
    moving, fixed = picture(still()), picture(waving())
    kept = register(moving, fixed, waving(), 1)
    assert float((kept - waving())[INNER].abs().mean()) < 0.02
    start = waving() + constant(1.2, -1.2)
    better = register(moving, fixed, start, 2)
    assert float((better - waving())[INNER].abs().mean()) < 0.03


@given(seed=seeds, steps=st.integers(1, 3), wide=st.booleans())
@settings(max_examples=20)
def test_identical_pictures_do_not_move(seed: int, steps: int, wide: bool) -> None:
    (same,) = noise(seed, 1, 10, 13)
    same = same if wide else same.float()
    flow = torch.zeros(1, 2, 10, 13, dtype=same.dtype)
    # float32 coordinates of 13 pixels are a millionth of a pixel off.
    assert float(register(same, same, flow, steps).abs().max()) < (1e-12 if wide else 1e-4)


def test_nothing_to_hold_on_to_means_no_shift() -> None:
    flat, other = torch.full((1, 3, 12, 12), 0.2), torch.full((1, 3, 12, 12), 0.9)
    assert not bool(lucas_kanade(flat, other)[0].any())


@given(seed=seeds)
def test_a_step_never_exceeds_its_reach(seed: int) -> None:
    moving, fixed = noise(seed, 2, 12, 16)
    shift, confidence = lucas_kanade(moving, fixed)
    assert bool(torch.isfinite(shift).all())
    assert float(shift.abs().max()) <= 2.0
    assert bool((confidence > 0.0).all())


def test_something_else_in_the_window_counts_less_than_in_plain_least_squares(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shift = constant(0.4, -0.3)
    moving, fixed = picture(still()), picture(shift)
    moving[..., 28:33, 28:33] += 0.4
    about = (..., slice(25, 36), slice(25, 36))

    def error() -> float:
        return float((lucas_kanade(moving, fixed)[0] - shift)[about].abs().mean())

    robust = error()
    monkeypatch.setattr(registration, "_ROBUST", 1e6)
    assert robust < 0.3 * error()


@given(seed=seeds, dx=st.floats(-9.0, 9.0), dy=st.floats(-9.0, 9.0), decades=st.floats(0.0, 5.0))
def test_a_constant_flow_stays(seed: int, dx: float, dy: float, decades: float) -> None:
    rng = np.random.default_rng(seed)
    confidence = torch.from_numpy(10.0 ** rng.uniform(-decades, decades, (1, 1, 6, 9)))
    flow = torch.tensor([dx, dy], dtype=torch.float64).view(1, 2, 1, 1).expand(1, 2, 6, 9)
    np.testing.assert_allclose(spread(flow, confidence), flow, rtol=1e-9, atol=1e-12)


@given(seed=seeds, height=st.integers(1, 9), width=st.integers(1, 9))
@settings(max_examples=30)
def test_spreading_is_the_mean_weighted_by_confidence(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    flow = rng.normal(size=(1, 2, height, width))
    sure = 10.0 ** rng.uniform(-2.0, 2.0, (1, 1, height, width))
    found = spread(torch.from_numpy(flow), torch.from_numpy(sure)).numpy()
    for row in range(height):
        for column in range(width):
            area = (0, slice(None), *window(row, column))
            weights = np.broadcast_to(sure, flow.shape)[area]
            expected = (flow[area] * weights).sum(axis=(1, 2)) / weights.sum(axis=(1, 2))
            np.testing.assert_allclose(found[0, :, row, column], expected, rtol=1e-9, atol=1e-12)
    assert bool((found >= flow.min(axis=(2, 3), keepdims=True) - 1e-9).all())
    assert bool((found <= flow.max(axis=(2, 3), keepdims=True) + 1e-9).all())


def test_sure_motion_fills_unsure_places() -> None:
    # The texture fades out to the right, where nothing can be seen to move.
    contrast = ((32 - torch.arange(SIDE, dtype=torch.float64)) / 8).clamp(0.0, 1.0)
    moving, fixed = (
        0.5 + contrast * (picture(flow) - 0.5) for flow in (still(), constant(0.0, 0.4))
    )
    place = (0, 1, slice(8, -8), 36)
    assert float(lucas_kanade(moving, fixed)[0][place].abs().max()) < 1e-9
    found = register(moving, fixed, still(), 1)[place]
    assert float(found.min()) > 0.2
    assert float(found.max()) < 0.42


def test_gradients_pass_straight_to_the_start() -> None:
    moving, fixed = picture(still()), picture(waving())
    start = still().requires_grad_()
    found = register(moving, fixed, start, 2)
    upstream = torch.randn_like(found)
    torch.autograd.backward(found, upstream)
    assert start.grad is not None
    assert torch.equal(start.grad, upstream)
    plain = register(moving, fixed, still(), 2)
    np.testing.assert_allclose(found.detach(), plain, atol=1e-12)
    assert float(plain.abs().max()) > 0.5
