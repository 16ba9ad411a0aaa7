"""The exposures of a stretch of frames that alternates from end to end, or a refusal.

Legend: n frames, K tones a frame (see `tones`), a cycle of p frames; EV are log2 stops.

1. Period: the smallest p at which frame t + p looks like frame t, for every
   frame of the cycle, while shorter lags change it.
2. Phase: which frame of each cycle is the brightest, by majority.
3. Steps between levels that are neighbours in brightness: see `probe.steps`.
4. Confidence: the weakest of the figures that a wrong answer would spoil.

`probe` chooses the stretch, and goes on from it to the whole clip.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from lrhdr_engines.probe.steps import (
    Rhythm,
    Step,
    anchored,
    judge,
    levels,
    measure,
    refusal,
    rounded,
)
from lrhdr_engines.tones import gain, stops, tones

MAX_FRAMES = 64  # read at most; 1 to 2.5 s
MIN_FRAMES = 4  # two cycles of two
MIN_STEP = 0.5  # EV; smaller alternation is taken for flicker
MIN_CONFIDENCE = 0.5

_PERIODS = (2, 3)
_LONGEST_PERIOD = 8  # looked for only to name it in the refusal
_SAME = 0.3  # EV, and share of the change at shorter lags: "looks like frame t"
_CODES_APART = 16.0  # of 255: brightness that differs though no tone is visible in both

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
        measured: the same before steps were rounded.
        uncertainty: EV, of the least certain step.
        spread: by how much a step varies from tone to tone, of it.
        confidence: 0..1; at least `MIN_CONFIDENCE`.
        reasons: what the confidence was judged by, the weakest first.
    """

    period: int
    phase: int
    ev: tuple[float, ...]
    measured: tuple[float, ...]
    uncertainty: float
    spread: float
    confidence: float
    reasons: tuple[str, ...]


def estimate_exposures(frames: Frames) -> Estimate:
    """Period, phase and EVs of a clip that alternates, from its first `MAX_FRAMES` frames.

    Args:
        frames: consecutive frames from the first, (H, W, 3) gamma-encoded RGB, uint8 or uint16;
            read one by one, none is kept.

    Raises:
        ExposureError: the frames do not alternate, are too few, too much of them is black or
            clipped, the cycle is longer than 3 or slips, or the evidence is weak.
    """
    return estimate_tones(np.array([tones(frame) for frame in islice(frames, MAX_FRAMES)]))


def estimate_tones(codes: Array) -> Estimate:
    """The same from the frames' tones, (n, K) codes of 0..255."""
    if len(codes) < MIN_FRAMES:
        raise refusal(f"{len(codes)} frames are too few", "at least two cycles of two or three")
    light = stops(codes)
    period, change = _find_period(codes, light)
    agreeing = _agreeing(codes, period)
    rhythm = Rhythm.regular(len(codes), period)
    order = levels(codes, rhythm)
    agreement = agreeing, f"{agreeing:.0%} of the cycles have the same brightest frame"
    steps = measure(light, rhythm, order)
    return conclude(order, steps, len(codes) / period, change, agreement)


def conclude(
    order: list[int],
    steps: list[Step],
    cycles: float,
    change: float,
    agreement: tuple[float, str],
) -> Estimate:
    """What was measured, as an estimate, if it can be trusted; see `judge` for the figures.

    Raises:
        ExposureError: the steps are too small, or the evidence is weak.
    """
    smallest = min(step.ev for step in steps)
    if smallest < MIN_STEP:
        raise refusal(
            f"levels only {smallest:.2f} EV apart, as flickering light has them",
            f"{MIN_STEP} EV or more",
        )
    ev = anchored(order, (rounded(step) for step in steps))
    confidence, reasons = judge(cycles, change, agreement, steps, len(order))
    if confidence < MIN_CONFIDENCE:
        found = ",".join(f"{value:g}" for value in ev)
        raise refusal(
            f"{found} EV at a confidence of {confidence:.2f}, because {reasons[0]}",
            f"a confidence of {MIN_CONFIDENCE} or more",
            f"If that is right, say so: --ev {found}",
        )
    return Estimate(
        period=len(order),
        phase=order[-1],
        ev=ev,
        measured=anchored(order, (step.ev for step in steps)),
        uncertainty=max(step.uncertainty for step in steps),
        spread=max(step.spread / step.ev for step in steps),
        confidence=confidence,
        reasons=reasons,
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
            raise refusal(
                "almost everything is black or clipped", "tones between, seen in every frame"
            )
        change = max(float(np.median(part)) for part in at_phase)
        limit = min(_SAME, _SAME * max(changes)) if changes else MIN_STEP / 2
        if change <= limit:
            if lag in _PERIODS:
                return lag, change
            if lag == 1:
                raise refusal(
                    f"from frame to frame the light changes by only {change:.2f} EV",
                    f"exposures that alternate by {MIN_STEP} EV or more",
                )
            raise refusal(f"the cycle is {lag} frames long", "two or three")
        changes.append(change)
    seen = ", ".join("much" if np.isinf(change) else f"{change:.2f}" for change in changes[:3])
    raise refusal(
        f"{count} frames have no cycle of two or three (change over 1, 2, ... frames, EV: {seen})",
        "at least two whole cycles",
    )


def _agreeing(codes: Array, period: int) -> float:
    """The share of the cycles whose brightest frame is where it is in most."""
    brightness = codes.mean(axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(brightness, period)
    # NaN: damaged frames.
    votes = (np.arange(len(windows)) + windows.argmax(axis=1)) % period
    phase = int(np.bincount(votes, minlength=period).argmax())
    wrong = (votes != phase) & np.isfinite(windows).all(axis=1)
    # A cut or a flash spoils a few windows; after a slip every one is wrong.
    for start in range(len(wrong) - 2 * period + 1):
        if wrong[start : start + 2 * period].all():
            # Where most frames follow the slip, the windows before it are the wrong ones.
            slip = start or int(np.argmin(wrong))
            raise refusal(
                f"the cycle of {period} slips near frame {slip}, as where a frame was dropped",
                "one cycle from end to end",
            )
    return float(1 - wrong.mean())
