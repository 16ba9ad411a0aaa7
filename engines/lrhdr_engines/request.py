"""Which outputs of a clip are wanted, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which outputs are wanted, and how.

    Attributes:
        start: index of the first output.
        stop: end of the outputs, exclusive; None for all.
        step: 2 for every second output.
        masks: which outputs `watch` wants masks of.
        pq_white_nits: ask the model for PQ of this white; None for radiance.
    """

    start: int = 0
    stop: int | None = None
    step: int = 1
    masks: bool | Callable[[int], bool] = False
    pq_white_nits: float | None = None
