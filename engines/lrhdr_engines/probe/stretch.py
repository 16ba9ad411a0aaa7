"""A clean stretch of a clip to read the cycle from: no cut, no slip, nothing odd in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from lrhdr.errors import ExposureError
from lrhdr_engines.estimate import MAX_FRAMES, MIN_FRAMES, Estimate, estimate_tones
from lrhdr_engines.probe.figures import Figures

_SIZES = (MAX_FRAMES, 24, 12)  # frames; shorter ones where slips follow each other closely
_TRIES = 8  # of each size, spread over the clip
_ENOUGH = 3  # estimates to choose from


def clean_estimate(figures: Figures, cuts: Sequence[int]) -> Estimate:
    """What the most trustworthy stretch says; its cycle begins where the stretch does.

    Raises:
        ExposureError: no stretch says anything: what the first one was refused for.
    """
    codes = figures.codes.astype(np.float64)
    refused: ExposureError | None = None
    for size in _SIZES:
        found: list[Estimate] = []
        for start, stop in _windows(len(figures), cuts, size):
            try:
                found.append(estimate_tones(codes[start:stop]))
            except ExposureError as error:
                refused = refused or error
            if len(found) == _ENOUGH:
                break
        if found:
            return max(found, key=lambda estimate: estimate.confidence)
    if refused is None:
        return estimate_tones(codes)  # too few frames: says so
    raise refused


def _windows(count: int, cuts: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """Stretches of at most `size` frames between cuts, whole ones first, spread over the clip."""
    bounds = [0, *cuts, count]
    windows = [
        (start, min(start + size, end))
        for begin, end in pairwise(bounds)
        for start in range(begin, end, size)
        if min(start + size, end) - start >= MIN_FRAMES
    ]
    windows.sort(key=lambda window: window[0] - window[1])  # stable: the longest first
    apart = max(1, len(windows) // _TRIES)
    yield from windows[::apart]
