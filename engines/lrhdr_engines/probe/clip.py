"""A whole clip: its figures, its cuts, its rhythm from end to end, its exposures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lrhdr.errors import ExposureError
from lrhdr_engines.estimate import Estimate, conclude
from lrhdr_engines.media.source import Source
from lrhdr_engines.probe.curve import Curve, better_curve
from lrhdr_engines.probe.cuts import find_cuts
from lrhdr_engines.probe.figures import Figures, collect
from lrhdr_engines.probe.listed import rhythm_of
from lrhdr_engines.probe.rhythm import Changes, changes_of, follow, repeats_of
from lrhdr_engines.probe.segments import segments_of, slips_of
from lrhdr_engines.probe.steps import NEXT, Array, Rhythm, measure, refusal, spread_out
from lrhdr_engines.probe.stretch import clean_estimate
from lrhdr_engines.timeline import Segment, Slip
from lrhdr_engines.tones import gain, stops

_KEPT = 0.75  # of the frames must bear out a rhythm that was given, for slips in it to count
_TOO_MANY_SLIPS = 0.2  # a frame; more, and it is no rhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the pixels say.

    Attributes:
        segments: as in `Timeline`.
        slips: as in `Timeline`.
        estimate: what was measured; None where the exposures were given.
        curve: a camera curve that fits better than the one that the clip was read with.
    """

    segments: tuple[Segment, ...]
    slips: tuple[Slip, ...]
    estimate: Estimate | None = None
    curve: Curve | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A clip as read once.

    Attributes:
        figures: its frames' numbers.
        cuts: the frames at which scenes begin.
    """

    figures: Figures
    cuts: tuple[int, ...]


def read(
    source: Source, stop: int | None = None, advanced: Callable[[int], None] | None = None
) -> Reading:
    """One pass over frames 0 to `stop`, or all; `advanced` hears after each how many it were."""
    figures = collect(source, stop, advanced)
    return Reading(figures=figures, cuts=find_cuts(figures))


def from_pixels(reading: Reading) -> Found:
    """Period, phase and EVs, and where they break.

    Raises:
        ExposureError: the clip does not alternate, or what it shows cannot be trusted.
    """
    figures, cuts = reading.figures, reading.cuts
    first = clean_estimate(figures, cuts)
    changes = changes_of(figures, first.period)
    rhythm, share = follow(changes, first.measured, cuts)
    begin = int(rhythm.position[0])
    rhythm = rhythm.turned(begin)
    cycle = (*first.measured[begin:], *first.measured[:begin])
    order = [int(k) for k in np.argsort(cycle)]
    found = _measured(figures, rhythm, order, share)
    slips = slips_of(rhythm, changes.repeats, cuts)
    if len(slips) > _TOO_MANY_SLIPS * len(figures):
        raise refusal(
            f"the cycle of {first.period} breaks {len(slips)} times in {len(figures)} frames",
            "a rhythm",
        )
    codes = figures.codes.astype(np.float64)
    return Found(
        segments=segments_of(rhythm, found.ev),
        slips=slips,
        estimate=found,
        curve=better_curve(codes, rhythm, order, found.spread),
    )


def from_difference(reading: Reading, difference: float) -> Found:
    """Two exposures so many EV apart: which frames have which.

    Raises:
        ExposureError: the pixels show no such alternation.
    """
    ev = (0.0, -difference)
    changes = changes_of(reading.figures, len(ev))
    rhythm, share = follow(changes, ev, reading.cuts)
    slips = slips_of(rhythm, changes.repeats, reading.cuts)
    if share < _KEPT or len(slips) > _TOO_MANY_SLIPS * len(reading.figures):
        raise refusal(
            f"only {share:.0%} of the frames alternate by {difference:g} EV", "most of them"
        )
    return Found(segments=segments_of(rhythm, ev), slips=slips)


def from_cycle(reading: Reading, ev: Sequence[float]) -> Found:
    """A cycle that frame 0 begins: cuts and slips in it, where the pixels clearly show it."""
    changes = changes_of(reading.figures, len(ev))
    if not _contradicted(changes, ev, reading.cuts):
        rhythm, share = follow(changes, ev, reading.cuts, first=0)
        slips = slips_of(rhythm, changes.repeats, reading.cuts)
        if share >= _KEPT and len(slips) <= _TOO_MANY_SLIPS * len(reading.figures):
            return Found(segments=segments_of(rhythm, ev), slips=slips)
    whole = Segment(start=0, stop=None, ev=tuple(ev))
    return Found(segments=(whole,), slips=())


def from_list(reading: Reading, values: Sequence[float]) -> Found:
    """Every frame's exposure is listed: cuts from the pixels, slips from the list.

    Raises:
        ExposureError: the list has no cycle of two or three that it mostly keeps.
    """
    count = len(reading.figures)
    listed = rhythm_of(values[:count], count)
    if listed is None:
        raise ExposureError(
            f"{len(values)} exposures that do not repeat every two or three frames",
            expected="one cycle of two or three, or every frame's EV",
            next_step=NEXT,
        )
    rhythm, ev = listed
    repeats = repeats_of(reading.figures, rhythm.period)
    slips = tuple(s for s in slips_of(rhythm, repeats) if s.frame not in reading.cuts)
    return Found(segments=segments_of(rhythm.broken_at(reading.cuts), ev), slips=slips)


def _contradicted(changes: Changes, ev: Sequence[float], cuts: Sequence[int]) -> bool:
    """Whether the pixels have frame 0 at another place than the given cycle has."""
    free, _ = follow(changes, ev, cuts)
    return bool(free.position.size and free.position[0] != 0)


def _measured(figures: Figures, rhythm: Rhythm, order: list[int], share: float) -> Estimate:
    """The steps over the whole clip, and whether they can be trusted."""
    light = stops(figures.codes.astype(np.float64))
    steps = measure(light, rhythm, order)
    cycles = max(0.0, len(light) / rhythm.period - int(rhythm.run[-1]))
    agreement = share, f"{share:.0%} of the frames keep the rhythm"
    return conclude(order, steps, cycles, _recurring(light, rhythm), agreement)


def _recurring(light: Array, rhythm: Rhythm) -> float:
    """By how much frames one cycle apart differ, the median, EV."""
    period = rhythm.period
    whole = np.flatnonzero(rhythm.run[:-period] == rhythm.run[period:])
    values = np.array([abs(gain(light[t + period], light[t]).ev) for t in spread_out(whole)])
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else float("inf")
