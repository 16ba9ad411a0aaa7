"""The rhythm of a clip whose every frame's exposure is listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lrhdr_engines.probe.steps import Rhythm

_ALIKE = 0.1  # EV; cameras write what they set with some jitter
_TOO_MANY_BREAKS = 0.2  # a frame


def rhythm_of(values: Sequence[float], count: int) -> tuple[Rhythm, tuple[float, ...]] | None:
    """Positions in a cycle that frame 0 begins, and its EVs; None where there is no such cycle.

    Args:
        values: every frame's EV; where there are too few, the rhythm goes on from the last.
        count: frames of the clip.
    """
    named = _levels(values)
    period = len(set(named))
    if period not in (2, 3):
        return None
    follower: dict[int, int] = {}
    for level in set(named):
        after = Counter(b for a, b in pairwise(named) if a == level and b != a)
        if after:
            follower[level] = after.most_common(1)[0][0]
    cycle = [named[0]]
    while len(cycle) < period:
        cycle.append(follower.get(cycle[-1], -1))
    if sorted(cycle) != list(range(period)):
        return None
    place = {level: position for position, level in enumerate(cycle)}
    position = np.array([place[level] for level in named], np.intp)
    rest = position[-1] + 1 + np.arange(count - len(named))
    position = np.concatenate([position, rest % period])
    broken = np.diff(position) % period != 1
    if broken.sum() > _TOO_MANY_BREAKS * len(values):
        return None
    run = np.concatenate([[0], np.cumsum(broken)]).astype(np.intp)
    means = [
        float(np.median([v for v, n in zip(values, named, strict=True) if n == level]))
        for level in cycle
    ]
    return Rhythm(period=period, position=position, run=run), tuple(means)


def _levels(values: Sequence[float]) -> list[int]:
    """A number for each value, the same for those that are alike, 0 for the lowest."""
    order = np.argsort(values, kind="stable")
    level, named = -1, [0] * len(values)
    previous = -np.inf
    for index in order.tolist():
        level += values[index] - previous > _ALIKE
        previous = values[index]
        named[index] = level
    return named
