"""What the page shows of single frames."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """One output in numbers.

    Attributes:
        index: of the frame in the clip.
        phase: which exposure it has, counted from the longest.
        luma: mean code of its own exposure, 0 to 1 (BT.601 weights).
        mean_nits, high_nits: of the result's max(R, G, B): the mean, and what 1 % is above.
    """

    index: int
    phase: int
    luma: float
    mean_nits: float
    high_nits: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One frame in pictures, each a data URI.

    Attributes:
        index: in the clip.
        ev: of the exposure that `before` shows.
        before, after: its own exposure; the result, tone-mapped.
        winners: which candidate has the most weight where.
        shares: the mean weight of every candidate.
    """

    index: int
    ev: float
    before: str
    after: str
    winners: str
    shares: tuple[float, ...]
