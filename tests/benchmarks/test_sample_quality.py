"""The promise of the demo: the shipped model beats what needs no model, on the shipped clip."""

from __future__ import annotations

import numpy as np
import pytest

from lrhdr.metrics import psnr_t
from sample_quality import measure, truths


@pytest.fixture(scope="module")
def means() -> dict[str, float]:
    """Mean PSNR_T by method, dB."""
    by_method: dict[str, list[float]] = {}
    for (name, _), figures in measure("lite").items():
        by_method.setdefault(name, []).extend(decibels for decibels, _ in figures)
    return {name: float(np.mean(values)) for name, values in by_method.items()}


@pytest.mark.parametrize("weaker", ["ref", "merge"])
def test_the_result_beats_what_needs_no_model(means: dict[str, float], weaker: str) -> None:
    assert means["ours"] > means[weaker] + 1.0


def test_the_ground_truth_is_linear_light_that_the_short_exposure_just_holds() -> None:
    for truth in truths().values():
        assert truth.shape == (360, 640, 3)
        assert truth.min() >= 0.0
        assert 0.9 < truth.max() <= 1.0
        assert psnr_t(truth, truth) == float("inf")
