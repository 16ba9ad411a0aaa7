"""The meter of a frame, and how a model votes, against the obvious way."""

from __future__ import annotations

import numpy as np
import pytest

from lrhdr.metrics import masked_prediction, psnr_pq, psnr_t, ssim_pq, ssim_t
from lrhdr_benchmarks.evaluate.measures import MEASURES, Domains, as_measured, fidelity
from lrhdr_benchmarks.evaluate.vote import count_votes

A, B = np.random.default_rng(1).random((2, 12, 14, 3))


def test_fidelity_is_made_of_the_metrics() -> None:
    assert fidelity(Domains.of(A), Domains.of(B)) == pytest.approx(
        {
            "psnr_t": psnr_t(A, B),
            "ssim_t": ssim_t(A, B),
            "psnr_pq": psnr_pq(A, B),
            "ssim_pq": ssim_pq(A, B),
        },
        abs=1e-9,
    )
    assert fidelity(Domains.of(A), Domains.of(B)).keys() <= MEASURES.keys()


def test_light_beyond_the_range_counts_as_its_end() -> None:
    beyond = np.array([[[-1.0, 0.5, 7.0]]])
    assert Domains.of(beyond).linear.tolist() == [[[0.0, 0.5, 1.0]]]


def test_protocols() -> None:
    raw = Domains.of(A)
    assert as_measured(raw, "raw", B, 8.0, "high") is raw
    masked = as_measured(raw, "masked", B, 8.0, "high")
    np.testing.assert_array_equal(masked.linear, masked_prediction(A, B, 8.0, "high"))


def test_votes_are_counted_pixel_by_pixel() -> None:
    masks = np.random.default_rng(2).dirichlet(np.full(6, 0.3), (9, 11)).astype(np.float32)
    masks[masks < 0.05] = 0.0
    wins, alive = [0] * 6, 0
    for pixel in masks.reshape(-1, 6):
        wins[max(range(6), key=lambda i: pixel[i])] += 1
        alive += sum(1 for share in pixel if share > 0.0)
    vote = count_votes(masks)
    assert vote.wins == pytest.approx([count / 99 for count in wins])
    assert vote.alive == pytest.approx(alive / 99)
    assert sum(vote.wins) == pytest.approx(1.0)
