"""From every frame's place in the cycle to a timeline's segments and slips."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from lrhdr_engines.probe.rhythm import breaks
from lrhdr_engines.probe.steps import Rhythm
from lrhdr_engines.timeline import Segment, Slip


def segments_of(rhythm: Rhythm, ev: Sequence[float]) -> tuple[Segment, ...]:
    """One for every run, however short, each with the cycle as it begins there."""
    starts = [0, *breaks(rhythm).tolist()]
    ends: list[int | None] = [*starts[1:], None]
    segments = []
    for start, stop in zip(starts, ends, strict=True):
        at = int(rhythm.position[start]) if len(rhythm.position) else 0
        segments.append(Segment(start=start, stop=stop, ev=(*ev[at:], *ev[:at])))
    return tuple(segments)


def slips_of(
    rhythm: Rhythm, repeats: NDArray[np.bool_], cuts: Collection[int] = ()
) -> tuple[Slip, ...]:
    """The breaks that are no cuts."""
    return tuple(
        Slip(frame=t, kind="duplicated" if repeats[t] else "dropped")
        for t in breaks(rhythm).tolist()
        if t not in cuts
    )
