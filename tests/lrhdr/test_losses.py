from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest
import torch
from entmax import entmax_bisect_loss
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from lrhdr.losses import (
    LossWeights,
    accr_loss,
    gradient_loss,
    recon_loss,
    total_loss,
    vote_loss,
    votes,
)
from lrhdr.model.network import Reconstruction

Image = NDArray[np.float64]
ALPHA = 1.75
SHAPE = (2, 3, 8, 12)

seeds = st.integers(0, 2**16)
stream_counts = st.sampled_from([2, 3])
weights = st.builds(
    LossWeights,
    **{
        name: st.sampled_from([0.0, 0.01, 0.5, 2.0])
        for name in ("recon", "accr", "vote", "accr_l1", "accr_gradient", "eta")
    },
)


def images(seed: int, count: int) -> list[Image]:
    rng = np.random.default_rng(seed)
    return [rng.random(SHAPE) ** 4 for _ in range(count)]


def torches(arrays: list[Image]) -> list[Tensor]:
    return [torch.from_numpy(a) for a in arrays]


def tone(radiance: Image) -> Image:
    """Eq. 12."""
    return np.asarray(np.log(1.0 + 5000.0 * radiance) / np.log(5001.0))


def halved(image: Image) -> Image:
    return np.asarray(
        (
            image[..., ::2, ::2]
            + image[..., 1::2, ::2]
            + image[..., ::2, 1::2]
            + image[..., 1::2, 1::2]
        )
        / 4.0
    )


def one_scale(a: Image, b: Image) -> float:
    """Eq. 15, pixel by pixel where both differences exist."""
    values = []
    for image, other in zip(a.reshape(-1, *a.shape[2:]), b.reshape(-1, *b.shape[2:]), strict=True):
        for y in range(image.shape[0] - 1):
            for x in range(image.shape[1] - 1):
                gx = image[y, x + 1] - image[y, x] - (other[y, x + 1] - other[y, x])
                gy = image[y + 1, x] - image[y, x] - (other[y + 1, x] - other[y, x])
                values.append(np.sqrt(gx**2 + gy**2 + 1e-6))
    return float(np.mean(values))


def gradient(a: Image, b: Image) -> float:
    """Eq. 15 at three scales with the weights of the text, normalised."""
    half_a, half_b = halved(a), halved(b)
    scales = ((a, b, 1.0), (half_a, half_b, 0.5), (halved(half_a), halved(half_b), 0.25))
    return sum(weight * one_scale(x, y) for x, y, weight in scales) / 1.75


def accr(streams: list[Image], truth: Image, w: LossWeights) -> float:
    """Eqs. 11, 13 and 14; eta is shared by the interpolated streams."""
    l1 = [float(np.abs(tone(s) - tone(truth)).mean()) for s in streams]
    grad = [gradient(tone(s), tone(truth)) for s in streams]
    eta = w.eta / (len(streams) - 1)
    return w.accr_l1 * (l1[0] + eta * sum(l1[1:])) + w.accr_gradient * (
        grad[0] + eta * sum(grad[1:])
    )


def oracle(candidates: list[Image], truth: Image) -> NDArray[np.int64]:
    """Eq. 19."""
    errors = [((tone(c) - tone(truth)) ** 2).sum(axis=1) for c in candidates]
    return np.asarray(np.argmin(np.stack(errors), axis=0), dtype=np.int64)


def vote(logits: Image, candidates: list[Image], truth: Image, alpha: float) -> float:
    """Eq. 20, its cross-entropy by the entmax package."""
    pixels = torch.from_numpy(logits).permute(0, 2, 3, 1).reshape(-1, logits.shape[1])
    label = torch.from_numpy(oracle(candidates, truth).reshape(-1))
    return float(entmax_bisect_loss(pixels, label, alpha, 80).mean())


def test_the_weights_are_the_papers() -> None:
    w = LossWeights()
    assert (w.recon, w.accr, w.vote, w.accr_l1, w.accr_gradient, w.eta) == (
        1.0,
        0.1,
        0.5,
        1.0,
        0.01,
        0.7,
    )
    # Two that the paper does not have: one where FILM is trained along, one that is off.
    assert (len(astuple(w)), w.film, w.square) == (8, 0.2, 0.0)


@given(seed=seeds)
def test_the_reconstruction_loss_is_equation_21(seed: int) -> None:
    hdr, truth = images(seed, 2)
    expected = np.abs(tone(hdr) - tone(truth)).mean()
    assert float(recon_loss(*torches([hdr, truth]))) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_loss_is_equation_15_at_three_scales(seed: int) -> None:
    a, b = images(seed, 2)
    found = float(gradient_loss(*torches([a, b])))
    assert found == pytest.approx(gradient(a, b), rel=1e-10)


@given(seed=seeds, offset=st.floats(-1.0, 1.0))
def test_the_gradient_loss_ignores_a_constant(seed: int, offset: float) -> None:
    (a,) = torches(images(seed, 1))
    assert float(gradient_loss(a + offset, a)) == pytest.approx(1e-3, rel=1e-6)


@given(seed=seeds, count=stream_counts, w=weights)
@settings(max_examples=25)  # the reference goes pixel by pixel
def test_the_accr_loss_is_equations_11_13_and_14(seed: int, count: int, w: LossWeights) -> None:
    *streams, truth = (image[:1, :, :, :8] for image in images(seed, count + 1))
    found = float(accr_loss(torches(streams), torch.from_numpy(truth), w))
    assert found == pytest.approx(accr(streams, truth, w), rel=1e-9)


def test_the_reference_stream_is_the_first() -> None:
    good, bad, truth = images(0, 3)
    good = truth.copy()
    w = LossWeights(accr_gradient=0.0)
    reference_bad = float(accr_loss(torches([bad, good]), torch.from_numpy(truth), w))
    film_bad = float(accr_loss(torches([good, bad]), torch.from_numpy(truth), w))
    assert film_bad == pytest.approx(0.7 * reference_bad)


@given(seed=seeds, count=st.sampled_from([4, 6, 10]))
def test_votes_are_equation_19(seed: int, count: int) -> None:
    *candidates, truth = images(seed, count + 1)
    found = votes(torches(candidates), torch.from_numpy(truth))
    assert found.dtype == torch.int64
    np.testing.assert_array_equal(found, oracle(candidates, truth))


def test_votes_are_cast_in_the_tone_mapped_domain() -> None:
    # 0.1 is nearer to 0.05 than 0 is only where the dark counts as much as it does in T.
    truth = torch.full((1, 3, 1, 1), 0.04)
    dark, bright = torch.zeros_like(truth), torch.full_like(truth, 0.1)
    assert votes([dark, bright], truth).item() == 1


@given(seed=seeds, count=st.sampled_from([4, 6, 10]), alpha=st.sampled_from([1.5, 1.75, 2.0]))
def test_the_vote_loss_is_equation_20(seed: int, count: int, alpha: float) -> None:
    *candidates, truth = images(seed, count + 1)
    logits = np.random.default_rng(seed).normal(size=(2, count, 8, 12))
    found = vote_loss(torch.from_numpy(logits), torches(candidates), torch.from_numpy(truth), alpha)
    expected = vote(logits, candidates, truth, alpha)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_the_vote_loss_teaches_the_logits_only() -> None:
    *candidates, truth = torches(images(0, 5))
    logits = torch.zeros(2, 4, 8, 12, dtype=torch.float64, requires_grad=True)
    for candidate in candidates:
        candidate.requires_grad_()
    torch.autograd.backward(vote_loss(logits, candidates, truth, ALPHA))
    assert logits.grad is not None
    assert all(candidate.grad is None for candidate in candidates)
    best = votes(candidates, truth).unsqueeze(1)
    assert bool((logits.grad.gather(1, best) < 0.0).all())
    np.testing.assert_allclose(logits.grad.sum(dim=1), np.zeros((2, 8, 12)), atol=1e-12)


def reconstruction(seed: int, count: int) -> tuple[Reconstruction, Image, list[Image], Image]:
    hdr, *candidates, truth = images(seed, count + 2)
    logits = np.random.default_rng(seed).normal(size=(2, count, 8, 12))
    result = Reconstruction(
        hdr=torch.from_numpy(hdr),
        masks=torch.from_numpy(logits),  # no loss looks at the masks
        logits=torch.from_numpy(logits),
        candidates=torches(candidates),
    )
    return result, hdr, candidates, truth


@pytest.mark.parametrize(("count", "streams"), [(6, 2), (10, 3)])
@pytest.mark.parametrize(
    "w", [LossWeights(), LossWeights(recon=0.3, accr=2.0, vote=0.1, accr_l1=0.5, eta=0.2)]
)
def test_the_total_is_equation_22(count: int, streams: int, w: LossWeights) -> None:
    result, hdr, candidates, truth = reconstruction(3, count)
    total, parts = total_loss(
        result, torch.from_numpy(truth), accr_streams=streams, alpha=ALPHA, weights=w
    )
    expected = {
        "recon": float(np.abs(tone(hdr) - tone(truth)).mean()),
        "accr": accr(candidates[-streams:], truth, w),
        "vote": vote(result.logits.numpy(), candidates, truth, ALPHA),
    }
    assert parts == pytest.approx(expected, rel=1e-9)
    weighted = w.recon * parts["recon"] + w.accr * parts["accr"] + w.vote * parts["vote"]
    assert float(total) == pytest.approx(weighted, rel=1e-9)


def test_parts_that_are_switched_off_are_left_out() -> None:
    result, _, _, truth = reconstruction(0, 6)

    def parts(streams: int, w: LossWeights) -> set[str]:
        target = torch.from_numpy(truth)
        _, found = total_loss(result, target, accr_streams=streams, alpha=ALPHA, weights=w)
        return set(found)

    everything = LossWeights()
    assert parts(2, everything) == {"recon", "accr", "vote"}
    assert parts(0, everything) == {"recon", "vote"}
    assert parts(2, replace(everything, accr=0.0)) == {"recon", "vote"}
    assert parts(2, replace(everything, vote=0.0)) == {"recon", "accr"}


def test_nothing_is_lost_at_the_truth() -> None:
    *others, truth = torches(images(0, 5))
    candidates = [*others, truth, truth]
    logits = torch.zeros(2, 6, 8, 12, dtype=torch.float64)
    logits[:, 4] = 100.0
    result = Reconstruction(hdr=truth, masks=logits, logits=logits, candidates=candidates)
    total, parts = total_loss(result, truth, accr_streams=2, alpha=ALPHA, weights=LossWeights())
    # Eq. 15's epsilon leaves sqrt(1e-6) for each stream.
    floor = 0.01 * 1e-3 * 1.7
    assert parts == pytest.approx({"recon": 0.0, "accr": floor, "vote": 0.0}, abs=1e-12)
    assert float(total) == pytest.approx(0.1 * floor, abs=1e-12)


def test_gradients_at_the_truth_are_finite() -> None:
    truth = torch.from_numpy(images(0, 1)[0])
    stream = truth.clone().requires_grad_()
    torch.autograd.backward(accr_loss([stream, stream], truth, LossWeights()))
    assert stream.grad is not None
    assert bool(torch.isfinite(stream.grad).all())
