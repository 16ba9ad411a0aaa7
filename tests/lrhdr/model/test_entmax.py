from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from entmax import entmax_bisect, entmax_bisect_loss
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lrhdr.model.entmax import Entmax, entmax, entmax_forward, entmax_loss

ALPHAS = [1.01, 1.05, 1.1, 1.25, 1.5, 1.75, 2.0]
BISECTIONS = 80  # of the oracle: more than float64 can hold

alphas = st.sampled_from(ALPHAS)
# A magnitude first: uniform floats would hardly ever lie close enough to share the mass.
rows = st.builds(
    lambda values, scale: [scale * value for value in values],
    st.lists(st.floats(-1.0, 1.0, allow_subnormal=False), min_size=1, max_size=16),
    st.sampled_from([1e-3, 0.1, 1.0, 5.0, 50.0, 1e4]),
)


def row(values: list[float]) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def oracle(logits: Tensor, alpha: float, dim: int = 1) -> Tensor:
    result: Tensor = entmax_bisect(logits, alpha, dim=dim, n_iter=BISECTIONS)
    return result


def random_logits(*shape: int, scale: float = 1.0, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)


@given(values=rows, alpha=alphas)
def test_it_is_the_entmax_package(values: list[float], alpha: float) -> None:
    found = entmax(row(values), alpha)
    np.testing.assert_allclose(found, oracle(row(values), alpha), rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_it_is_the_entmax_package_for_every_count(alpha: float) -> None:
    for count, scale in itertools.product(range(1, 17), (0.1, 1.0, 4.0, 20.0, 1e4)):
        logits = random_logits(100, count, scale=scale, seed=count)
        found = entmax(logits, alpha)
        np.testing.assert_allclose(found, oracle(logits, alpha), rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("alpha", [1.1, 1.5, 1.75, 2.0])
def test_float32_is_the_entmax_package_too(alpha: float) -> None:
    logits = random_logits(1000, 10, scale=2.0)
    found = entmax(logits.float(), alpha)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, oracle(logits, alpha), rtol=0.0, atol=1e-5)


@given(values=rows, alpha=alphas)
def test_results_are_probabilities_in_the_order_of_the_logits(
    values: list[float], alpha: float
) -> None:
    p = entmax(row(values), alpha)[0]
    assert bool((p >= 0.0).all())
    assert float(p.sum()) == pytest.approx(1.0, abs=1e-12)
    order = np.argsort(values, kind="stable")
    # Equal logits may differ in the last bit: one power is vectorised, another is not.
    assert bool((np.diff(p.numpy()[order]) >= -1e-15).all())


@given(values=rows, alpha=alphas, shift=st.floats(-1e3, 1e3))
def test_a_constant_added_to_every_logit_changes_nothing(
    values: list[float], alpha: float, shift: float
) -> None:
    moved = entmax(row(values) + shift, alpha)
    # Adding the constant rounds the logits by up to 1e-12 (1e4 holds no more digits).
    np.testing.assert_allclose(moved, entmax(row(values), alpha), rtol=0.0, atol=1e-10)


@given(values=rows, alpha=alphas, seed=st.integers(0, 99))
def test_candidates_can_come_in_any_order(values: list[float], alpha: float, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(values))
    permuted = entmax(row([values[i] for i in order]), alpha)
    np.testing.assert_allclose(permuted, entmax(row(values), alpha)[:, order], atol=1e-12)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_gap_of_one_over_alpha_minus_one_gives_exact_zeros(alpha: float) -> None:
    # tau is never below -1, so that this gap leaves nothing for the others.
    gap = 1.0 / (alpha - 1.0)
    assert entmax(row([0.0, -gap, -2.0 * gap]), alpha).tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("alpha", [1.5, 1.75, 2.0])
def test_the_zeros_are_those_of_the_package(alpha: float) -> None:
    logits = random_logits(2000, 10, scale=2.0)
    found, expected = entmax(logits, alpha), oracle(logits, alpha)
    clear = (expected == 0.0) | (expected > 1e-9)  # an edge may fall to either side
    assert torch.equal((found == 0.0)[clear], (expected == 0.0)[clear])
    assert 0.2 < float((found == 0.0).double().mean()) < 0.9


@given(count=st.integers(1, 16), alpha=alphas)
def test_ties_share_alike(count: int, alpha: float) -> None:
    tied = entmax(torch.full((1, count), 3.7, dtype=torch.float64), alpha)
    np.testing.assert_allclose(tied, np.full((1, count), 1.0 / count), atol=1e-12)
    with_loser = entmax(row([3.7] * count + [-1e4]), alpha)
    np.testing.assert_allclose(with_loser[0, :-1], np.full(count, 1.0 / count), atol=1e-12)
    assert float(with_loser[0, -1]) == 0.0


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_huge_logits_choose_one(alpha: float, dtype: torch.dtype) -> None:
    logits = torch.tensor([[1e4, 0.0, -1e4, 9e3], [-1e4, -2e4, -3e4, -4e4]], dtype=dtype)
    assert entmax(logits, alpha).tolist() == [[1.0, 0.0, 0.0, 0.0]] * 2


@given(value=st.floats(-1e4, 1e4), alpha=alphas)
def test_one_candidate_takes_everything(value: float, alpha: float) -> None:
    assert entmax(row([value]), alpha).tolist() == [[1.0]]


def test_two_candidates_at_alpha_two_are_a_clipped_line() -> None:
    gaps = torch.linspace(-2.0, 2.0, 41, dtype=torch.float64)
    logits = torch.stack([gaps, torch.zeros_like(gaps)], dim=1)
    expected = ((1.0 + gaps) / 2.0).clamp(0.0, 1.0)
    np.testing.assert_allclose(entmax(logits, 2.0)[:, 0], expected, atol=1e-14)


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_the_axis_can_be_chosen(dim: int) -> None:
    logits = random_logits(3, 4, 5)
    expected = oracle(logits, 1.75, dim=dim)
    np.testing.assert_allclose(entmax(logits, 1.75, dim=dim), expected, atol=1e-9)


def test_the_module_works_on_channels() -> None:
    logits = random_logits(2, 6, 3, 4)
    assert torch.equal(Entmax(1.5)(logits), entmax(logits, 1.5, dim=1))
    assert torch.equal(entmax_forward(logits, 1.5), entmax(logits, 1.5))


@pytest.mark.parametrize("alpha", [-1.0, 0.0, 1.0, 1.0099, 2.0001, 3.0, float("nan")])
def test_alpha_outside_its_range_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match=r"expected a number in \[1.01, 2.0\]"):
        entmax(row([1.0, 2.0]), alpha)


def inside_the_support(logits: Tensor, alpha: float) -> bool:
    """No candidate so near to the edge of the support that a finite difference crosses it."""
    p = oracle(logits, alpha)
    x = (alpha - 1.0) * logits
    first = logits.argmax(dim=1, keepdim=True)
    tau = x.gather(1, first) - p.gather(1, first) ** (alpha - 1.0)
    return bool(((x - tau).abs() > 1e-3).all())


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("count", [1, 6, 10])
def test_the_gradient_is_that_of_finite_differences(alpha: float, count: int) -> None:
    candidates = (random_logits(3, count, seed=seed) for seed in range(50))
    logits = next(z for z in candidates if inside_the_support(z, alpha)).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: entmax(z, alpha), (logits,), eps=1e-7, atol=1e-5)


@given(values=rows, alpha=alphas, seed=st.integers(0, 99))
def test_gradients_are_finite_sum_to_zero_and_leave_the_zeros_alone(
    values: list[float], alpha: float, seed: int
) -> None:
    logits = row(values).requires_grad_()
    p = entmax(logits, alpha)
    (gradient,) = torch.autograd.grad(p, logits, random_logits(1, len(values), seed=seed))
    assert bool(torch.isfinite(gradient).all())
    assert float(gradient.sum()) == pytest.approx(0.0, abs=1e-10)
    assert bool((gradient[p == 0.0] == 0.0).all())


def images(logits: Tensor) -> Tensor:
    """(pixels, N) to (1, N, pixels, 1)."""
    return logits.T[None, :, :, None]


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("count", [1, 6, 16])
def test_the_loss_is_that_of_the_entmax_package(alpha: float, count: int) -> None:
    for scale in (0.1, 1.0, 5.0, 100.0):
        logits = random_logits(200, count, scale=scale, seed=count)
        label = torch.randint(count, (200,), generator=torch.Generator().manual_seed(1))
        found = entmax_loss(images(logits), label[None, :, None], alpha)
        assert found.shape == (1, 200, 1)
        expected = entmax_bisect_loss(logits, label, alpha, BISECTIONS)
        np.testing.assert_allclose(found[0, :, 0], expected, rtol=1e-12, atol=1e-9)


@given(values=rows, alpha=alphas, data=st.data())
def test_the_loss_is_not_negative_and_zero_only_for_the_label_alone(
    values: list[float], alpha: float, data: st.DataObject
) -> None:
    label = data.draw(st.integers(0, len(values) - 1))
    logits = images(row(values))
    loss = float(entmax_loss(logits, torch.tensor([[[label]]]), alpha))
    chosen = float(entmax(row(values), alpha)[0, label])
    assert loss >= -1e-9
    if chosen == 1.0:
        assert loss == pytest.approx(0.0, abs=1e-9)
    elif chosen < 0.5:
        assert loss > 1e-3


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_gradient_of_the_loss_is_p_minus_one_hot(alpha: float) -> None:
    logits = random_logits(2, 6, 3, 4, scale=2.0).requires_grad_()
    label = torch.randint(6, (2, 3, 4), generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad(entmax_loss(logits, label, alpha).sum(), logits)
    one_hot = torch.nn.functional.one_hot(label, 6).permute(0, 3, 1, 2)
    expected = oracle(logits.detach(), alpha) - one_hot
    np.testing.assert_allclose(gradient, expected, atol=1e-9)
    numeric = logits.detach()[:1, :, :1, :1].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: entmax_loss(z, label[:1, :1, :1], alpha), (numeric,))
