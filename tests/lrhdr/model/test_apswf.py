from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from lrhdr import light
from lrhdr.contract import WINDOWS
from lrhdr.model.apswf import Apswf, TripletAttention, fuse, merge_weights
from lrhdr.model.config import ApswfConfig
from lrhdr.model.entmax import entmax
from lrhdr.model.ops import upsample

SPARSE = ApswfConfig(widths=(4, 4, 6, 6), convs=(1, 2, 1, 1))
DENSE = replace(SPARSE, dense=True)
KINDS = pytest.mark.parametrize("config", [SPARSE, DENSE], ids=["sparse", "dense"])

counts = st.sampled_from([4, 6, 7, 10])
seeds = st.integers(0, 2**16)


def random_logits(seed: int, count: int, scale: float = 2.0) -> Tensor:
    return torch.from_numpy(scale * np.random.default_rng(seed).normal(size=(2, count, 3, 4)))


@KINDS
@given(seed=seeds, count=counts, scale=st.sampled_from([0.1, 2.0, 30.0]))
def test_masks_are_a_distribution(config: ApswfConfig, seed: int, count: int, scale: float) -> None:
    masks = Apswf(config, 1, count).masks(random_logits(seed, count, scale))
    assert masks.shape == (2, count, 3, 4)
    assert bool((masks >= 0.0).all())
    np.testing.assert_allclose(masks.sum(dim=1), np.ones((2, 3, 4)), atol=1e-12)


def test_sparse_masks_are_entmax_with_exact_zeros() -> None:
    logits = random_logits(0, 6)
    for alpha in (1.5, 1.75):
        masks = Apswf(replace(SPARSE, alpha=alpha), 1, 6).masks(logits)
        assert torch.equal(masks, entmax(logits, alpha, dim=1))
        assert bool((masks == 0.0).any())


def test_dense_masks_are_sigmoids_over_their_sum() -> None:
    logits = random_logits(0, 6)
    masks = Apswf(DENSE, 1, 6).masks(logits)
    sigmoid = 1.0 / (1.0 + np.exp(-logits.numpy()))
    np.testing.assert_allclose(masks, sigmoid / sigmoid.sum(axis=1, keepdims=True), rtol=1e-12)
    assert bool((masks > 0.0).all())


@given(seed=seeds, count=counts)
def test_fusion_is_equation_18(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    masks, candidates = rng.random((2, count, 3, 4)), rng.random((count, 2, 3, 3, 4))
    found = fuse(torch.from_numpy(masks), [torch.from_numpy(c) for c in candidates])
    expected = np.einsum("bnyx,nbcyx->bcyx", masks, candidates)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@KINDS
@given(seed=seeds, count=counts)
def test_a_fused_pixel_lies_between_its_candidates(
    config: ApswfConfig, seed: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    candidates = torch.from_numpy(rng.random((count, 2, 3, 3, 4)))
    masks = Apswf(config, 1, count).masks(random_logits(seed, count))
    fused = fuse(masks, list(candidates))
    assert bool((fused >= candidates.amin(dim=0) - 1e-12).all())
    assert bool((fused <= candidates.amax(dim=0) + 1e-12).all())


def test_a_one_hot_mask_picks_its_candidate() -> None:
    candidates = torch.rand(6, 1, 3, 2, 2)
    masks = torch.zeros(1, 6, 2, 2)
    masks[:, 4] = 1.0
    assert torch.equal(fuse(masks, list(candidates)), candidates[4])


def expected_attention(x: Tensor, attention: TripletAttention) -> Tensor:
    """Rotate, pool the first axis to max and mean, 7x7, sigmoid, rotate back; the mean of three."""
    branches = []
    for axis, gate in enumerate(attention.gates, start=1):
        rotated = x.transpose(1, axis)
        pooled = torch.stack([rotated.max(dim=1).values, rotated.mean(dim=1)], dim=1)
        conv = gate.conv
        assert isinstance(conv, nn.Conv2d)
        scale = torch.sigmoid(F.conv2d(pooled, conv.weight, conv.bias, padding=3))
        branches.append((rotated * scale).transpose(1, axis))
    return torch.stack(branches).mean(dim=0)


@given(
    seed=seeds,
    channels=st.integers(1, 9),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
@settings(max_examples=30)
def test_triplet_attention_gates_across_every_pair_of_axes(
    seed: int, channels: int, height: int, width: int
) -> None:
    attention = TripletAttention().double()
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, channels, height, width)))
    with torch.no_grad():
        found, expected = attention(x), expected_attention(x, attention)
    assert found.shape == x.shape
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert bool((found.abs() <= x.abs()).all())


def test_attention_is_built_in_unless_the_fusion_is_dense() -> None:
    for config, expected in ((SPARSE, 4), (DENSE, 0)):
        modules = list(Apswf(config, 5, 6).modules())
        assert sum(isinstance(module, TripletAttention) for module in modules) == expected


@KINDS
@pytest.mark.parametrize("count", [6, 10])
@pytest.mark.parametrize("value", [0.0, 1.0, None])
def test_logits_are_finite(config: ApswfConfig, count: int, value: float | None) -> None:
    x = torch.rand(2, 5, 16, 24) if value is None else torch.full((2, 5, 16, 24), value)
    with torch.no_grad():
        logits = Apswf(config, 5, count).logits(x)
    assert logits.shape == (2, count, 16, 24)
    assert logits.dtype == torch.float32
    assert bool(torch.isfinite(logits).all())


def silence(head: nn.Module) -> nn.Conv2d:
    assert isinstance(head, nn.Conv2d)
    nn.init.zeros_(head.weight)
    return head


def test_the_logits_of_all_scales_are_added() -> None:
    apswf, x = Apswf(SPARSE, 5, 6), torch.rand(1, 5, 16, 24)
    assert len(apswf.heads) == 4
    for scale, head in enumerate(apswf.heads):
        nn.init.constant_(silence(head).bias, 10.0**scale)  # type: ignore[arg-type]
    with torch.no_grad():
        np.testing.assert_allclose(apswf.logits(x), np.full((1, 6, 16, 24), 1111.0))


def test_a_coarse_head_is_seen_through_bilinear_upsampling() -> None:
    apswf, x = Apswf(SPARSE, 5, 6), torch.rand(1, 5, 16, 24)
    for head in apswf.heads[:3]:
        nn.init.zeros_(silence(head).bias)  # type: ignore[arg-type]
    seen: list[Tensor] = []
    apswf.heads[3].register_forward_hook(lambda _module, _args, output: seen.append(output))
    with torch.no_grad():
        logits = apswf.logits(x)
    assert seen[0].shape == (1, 6, 2, 3)
    assert torch.equal(logits, upsample(upsample(upsample(seen[0]))))
    assert float(logits.std()) > 0.0


def test_a_dense_fusion_has_one_head() -> None:
    apswf, x = Apswf(DENSE, 5, 6), torch.rand(1, 5, 16, 24)
    assert len(apswf.heads) == 1
    nn.init.constant_(silence(apswf.heads[0]).bias, 3.0)  # type: ignore[arg-type]
    with torch.no_grad():
        assert torch.equal(apswf.logits(x), torch.full((1, 6, 16, 24), 3.0))


def test_stages_have_the_convolutions_that_were_asked_for() -> None:
    apswf = Apswf(SPARSE, 5, 6)
    assert [len(stage.body) for stage in apswf.encoder] == [1, 2, 1, 1]  # type: ignore[arg-type]
    assert [len(stage.body) for stage in apswf.decoder] == [1, 2, 1]  # type: ignore[arg-type]


@KINDS
def test_a_fresh_fusion_is_undecided(config: ApswfConfig) -> None:
    apswf = Apswf(config, 5, 6)
    with torch.no_grad():
        masks = apswf.masks(apswf.logits(torch.rand(1, 5, 16, 24)))
    assert float(masks.mean(dim=(0, 2, 3)).max()) < 0.75


# Exposures of the reference and of the interpolated frames, for every part they can play.
Role = tuple[float, ...]
roles = st.sampled_from([*permutations((1.0, 8.0)), *permutations((1.0, 4.0, 16.0))])
lumas = st.lists(st.floats(0.0, 1.0), min_size=12, max_size=12)


def grey(luma: list[float], dtype: torch.dtype) -> Tensor:
    return torch.tensor(luma, dtype=dtype).view(1, 1, 3, 4).expand(1, 3, 3, 4)


def merged(frame: Tensor, role: Role) -> tuple[Tensor, list[int]]:
    """`merge_weights` for a window, and which candidates are the reference and the others."""
    window = WINDOWS[len(role)]
    slots = [window.reference, *range(window.frames, window.frames + len(role) - 1)]
    reference, *others = (torch.tensor([e], dtype=frame.dtype) for e in role)
    return merge_weights(frame, reference, others, slots, window.candidates), slots


@given(seed=seeds, role=roles)
def test_merge_weights_are_the_classical_merge_by_luma(seed: int, role: Role) -> None:
    reference, *others = role
    frame = np.random.default_rng(seed).random((1, 3, 3, 4)) ** 2.0
    weights, slots = merged(torch.from_numpy(frame), role)
    y = light.luma(frame[0].transpose(1, 2, 0))
    # Below 0.2 and above 0.8, as far as the luma is beyond.
    expected = np.zeros((WINDOWS[len(role)].candidates, 3, 4))
    expected[slots[0]] = 1.0
    for gain, side in (
        (np.clip(1.0 - y / 0.2, 0.0, 1.0), [e > reference for e in others]),
        (np.clip((y - 0.8) / 0.2, 0.0, 1.0), [e < reference for e in others]),
    ):
        for slot, helps in zip(slots[1:], side, strict=True):
            if helps:
                expected[slot] += gain / sum(side)
                expected[slots[0]] -= gain / sum(side)
    np.testing.assert_allclose(weights[0], expected, atol=1e-12)


def test_every_picture_of_a_batch_is_merged_by_its_own_exposures() -> None:
    frame = torch.full((2, 3, 1, 1), 0.1)
    weights = merge_weights(
        frame, torch.tensor([1.0, 8.0]), [torch.tensor([8.0, 1.0])], [1, 3], candidates=6
    )
    np.testing.assert_allclose(weights[0].flatten(), [0.0, 0.5, 0.0, 0.5, 0.0, 0.0], atol=1e-6)
    # The long frame is dark because the scene is; a shorter one does not help.
    np.testing.assert_allclose(weights[1].flatten(), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0], atol=1e-6)


@given(luma=lumas, role=roles, alpha=st.sampled_from([1.5, 1.75, 2.0]), wide=st.booleans())
@settings(max_examples=40)
def test_the_prior_makes_masks_of_the_merge(
    luma: list[float], role: Role, alpha: float, wide: bool
) -> None:
    frame = grey(luma, torch.float64 if wide else torch.float32)
    weights, _ = merged(frame, role)
    apswf = Apswf(replace(SPARSE, prior=True, alpha=alpha), 1, weights.shape[1])
    masks = apswf.masks(apswf.prior(weights))
    assert masks.dtype == frame.dtype
    np.testing.assert_allclose(masks, weights, atol=1e-10 if wide else 1e-5)


@given(luma=lumas, role=roles)
@settings(max_examples=40)
def test_a_dense_prior_is_the_merge_with_a_thousandth_for_the_others(
    luma: list[float], role: Role
) -> None:
    weights, _ = merged(grey(luma, torch.float64), role)
    apswf = Apswf(replace(DENSE, prior=True), 1, weights.shape[1])
    logits = apswf.prior(weights)
    assert bool(torch.isfinite(logits).all())
    masks = apswf.masks(logits)
    assert bool((masks > 0.0).all())
    floored = weights.clamp(min=1e-3)
    np.testing.assert_allclose(masks, floored / floored.sum(dim=1, keepdim=True), rtol=1e-9)
    np.testing.assert_allclose(masks, weights, atol=1e-3 * weights.shape[1])


@KINDS
def test_a_fresh_fusion_stays_near_its_prior(config: ApswfConfig) -> None:
    weights, _ = merged(torch.rand(1, 3, 16, 24), (1.0, 8.0))
    apswf = Apswf(replace(config, prior=True), 5, 6)
    with torch.no_grad():
        masks = apswf.masks(apswf.logits(torch.rand(1, 5, 16, 24)) + apswf.prior(weights))
    difference = float((masks - weights).abs().sum(dim=1).mean())
    assert 0.0 < difference < 0.2
