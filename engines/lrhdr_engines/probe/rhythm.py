"""Which place in the cycle every frame of a clip has, through cuts and lost frames.

Legend: n frames, K tones, a cycle of p positions with the EVs ev[0..p-1].

The most plausible sequence of positions is found by dynamic programming
(Viterbi): each step from frame to frame is judged by whether the brightness
changes as the exposures say, and leaving the cycle's order costs as much as
several frames that contradict it. So a flash or a passing object breaks
nothing, and a lost frame, which every later frame bears out, does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrhdr_engines.probe.figures import LAGS, Figures
from lrhdr_engines.probe.steps import Array, Integers, Rhythm
from lrhdr_engines.tones import gain, stops

_SLIP = 3.2  # cost of leaving the order, in frames that contradict it
_SLIP_AT_REPEAT = 0.4  # the same where the pixels repeat the frame before; 0 < it < 1 / 2
_CODES_APART = 16.0  # of 255, where no tone is visible in both

_REPEAT = 0.4  # of what frames of one exposure differ by nearby; less is a repeat
_NEARBY = 12  # frames on both sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """From each frame to the next.

    Attributes:
        ev: (n,) by how much frame t is brighter than t - 1, EV; NaN for frame 0 and where no
            tone is visible in both, or not enough of them.
        codes: (n,) by how many codes of 255 its mean is greater; NaN for frame 0.
        repeats: (n,) whether frame t has the pixels of t - 1.
    """

    ev: Array
    codes: Array
    repeats: NDArray[np.bool_]


def changes_of(figures: Figures, period: int) -> Changes:
    """What is seen from frame to frame."""
    codes = figures.codes.astype(np.float64)
    light = stops(codes)
    ev = np.full(len(codes), np.nan)
    for t in range(1, len(codes)):
        ev[t] = gain(light[t], light[t - 1]).ev
    apart = np.full(len(codes), np.nan)
    apart[1:] = np.diff(codes.mean(axis=1))
    return Changes(ev=ev, codes=apart, repeats=repeats_of(figures, period))


def repeats_of(figures: Figures, period: int) -> NDArray[np.bool_]:
    """Frames much closer to the one before than frames of their exposure are to each other."""
    count = len(figures)
    found = np.zeros(count, np.bool_)
    usual = figures.changes[:, min(period, LAGS) - 1]
    for t in range(1, count):
        # Where t repeats t - 1, these have its exposure, each compared with one that has it too.
        before = np.arange(t - 1, max(0, t - _NEARBY), -period)
        after = np.arange(t + period, min(count, t + _NEARBY), period)
        near = usual[np.concatenate([before, after])]
        near = near[np.isfinite(near)]
        if near.size:
            found[t] = figures.changes[t, 0] < _REPEAT * np.median(near)
    return found


def follow(
    changes: Changes, ev: Sequence[float], cuts: Collection[int], first: int | None = None
) -> tuple[Rhythm, float]:
    """The positions, and the share of the frames whose change in brightness bears them out.

    Args:
        changes: what is seen.
        ev: of the cycle.
        cuts: frames at which scenes begin: any position may follow there, at no cost.
        first: the position of frame 0, if it is known.
    """
    count, period = len(changes.ev), len(ev)
    # [from, to]: EV of a step, and whether it leaves the order.
    step = np.subtract.outer(np.asarray(ev), np.asarray(ev)).T
    leaves = np.ones((period, period))
    leaves[np.arange(period), (np.arange(period) + 1) % period] = 0.0
    smallest = np.diff(np.sort(ev)).min()
    cost = np.zeros(period)
    if first is not None:
        cost = np.where(np.arange(period) == first % period, 0.0, np.inf)
    came_from = np.zeros((count, period), np.intp)
    seen = np.full((count, period, period), np.nan)
    for t in range(1, count):
        if t in cuts:
            # In order where nothing says otherwise: 1e-6 breaks the tie.
            total = cost[:, None] + 1e-6 * leaves
        else:
            seen[t] = _contradiction(changes.ev[t], changes.codes[t], step, smallest)
            # After a repeat that stands for a lost frame, the rhythm jumps back.
            cheap = changes.repeats[t] or changes.repeats[t - 1]
            slip = _SLIP_AT_REPEAT if cheap else _SLIP
            total = cost[:, None] + slip * leaves + np.nan_to_num(seen[t])
        came_from[t] = total.argmin(axis=0)
        cost = total.min(axis=0)
    position = np.zeros(count, np.intp)
    if count:
        position[-1] = int(cost.argmin())
    for t in range(count - 1, 0, -1):
        position[t - 1] = came_from[t, position[t]]
    before, after = position[:-1], position[1:]
    broken = (after - before) % period != 1
    broken[[t - 1 for t in cuts if 0 < t < count]] = True
    run = np.concatenate([[0], np.cumsum(broken)]).astype(np.intp)[:count]
    judged = seen[np.arange(1, count), before, after]
    judged = judged[np.isfinite(judged)]
    share = float((judged < 1.0).mean()) if judged.size else 0.0
    return Rhythm(period=period, position=position, run=run), share


def _contradiction(change: float, codes: float, step: Array, smallest: float) -> Array:
    """[from, to]: 0 where a step fits the change that is seen, 1 where it is off by half a step."""
    if np.isfinite(change):
        return np.minimum(((change - step) / (0.5 * smallest)) ** 2, 1.0)
    if np.isnan(codes) or abs(codes) < _CODES_APART:
        return np.full_like(step, np.nan)
    return np.where(np.sign(step) == np.sign(codes), 0.0, 1.0)


def breaks(rhythm: Rhythm) -> Integers:
    """The frames at which a run begins, but for frame 0."""
    frames: Integers = np.flatnonzero(np.diff(rhythm.run)) + 1
    return frames
