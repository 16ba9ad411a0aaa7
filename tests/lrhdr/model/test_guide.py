from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lrhdr import light
from lrhdr.model.guide import ReferenceGuide, lucas_kanade, match
from lrhdr.model.ops import damp, upsample, warp


def smooth(dx: float, dy: float, size: int = 48) -> Tensor:
    """A smooth picture in [0, 1], seen by a camera that moved by (dx, dy) pixels."""
    y, x = torch.meshgrid(*[torch.arange(size, dtype=torch.float64)] * 2, indexing="ij")
    x, y = x + dx, y + dy
    channels = [
        0.5 + 0.2 * torch.sin(0.35 * x + k) + 0.2 * torch.cos(0.3 * y - 0.15 * x + 2.0 * k)
        for k in range(3)
    ]
    return torch.stack(channels).unsqueeze(0)


@given(
    seed=st.integers(0, 2**16),
    exposure=st.sampled_from([1.0, 4.0, 8.0]),
    ratio=st.sampled_from([1.0, 2.0, 16.0]),
)
def test_match_is_the_longer_exposure_of_the_same_light(
    seed: int, exposure: float, ratio: float
) -> None:
    frame = np.random.default_rng(seed).random((2, 3, 4, 5))
    longest = exposure * ratio
    found = match(
        torch.from_numpy(frame),
        torch.full((2,), exposure, dtype=torch.float64),
        torch.full((2,), longest, dtype=torch.float64),
    )
    expected = light.expose(light.linearise(frame, exposure), longest)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_match_treats_every_picture_of_a_batch_by_its_exposure() -> None:
    frame = torch.full((2, 3, 2, 2), 0.3, dtype=torch.float64)
    exposure = torch.tensor([1.0, 8.0], dtype=torch.float64)
    found = match(frame, exposure, torch.full_like(exposure, 8.0))
    assert torch.equal(found[1], frame[1])
    assert float(found[0, 0, 0, 0]) == pytest.approx(0.3 * 8.0 ** (1 / 2.2))


@pytest.mark.parametrize(("dx", "dy"), [(0.4, 0.0), (0.0, -0.5), (0.3, 0.2), (-0.4, 0.4)])
def test_lucas_kanade_finds_a_small_shift(dx: float, dy: float) -> None:
    shift = lucas_kanade(smooth(-dx, -dy), smooth(0.0, 0.0))
    assert shift.shape == (1, 2, 24, 24)
    # The damping keeps a fifth of the way back where gradients are as weak as here.
    found = shift[0, :, 3:-3, 3:-3].mean(dim=(1, 2)).numpy()
    along = found @ (dx, dy) / (dx * dx + dy * dy)
    across = found @ (-dy, dx) / (dx * dx + dy * dy)
    assert 0.75 < along < 1.02
    assert abs(across) < 0.12


@given(seed=st.integers(0, 2**16))
def test_lucas_kanade_is_damped_least_squares_over_a_window(seed: int) -> None:
    rng = np.random.default_rng(seed)
    moving, fixed = rng.random((2, 3, 10, 12))
    found = lucas_kanade(torch.from_numpy(moving[None]), torch.from_numpy(fixed[None]))[0]
    mean = np.pad(0.5 * (moving + fixed), ((0, 0), (1, 1), (1, 1)), mode="edge")
    gx = 0.5 * (mean[:, 1:-1, 2:] - mean[:, 1:-1, :-2])
    gy = 0.5 * (mean[:, 2:, 1:-1] - mean[:, :-2, 1:-1])
    for row, column in ((1, 1), (2, 3), (3, 4)):  # windows that stay inside the picture
        area = (slice(None), slice(2 * row - 2, 2 * row + 4), slice(2 * column - 2, 2 * column + 4))
        design = np.stack([gx[area].ravel(), gy[area].ravel()], axis=1)
        target = -(moving - fixed)[area].ravel()
        # The sums are means over the window's 36 pixels.
        matrix = design.T @ design / 36.0 + 1e-3 * np.eye(2)
        expected = np.linalg.solve(matrix, design.T @ target / 36.0).clip(-2.0, 2.0)
        np.testing.assert_allclose(found[:, row, column], expected, rtol=1e-8, atol=1e-10)


def test_warping_by_the_shift_found_brings_the_pictures_together() -> None:
    fixed, moving = smooth(0.0, 0.0), smooth(0.7, -0.6)
    flow = torch.zeros(1, 2, 48, 48, dtype=torch.float64)
    errors = []
    for _ in range(3):
        warped = warp(moving, flow)
        errors.append(float((warped - fixed)[..., 6:-6, 6:-6].abs().max()))
        flow = flow + upsample(lucas_kanade(warped, fixed))
    assert errors[1] < 0.4 * errors[0]
    assert errors[2] < 0.1 * errors[0]


def test_nothing_to_hold_on_to_means_no_shift() -> None:
    flat, other = torch.full((1, 3, 12, 12), 0.2), torch.full((1, 3, 12, 12), 0.9)
    assert not bool(lucas_kanade(flat, other).any())


def test_equal_pictures_mean_no_shift() -> None:
    assert not bool(lucas_kanade(smooth(0.0, 0.0), smooth(0.0, 0.0)).any())


@given(seed=st.integers(0, 2**16))
def test_a_step_never_exceeds_its_reach(seed: int) -> None:
    rng = np.random.default_rng(seed)
    moving, fixed = (torch.from_numpy(rng.random((1, 3, 12, 16))) for _ in range(2))
    shift = lucas_kanade(moving, fixed)
    assert bool(torch.isfinite(shift).all())
    assert float(shift.abs().max()) <= 2.0


def guide_inputs(shift_a: float, shift_b: float) -> tuple[Tensor, Tensor, Tensor]:
    """Two neighbours at half resolution, and the reference between them at full resolution."""
    a, b = smooth(shift_a, 0.0).float(), smooth(shift_b, 0.0).float()
    reference = upsample(smooth(0.0, 0.0).float())
    return a, b, reference


def plain_guide(steps: int) -> ReferenceGuide:
    """Lucas-Kanade alone: what the convolutions add is silenced."""
    guide = ReferenceGuide(steps, 4)
    for step in guide.steps:
        damp(step[-1], 0.0)  # type: ignore[index]
    return guide


def test_the_guide_corrects_both_flows_towards_the_reference() -> None:
    a, b, reference = guide_inputs(-0.5, 0.5)
    zero, even = torch.zeros(1, 2, 48, 48), torch.ones(1, 2)
    with torch.no_grad():
        flows = plain_guide(3)(a, b, zero, zero, reference, even)
    assert len(flows) == 3
    inner = (0, slice(None), slice(8, -8), slice(8, -8))
    for to_a, to_b in flows[1:]:
        np.testing.assert_allclose(to_a[inner].mean(dim=(1, 2)), [0.5, 0.0], atol=0.06)
        np.testing.assert_allclose(to_b[inner].mean(dim=(1, 2)), [-0.5, 0.0], atol=0.06)


def test_the_guide_compares_at_the_longer_exposure() -> None:
    # The same light at 1 and 1/8 of the exposure: where neither clips, the flow is the same.
    a, b, reference = (0.4 * x for x in guide_inputs(-0.5, 0.5))
    zero, guide = torch.zeros(1, 2, 48, 48), plain_guide(2)
    with torch.no_grad():
        even = guide(a, b, zero, zero, reference, torch.tensor([[8.0, 8.0]]))[-1]
        short = reference * 8.0 ** (-1 / 2.2)
        uneven = guide(a, b, zero, zero, short, torch.tensor([[1.0, 8.0]]))[-1]
    for one, other in zip(even, uneven, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
    assert float(even[0].abs().mean()) > 0.1


def test_a_fresh_guide_is_near_lucas_kanade() -> None:
    a, b, reference = guide_inputs(-0.5, 0.5)
    zero, even = torch.zeros(1, 2, 48, 48), torch.ones(1, 2)
    guide = ReferenceGuide(1, 16)
    with torch.no_grad():
        (fresh,) = guide(a, b, zero, zero, reference, even)
        damp(guide.steps[0][-1], 0.0)  # type: ignore[index]
        (plain,) = guide(a, b, zero, zero, reference, even)
    difference = float((fresh[0] - plain[0]).abs().mean())
    assert 0.0 < difference < 0.2


def test_without_steps_there_is_nothing_to_learn() -> None:
    assert list(ReferenceGuide(0, 8).parameters()) == []
