"""By how much the exposures of a known rhythm differ, and how far that is to be trusted.

Legend: n frames, K tones a frame (see `tones`), a cycle of p positions; EV are log2 stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import ExposureError
from lrhdr_engines.tones import gain

Array = NDArray[np.float64]
Integers = NDArray[np.intp]

GRIDS = (1.0, 1 / 8)  # EV; a step is rounded to the first whose nearest point it may as well be
_NUDGE = 1 / 8  # EV; rounding moves a step no further, however uncertain it is

NEXT = "Give the exposures in cycle order from the first frame, for instance --ev 0,-3"
# What compression up to x264's crf 23 and the rounding of codes shift a step by at most, EV
# (docs/exposures.md).
_SYSTEMATIC = 0.03
_MOST = 200  # frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From one level to the next brighter one."""

    ev: float
    spread: float  # EV, over the tones of a frame
    scatter: float  # EV, a standard deviation over time
    uncertainty: float  # EV
    visible: float  # share of tones seen in both


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """Which exposure every frame has.

    Attributes:
        period: p, frames in a cycle.
        position: (n,), each frame's place in the cycle.
        run: (n,), a number that changes wherever the rhythm or the scene breaks.
    """

    period: int
    position: Integers
    run: Integers

    @classmethod
    def regular(cls, count: int, period: int) -> Rhythm:
        """One that starts at position 0 and never breaks."""
        frames = np.arange(count)
        return cls(period=period, position=frames % period, run=np.zeros_like(frames))

    def turned(self, first: int) -> Rhythm:
        """The same where the cycle is counted from position `first`."""
        position = (self.position - first) % self.period
        return Rhythm(period=self.period, position=position, run=self.run)

    def broken_at(self, frames: Iterable[int]) -> Rhythm:
        """The same with a new run at each of these frames too."""
        begins = np.diff(self.run, prepend=self.run[:1]) != 0
        begins[list(frames)] = True
        return Rhythm(
            period=self.period, position=self.position, run=np.cumsum(begins).astype(np.intp)
        )


def refusal(seen: str, wanted: str, next_step: str = NEXT) -> ExposureError:
    """What to raise where the pixels do not tell."""
    return ExposureError(
        f"the exposures cannot be told from the pixels: {seen}",
        expected=wanted,
        next_step=next_step,
    )


def levels(codes: Array, rhythm: Rhythm) -> list[int]:
    """Positions in the cycle from the darkest to the brightest; `codes` is (n, K)."""
    means = np.array([_mean_of(codes[rhythm.position == k]) for k in range(rhythm.period)])
    return [int(k) for k in np.argsort(means, kind="stable")]


def _mean_of(codes: Array) -> float:
    return float(np.nanmean(codes)) if codes.size else 0.0


def measure(light: Array, rhythm: Rhythm, order: Sequence[int]) -> list[Step]:
    """The steps from each level to the next brighter one.

    Args:
        light: (n, K) stops.
        rhythm: whose position each frame has.
        order: positions from the darkest to the brightest.
    """
    return [_measure(light, rhythm, darker, brighter) for darker, brighter in pairwise(order)]


def _measure(light: Array, rhythm: Rhythm, darker: int, brighter: int) -> Step:
    """A frame's tones against those that its two neighbours of the other level have at its time.

    Motion, and a drift of the scene's light, change all of them alike and fall out.
    """
    period = rhythm.period
    whole = rhythm.run[:-period] == rhythm.run[period:]
    gains = []
    for outer, inner, sign in ((darker, brighter, 1.0), (brighter, darker, -1.0)):
        lag = (inner - outer) % period
        for before in spread_out(np.flatnonzero(whole & (rhythm.position[:-period] == outer))):
            expected = light[before] + (light[before + period] - light[before]) * lag / period
            gains.append((sign, gain(light[before + lag], expected)))
    values = np.array([sign * found.ev for sign, found in gains if np.isfinite(found.ev)])
    if values.size < 2:
        raise refusal(
            "almost nothing is seen at two neighbouring levels, being black or clipped at one",
            "tones seen at both",
        )
    step = float(np.median(values))
    tone_spread = float(np.nanmedian([found.spread for _, found in gains]))
    scatter = 1.4826 * float(np.median(np.abs(values - step)))
    standard_error = 1.2533 * scatter / np.sqrt(values.size)  # of a median
    return Step(
        ev=step,
        spread=tone_spread,
        scatter=scatter,
        uncertainty=_SYSTEMATIC + 2 * float(np.hypot(standard_error, tone_spread / 2)),
        visible=float(np.median([found.visible for _, found in gains])),
    )


def spread_out(frames: Integers) -> Integers:
    """At most `_MOST` of them, evenly: more make a median no better."""
    if frames.size <= _MOST:
        return frames
    picks: Integers = frames[np.linspace(0, frames.size - 1, _MOST).astype(np.intp)]
    return picks


def judge(
    cycles: float, change: float, agreement: tuple[float, str], steps: Sequence[Step], period: int
) -> tuple[float, tuple[str, ...]]:
    """The weakest figure, 0 to 1, and all of them in words, the weakest first.

    Args:
        cycles: how many were read.
        change: EV between frames one cycle apart.
        agreement: the share of the frames that keep the rhythm, and that in words.
        steps: as measured.
        period: frames in a cycle.
    """
    smallest = min(step.ev for step in steps)
    spread = max(step.spread / step.ev for step in steps)
    scatter = max(step.scatter / step.ev for step in steps)
    visible = min(step.visible for step in steps)
    share, words = agreement
    figures = [
        (1 - change / smallest, f"frames {period} apart differ by {change:.2f} EV"),
        (2 * share - 1, words),
        (1 - 2 * spread, f"from tone to tone the step varies by {spread:.0%}"),
        (1 - 2 * scatter, f"from cycle to cycle the step varies by {scatter:.0%}"),
        (min(1.0, visible / 0.1), f"{visible:.0%} of the tones are seen at neighbouring levels"),
        (cycles / (cycles + 1), f"{cycles:.1f} cycles were read"),
    ]
    figures.sort(key=lambda figure: figure[0])
    return max(0.0, figures[0][0]), tuple(words for _, words in figures)


def anchored(order: Sequence[int], steps: Iterable[float]) -> tuple[float, ...]:
    """Steps between levels to EVs in cycle order.

    The brightest is 0 in a cycle of two, the middle one in a cycle of three.
    """
    heights = [0.0, *np.cumsum(list(steps)).tolist()]
    anchor = heights[-1] if len(order) == 2 else heights[1]
    ev = [0.0] * len(order)
    for position, height in zip(order, heights, strict=True):
        ev[position] = round(height - anchor, 3)
    return tuple(ev)


def rounded(step: Step, grids: Sequence[float] = GRIDS) -> float:
    """The step on the coarsest grid that its uncertainty allows; cameras are set in stops.

    Where it is more uncertain than a grid is wide, that grid says nothing.
    """
    for grid in grids:
        nearest = round(step.ev / grid) * grid
        if abs(nearest - step.ev) <= min(step.uncertainty, _NUDGE) and step.uncertainty <= grid:
            return nearest
    return step.ev
