"""How a model's fusion votes: which candidate wins, and how many have a say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """Of one frame.

    Attributes:
        wins: share of the pixels at which each candidate has the largest mask; sums to 1.
        alive: mean number of candidates with a mask above zero.
    """

    wins: tuple[float, ...]
    alive: float


def count_votes(masks: NDArray[np.float32]) -> Vote:
    """Count over masks (H, W, N). Where masks are equal, the first candidate wins."""
    count = masks.shape[2]
    winners = np.bincount(masks.argmax(axis=2).ravel(), minlength=count)
    alive = float((masks > 0.0).sum(axis=2).mean())
    return Vote(wins=tuple((winners / winners.sum()).tolist()), alive=alive)
