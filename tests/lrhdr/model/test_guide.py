from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from lrhdr import light
from lrhdr.model.guide import ReferenceGuide, match
from lrhdr.model.ops import damp, upsample_flow
from lrhdr.model.registration import register

SIDE = 96
EVEN = torch.ones(1, 2)
STILL = (torch.zeros(1, 2, SIDE // 2, SIDE // 2),) * 2
INNER = (0, slice(None), slice(10, -10), slice(10, -10))
Pair = tuple[Tensor, Tensor]


def smooth(dx: float) -> Tensor:
    """A smooth picture in [0, 1], seen by a camera that moved right by dx pixels."""
    axis = torch.arange(SIDE, dtype=torch.float64)
    x, y = axis + dx, axis.unsqueeze(1)
    channels = [
        0.5 + 0.2 * torch.sin(0.25 * x + k) + 0.2 * torch.cos(0.2 * y - 0.1 * x + 2.0 * k)
        for k in range(3)
    ]
    return torch.stack(channels).unsqueeze(0).float()


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


def neighbours(shift: float) -> tuple[Pair, Pair]:
    """Frames at full and at half resolution, by a camera that was `shift` left, then right."""
    pair = smooth(-shift), smooth(shift)
    return pair, (F.avg_pool2d(pair[0], 2), F.avg_pool2d(pair[1], 2))


def plain_guide(steps: int) -> ReferenceGuide:
    """Lucas-Kanade alone: what the convolutions add is silenced."""
    guide = ReferenceGuide(steps, 4)
    for step in guide.steps:
        damp(step[-1], 0.0)  # type: ignore[index]
    return guide


@pytest.mark.parametrize("steps", [1, 3])
def test_the_last_pair_alone_is_at_full_resolution(steps: int) -> None:
    with torch.no_grad():
        flows = ReferenceGuide(steps, 4)(*neighbours(1.0), STILL, smooth(0.0), EVEN)
    sizes = [[tuple(flow.shape) for flow in pair] for pair in flows]
    half, full = (1, 2, SIDE // 2, SIDE // 2), (1, 2, SIDE, SIDE)
    assert sizes == [[half, half]] * steps + [[full, full]]


def test_the_guide_corrects_both_flows_towards_the_reference() -> None:
    with torch.no_grad():
        *coarse, fine = plain_guide(2)(*neighbours(1.0), STILL, smooth(0.0), EVEN)
    # One pixel is half a pixel at half resolution.
    for pair, size, tolerance in (
        (coarse[0], 0.5, 0.05),
        (coarse[1], 0.5, 0.04),
        (fine, 1.0, 0.03),
    ):
        for flow, expected in zip(pair, (size, -size), strict=True):
            np.testing.assert_allclose(flow[INNER][0], expected, atol=tolerance)
            np.testing.assert_allclose(flow[INNER][1], 0.0, atol=tolerance)


def test_a_silent_guide_is_registration_at_half_and_then_at_full_resolution() -> None:
    full_size, half_size = neighbours(1.0)
    reference = smooth(0.0)
    with torch.no_grad():
        flows = plain_guide(2)(full_size, half_size, STILL, reference, EVEN)
        for side in (0, 1):
            flow, small = STILL[side], F.avg_pool2d(reference, 2)
            for pair in flows[:2]:
                flow = register(half_size[side], small, flow, 1)
                np.testing.assert_allclose(pair[side], flow, atol=1e-6)
            flow = register(full_size[side], reference, upsample_flow(flow), 1)
            np.testing.assert_allclose(flows[2][side], flow, atol=1e-6)


def test_what_the_convolutions_say_is_added() -> None:
    guide = plain_guide(1)
    with torch.no_grad():
        plain, _ = guide(*neighbours(1.0), STILL, smooth(0.0), EVEN)
        guide.steps[0][-1].bias.copy_(torch.tensor([0.1, -0.2, 0.3, 0.4]))  # type: ignore[index]
        moved, _ = guide(*neighbours(1.0), STILL, smooth(0.0), EVEN)
    for side, change in ((0, [0.1, -0.2]), (1, [0.3, 0.4])):
        expected = torch.tensor(change).view(1, 2, 1, 1).expand_as(STILL[0])
        np.testing.assert_allclose(moved[side] - plain[side], expected, atol=1e-6)


def test_the_guide_compares_at_the_longer_exposure() -> None:
    # The same light at 1 and 1/8 of the exposure: where neither clips, the flow is the same.
    full_size, half_size = (tuple(0.4 * x for x in pair) for pair in neighbours(1.0))
    reference, guide = 0.4 * smooth(0.0), plain_guide(2)
    with torch.no_grad():
        even = guide(full_size, half_size, STILL, reference, torch.tensor([[8.0, 8.0]]))
        short = reference * 8.0 ** (-1 / 2.2)
        uneven = guide(full_size, half_size, STILL, short, torch.tensor([[1.0, 8.0]]))
    for one, other in zip(even, uneven, strict=True):
        for flow, same in zip(one, other, strict=True):
            np.testing.assert_allclose(flow, same, atol=1e-3)
            assert float(flow.abs().mean()) > 0.1


def test_clipped_places_do_not_mislead_the_guide() -> None:
    # A reference of a far longer exposure is white where the neighbours have texture. Matched,
    # those are white as well, and there is nothing to correct.
    white = torch.ones(1, 3, SIDE, SIDE)
    with torch.no_grad():
        flows = plain_guide(2)(*neighbours(1.0), STILL, white, torch.tensor([[256.0, 1.0]]))
    assert not any(bool(flow.any()) for pair in flows for flow in pair)


def test_a_fresh_guide_is_near_lucas_kanade() -> None:
    inputs = (*neighbours(1.0), STILL, smooth(0.0), EVEN)
    guide = ReferenceGuide(1, 16)
    with torch.no_grad():
        fresh = guide(*inputs)
        damp(guide.steps[0][-1], 0.0)  # type: ignore[index]
        plain = guide(*inputs)
    for one, other in zip(fresh, plain, strict=True):
        difference = float((one[0] - other[0]).abs().mean())
        assert 0.0 < difference < 0.05


def test_the_loss_of_any_correction_teaches_the_steps_before_it() -> None:
    # Registration passes gradients on: the last pair has no layer of its own.
    guide = ReferenceGuide(2, 4)
    *_, (to_a, to_b) = guide(*neighbours(1.0), STILL, smooth(0.0), EVEN)
    (to_a.square().mean() + to_b.square().mean()).backward()
    for parameter in guide.parameters():
        assert parameter.grad is not None
        assert bool(parameter.grad.any())


def test_without_steps_there_is_nothing_to_learn() -> None:
    assert list(ReferenceGuide(0, 8).parameters()) == []
