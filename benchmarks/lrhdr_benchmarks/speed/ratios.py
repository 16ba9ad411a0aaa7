"""How many times as long one subject takes as another, from rounds in which both were asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrhdr_benchmarks.speed.record import Case, Ratio

_RESAMPLES = 4000
_INTERVAL = (2.5, 97.5)  # percentiles


def ratio_of(
    one: Case,
    other: Case,
    one_ms: Sequence[float],
    other_ms: Sequence[float],
    *,
    seed: int = 0,
) -> Ratio:
    """The median of the rounds' ratios and its 95 % interval by bootstrap.

    What drifts slowly, as a processor that grows warm, slows both of a round and leaves their ratio
    as it is.

    Args:
        one: measured; whichever is slower by the median becomes `slow`.
        other: measured in the same rounds.
        one_ms: a time a round, at least one.
        other_ms: as many, in the same order.
        seed: of the resampling: equal times give equal intervals.
    """
    ratios = np.asarray(one_ms, np.float64) / np.asarray(other_ms, np.float64)
    slow, fast = one, other
    if np.median(ratios) < 1.0:
        slow, fast, ratios = other, one, 1.0 / ratios
    low, high = _interval(ratios, seed)
    return Ratio(
        slow=slow,
        fast=fast,
        ratio=float(np.median(ratios)),
        low=low,
        high=high,
        pairs=ratios.size,
    )


def _interval(values: NDArray[np.float64], seed: int) -> tuple[float, float]:
    chosen = np.random.default_rng(seed).integers(0, values.size, (_RESAMPLES, values.size))
    low, high = np.percentile(np.median(values[chosen], axis=1), _INTERVAL)
    return float(low), float(high)
