"""The exposures of a clip from the pixels of its first frames, or a refusal.

Legend: n frames, K tones a frame (see `tones`), a cycle of p frames; EV are log2 stops.

1. Period: the smallest p at which frame t + p looks like frame t, for every
   frame of the cycle, while shorter lags change it.
2. Phase: which frame of each cycle is the brightest, by majority.
3. Steps: between levels that are neighbours in brightness, by how much a
   frame's tones differ from those that its two neighbours of the other level
   have on average at its time. Motion, and a drift of the scene's light,
   change all of them alike and fall out.
4. Confidence: the weakest of the figures that a wrong answer would spoil.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import ExposureError
from lrhdr_engines.tones import gain, stops, tones

MAX_FRAMES = 64  # read at most; 1 to 2.5 s
MIN_FRAMES = 4  # two cycles of two
MIN_STEP = 0.5  # EV; smaller alternation is taken for flicker
MIN_CONFIDENCE = 0.5
GRIDS = (1.0, 1 / 8)  # EV; a step is rounded to the first whose nearest point it may as well be

_PERIODS = (2, 3)
_LONGEST_PERIOD = 8  # looked for only to name it in the refusal
_SAME = 0.3  # EV, and share of the change at shorter lags: "looks like frame t"
_CODES_APART = 16.0  # of 255: brightness that differs though no tone is visible in both

_NEXT = "Give the exposures in cycle order from the first frame, for instance --ev 0,-3"
# What compression up to x264's crf 23 and the rounding of codes shift a step by at most, EV
# (docs/exposures.md).
_SYSTEMATIC = 0.03

Array = NDArray[np.float64]
Frames = Iterable[NDArray[np.uint8] | NDArray[np.uint16]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Exposures read from pixels.

    Attributes:
        period: frames in a cycle, 2 or 3.
        phase: index in `ev` of the brightest frame.
        ev: EVs in cycle order from the first frame; the brightest is 0 in a cycle of two, the
            middle one in a cycle of three.
        uncertainty: EV, of the least certain step.
        confidence: 0..1; at least `MIN_CONFIDENCE`.
        reasons: what the confidence was judged by, the weakest first.
    """

    period: int
    phase: int
    ev: tuple[float, ...]
    uncertainty: float
    confidence: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """From one level to the next brighter one."""

    ev: float
    spread: float  # EV, over the tones of a frame
    scatter: float  # EV, a standard deviation over time
    uncertainty: float  # EV
    visible: float  # share of tones seen in both


def estimate_exposures(frames: Frames) -> Estimate:
    """Period, phase and EVs of a clip that alternates, from its first `MAX_FRAMES` frames.

    Args:
        frames: consecutive frames from the first, (H, W, 3) gamma-encoded RGB, uint8 or uint16;
            read one by one, none is kept.

    Raises:
        ExposureError: the frames do not alternate, are too few, too much of them is black or
            clipped, the cycle is longer than 3 or slips, or the evidence is weak.
    """
    codes = np.array([tones(frame) for frame in islice(frames, MAX_FRAMES)])
    if len(codes) < MIN_FRAMES:
        raise _refusal(f"{len(codes)} frames are too few", "at least two cycles of two or three")
    light = stops(codes)
    period, change = _find_period(codes, light)
    phase, agreeing = _find_phase(codes, period)
    order = _levels(codes, period)
    steps = [_measure(light, period, a, b) for a, b in pairwise(order)]
    smallest = min(step.ev for step in steps)
    if smallest < MIN_STEP:
        raise _refusal(
            f"levels only {smallest:.2f} EV apart, as flickering light has them",
            f"{MIN_STEP} EV or more",
        )
    ev = _evs(order, steps)
    confidence, reasons = _judge(len(codes), period, change, agreeing, steps)
    if confidence < MIN_CONFIDENCE:
        found = ",".join(f"{value:g}" for value in ev)
        raise _refusal(
            f"{found} EV at a confidence of {confidence:.2f}, because {reasons[0]}",
            f"a confidence of {MIN_CONFIDENCE} or more",
            f"If that is right, say so: --ev {found}",
        )
    return Estimate(
        period=period,
        phase=phase,
        ev=ev,
        uncertainty=max(step.uncertainty for step in steps),
        confidence=confidence,
        reasons=reasons,
    )


def _refusal(seen: str, wanted: str, next_step: str = _NEXT) -> ExposureError:
    return ExposureError(
        f"the exposures cannot be told from the pixels: {seen}",
        expected=wanted,
        next_step=next_step,
    )


def _changes(codes: Array, light: Array, lag: int) -> Array:
    """|EV| between frames t and t + lag, (n - lag,); inf or NaN where no tone is seen in both."""
    pairs = zip(light[lag:], light[:-lag], strict=True)
    change = np.array([abs(gain(later, earlier).ev) for later, earlier in pairs])
    apart = np.abs(np.mean(codes[lag:] - codes[:-lag], axis=1)) > _CODES_APART
    return np.where(np.isnan(change) & apart, np.inf, change)


def _find_period(codes: Array, light: Array) -> tuple[int, float]:
    """The period and the change that is left at that lag, EV."""
    count = len(codes)
    changes: list[float] = []
    for lag in range(1, min(_LONGEST_PERIOD, count // 2) + 1):
        series = _changes(codes, light, lag)
        # Each frame of the cycle must recur: of 0,-3,0,-2 two in four do at lag 2.
        at_phase = [series[k::lag][~np.isnan(series[k::lag])] for k in range(lag)]
        if not all(part.size for part in at_phase):
            raise _refusal(
                "almost everything is black or clipped", "tones between, seen in every frame"
            )
        change = max(float(np.median(part)) for part in at_phase)
        limit = min(_SAME, _SAME * max(changes)) if changes else MIN_STEP / 2
        if change <= limit:
            if lag in _PERIODS:
                return lag, change
            if lag == 1:
                raise _refusal(
                    f"from frame to frame the light changes by only {change:.2f} EV",
                    f"exposures that alternate by {MIN_STEP} EV or more",
                )
            raise _refusal(f"the cycle is {lag} frames long", "two or three")
        changes.append(change)
    seen = ", ".join("much" if np.isinf(change) else f"{change:.2f}" for change in changes[:3])
    raise _refusal(
        f"{count} frames have no cycle of two or three (change over 1, 2, ... frames, EV: {seen})",
        "at least two whole cycles",
    )


def _find_phase(codes: Array, period: int) -> tuple[int, float]:
    """Where in the cycle the brightest frame is, and the share of the windows that say so."""
    brightness = codes.mean(axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(brightness, period)
    votes = (np.arange(len(windows)) + windows.argmax(axis=1)) % period
    phase = int(np.bincount(votes, minlength=period).argmax())
    wrong = votes != phase
    # A cut or a flash spoils a few windows; after a slip every one is wrong.
    for start in range(len(wrong) - 2 * period + 1):
        if wrong[start : start + 2 * period].all():
            # Where most frames follow the slip, the windows before it are the wrong ones.
            slip = start or int(np.argmin(wrong))
            raise _refusal(
                f"the cycle of {period} slips near frame {slip}, as where a frame was dropped",
                "one cycle from end to end",
            )
    return phase, float(1 - wrong.mean())


def _levels(codes: Array, period: int) -> list[int]:
    """Positions in the cycle from the darkest to the brightest."""
    whole = len(codes) // period * period
    brightness = codes[:whole].mean(axis=1).reshape(-1, period).mean(axis=0)
    return [int(k) for k in np.argsort(brightness, kind="stable")]


def _measure(light: Array, period: int, darker: int, brighter: int) -> _Step:
    """The step between two positions of the cycle."""
    gains = []
    for outer, inner, sign in ((darker, brighter, 1.0), (brighter, darker, -1.0)):
        lag = (inner - outer) % period
        for before in range(outer, len(light) - period, period):
            expected = light[before] + (light[before + period] - light[before]) * lag / period
            gains.append((sign, gain(light[before + lag], expected)))
    values = np.array([sign * found.ev for sign, found in gains if np.isfinite(found.ev)])
    if values.size < 2:
        raise _refusal(
            "almost nothing is seen at two neighbouring levels, being black or clipped at one",
            "tones seen at both",
        )
    step = float(np.median(values))
    tone_spread = float(np.nanmedian([found.spread for _, found in gains]))
    scatter = 1.4826 * float(np.median(np.abs(values - step)))
    standard_error = 1.2533 * scatter / np.sqrt(values.size)  # of a median
    return _Step(
        ev=step,
        spread=tone_spread,
        scatter=scatter,
        uncertainty=_SYSTEMATIC + 2 * float(np.hypot(standard_error, tone_spread / 2)),
        visible=float(np.median([found.visible for _, found in gains])),
    )


def _judge(
    count: int, period: int, change: float, agreeing: float, steps: list[_Step]
) -> tuple[float, tuple[str, ...]]:
    """The weakest figure and all of them in words, the weakest first."""
    smallest = min(step.ev for step in steps)
    spread = max(step.spread / step.ev for step in steps)
    scatter = max(step.scatter / step.ev for step in steps)
    visible = min(step.visible for step in steps)
    cycles = count / period
    figures = [
        (1 - change / smallest, f"frames {period} apart differ by {change:.2f} EV"),
        (2 * agreeing - 1, f"{agreeing:.0%} of the cycles have the same brightest frame"),
        (1 - 2 * spread, f"from tone to tone the step varies by {spread:.0%}"),
        (1 - 2 * scatter, f"from cycle to cycle the step varies by {scatter:.0%}"),
        (min(1.0, visible / 0.1), f"{visible:.0%} of the tones are seen at neighbouring levels"),
        (cycles / (cycles + 1), f"{cycles:.1f} cycles were read"),
    ]
    figures.sort(key=lambda figure: figure[0])
    return max(0.0, figures[0][0]), tuple(words for _, words in figures)


def _evs(order: list[int], steps: list[_Step]) -> tuple[float, ...]:
    """Levels from the darkest to the brightest as EVs in cycle order."""
    levels = [0.0]
    for step in steps:
        levels.append(levels[-1] + _rounded(step))
    anchor = levels[-1] if len(order) == 2 else levels[1]
    ev = [0.0] * len(order)
    for position, level in zip(order, levels, strict=True):
        ev[position] = round(level - anchor, 3)
    return tuple(ev)


def _rounded(step: _Step) -> float:
    """The step on the coarsest grid that its uncertainty allows; cameras are set in stops."""
    for grid in GRIDS:
        nearest = round(step.ev / grid) * grid
        if abs(nearest - step.ev) <= step.uncertainty:
            return nearest
    return step.ev
