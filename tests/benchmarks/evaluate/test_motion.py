"""Motion of known shifts, and blocks against loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrhdr.metrics import psnr
from lrhdr_benchmarks.evaluate import motion
from lrhdr_benchmarks.evaluate.motion import (
    BLOCK,
    CEILING,
    MotionBins,
    block_means,
    block_psnr,
    motion_of,
)
from tests.benchmarks.evaluate.rooms import EV, panning, scene_of


@pytest.mark.parametrize("shift", [1, 3, 5])
@pytest.mark.parametrize("known", [True, False])
def test_the_motion_is_the_shift(shift: int, known: bool) -> None:
    """By the truths where they are known, else by frames of one exposure, two frames apart."""
    scene = scene_of(panning(7, shift, 128, 128), known=known)
    found = motion_of(scene, 3)
    assert found is not None
    assert np.median(found[16:-16, 16:-16]) == pytest.approx(shift, abs=0.15)


def test_the_last_frames_look_back() -> None:
    scene = scene_of(panning(3, 2, 96, 96))
    found = motion_of(scene, 2)
    assert found is not None
    assert np.median(found) == pytest.approx(2.0, abs=0.2)
    alone = scene_of(panning(2, 2, 96, 96), EV[3], known=False)
    assert motion_of(alone, 1) is None


@pytest.mark.parametrize("size", [(300, 400), (128, 128), (100, 260), (5, 7)])
def test_blocks_are_whole_and_fit(size: tuple[int, int]) -> None:
    plane = np.random.default_rng(1).random(size)
    side = min(BLOCK, *size)
    expected = [
        plane[top : top + side, left : left + side].mean()
        for top in range(0, size[0] - side + 1, side)
        for left in range(0, size[1] - side + 1, side)
    ]
    np.testing.assert_allclose(block_means(plane), expected, rtol=1e-12)


def test_psnr_of_a_block_is_that_of_its_pixels() -> None:
    a, b = np.random.default_rng(2).random((2, 128, 256, 3))
    b[:, 128:] = a[:, 128:]
    first, second = block_psnr(a, b)
    assert first == pytest.approx(psnr(a[:, :128], b[:, :128]), abs=1e-9)
    assert second == CEILING
    assert psnr(a[:, 128:], b[:, 128:]) == math.inf


def test_bins_average_the_blocks_of_like_motion() -> None:
    bins = MotionBins()
    bins.add(np.array([0.0, 0.5, 1.0, 300.0]), {"m": np.array([30.0, 40.0, 20.0, 10.0])})
    bins.add(np.array([0.9]), {"m": np.array([35.0])})
    assert bins.counts.tolist() == [3, 1, 0, 0, 0, 1]
    assert bins.means() == {"m": [35.0, 20.0, None, None, None, 10.0]}
    assert len(motion.EDGES) == 7
