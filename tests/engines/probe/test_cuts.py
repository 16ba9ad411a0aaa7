"""Cuts by thumbnails alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr_engines.probe.cuts import find_cuts
from lrhdr_engines.probe.figures import LAGS, Figures

P = 32 * 18


def figures(thumbnails: NDArray[np.float32]) -> Figures:
    count = len(thumbnails)
    return Figures(
        codes=np.full((count, 192), 100.0, np.float32),
        thumbnails=thumbnails,
        changes=np.zeros((count, LAGS), np.float32),
    )


def shots(lengths: list[int], seed: int, noise: float = 1.0) -> NDArray[np.float32]:
    """Pictures of chance with some noise; every second frame a quarter as bright."""
    rng = np.random.default_rng(seed)
    frames = [
        picture + noise * rng.normal(size=P)
        for length in lengths
        for picture in [rng.uniform(40.0, 220.0, P)]
        for _ in range(length)
    ]
    stack = np.array(frames, np.float32)
    stack[1::2] /= 4.0
    return stack


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(4, 12), min_size=1, max_size=4), st.integers(0, 1000))
def test_cuts_are_where_the_picture_changes(lengths: list[int], seed: int) -> None:
    assert find_cuts(figures(shots(lengths, seed))) == tuple(np.cumsum(lengths)[:-1].tolist())


def test_every_frame_another_picture_is_no_cut() -> None:
    assert find_cuts(figures(shots([1] * 30, 0))) == ()


def test_noise_of_a_flat_picture_is_no_cut() -> None:
    flat = 100.0 + np.random.default_rng(0).normal(size=(30, P)).astype(np.float32)
    assert find_cuts(figures(flat)) == ()


def test_black_and_unknown_frames_are_no_cut() -> None:
    stack = shots([20], 0)
    stack[8:11] = 0.0
    stack[14] = np.nan
    assert find_cuts(figures(stack)) == ()


def test_no_frames_have_no_cut() -> None:
    assert find_cuts(figures(np.empty((0, P), np.float32))) == ()
