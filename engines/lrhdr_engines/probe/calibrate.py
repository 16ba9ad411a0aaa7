"""A camera's response from a clip that stands still, after Debevec and Malik 1997 (by OpenCV).

Legend: n frames, P exposures in a cycle, M samples (pixels x 3 channels), K of them chosen.

What stands still is seen at every exposure, so its codes say how much light lies between them.
One curve serves all three channels: cameras balance white before it. Codes are taken at
8 bits, which is what OpenCV's solver knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import relative_exposures
from lrhdr.response import Response, write_response
from lrhdr_engines.media.files import unfinished, write_error

_FRAMES = 240  # read at most
_SIDE = 160  # pixels sampled along the longer side
_STEP = 6  # codes between two frames of an exposure: more is movement
_NOISE = 3  # codes of standard deviation over time: more is movement now and then
_STILL_SHARE = 0.5  # of the pixels
_DARKEST, _BRIGHTEST = 3.0, 247.0  # codes of a tone at every exposure: clipped ones mislead
_SIDE_CHOSEN = 14  # K = 14 x 14: OpenCV takes samples from a square grid
_SMOOTHNESS = 20.0  # Debevec's lambda; of 10 to 100, the least error on synthetic clips
_TOE = 8  # codes below which rounding and noise outweigh light
_REACH = 64.0, 192.0  # codes: tones must reach below the first and above the second
_WORST_EV = 0.15

Codes = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was found.

    Attributes:
        start: the first frame of the part that stands still.
        frames: how many it has.
        tones: samples used.
        residual_ev: median error of the EV between two exposures, by the curve.
    """

    start: int
    frames: int
    tones: int
    residual_ev: float

    def __str__(self) -> str:
        return (
            f"frames {self.start} to {self.start + self.frames - 1}, {self.tones} tones, "
            f"residual {self.residual_ev:.3f} EV"
        )


def calibrate(
    frames: Iterable[NDArray[np.uint8] | NDArray[np.uint16]], ev: Sequence[float], out: Path
) -> Calibration:
    """Write the response of a clip's camera to a CSV, as `lrhdr.response` reads it.

    Args:
        frames: (H, W, 3) of uint8 or uint16 as they are coded, from the clip's first on; the
            first 240 are read.
        ev: exposure values in cycle order from the first frame, as they are known: what is
            estimated from pixels supposes a curve.
        out: the file; it is replaced.

    Raises:
        InputError: the clip does not stand still, lacks dark or bright tones, or no curve
            explains it.
        OutputError: `out` cannot be written.
    """
    period = len(ev)
    exposures = np.array(relative_exposures(tuple(ev)), np.float32)
    if period < 2 or np.ptp(exposures) == 0:
        raise InputError(
            f"the EVs {', '.join(f'{value:g}' for value in ev)}",
            expected="two or three that differ",
            next_step="Name them with --ev",
        )
    read = [_samples(frame) for frame in islice(frames, _FRAMES)]
    if len(read) < 2 * period:
        raise InputError(f"{len(read)} frames", expected=f"at least {2 * period} to calibrate")
    samples = np.stack(read)
    start, count = _still_part(samples, period)
    tones = _tones(samples, start, count, period)
    usable = (tones.min(axis=1) >= _DARKEST) & (tones.max(axis=1) <= _BRIGHTEST)
    tones = tones[usable]
    _check_reach(tones)
    light = _solve(tones, exposures)
    residual = _residual(tones, exposures, light)
    found = Calibration(start=start, frames=count, tones=len(tones), residual_ev=residual)
    if not residual <= _WORST_EV:
        raise InputError(
            f"no response explains the clip with the EVs {', '.join(f'{v:g}' for v in ev)}: "
            f"a residual of {residual:.2f} EV",
            expected=f"at most {_WORST_EV} EV",
            next_step="Check the EVs and which exposure comes first",
        )
    curve = Response(np.arange(256) / 255, light[:, None])
    try:
        write_response(unfinished(out), curve, f"lrhdr-probe --calibrate: {found}")
        unfinished(out).replace(out)
    except OSError as error:
        unfinished(out).unlink(missing_ok=True)
        raise write_error(out, error) from None
    return found


def _samples(rgb: NDArray[Any]) -> Codes:
    """(pixels, 3) codes in 0..255 of a frame. Not averaged: a mean of two tones is no tone."""
    scale = min(1.0, _SIDE / max(rgb.shape[:2]))
    size = [max(1, round(side * scale)) for side in rgb.shape[1::-1]]
    picked = cv2.resize(rgb, size, interpolation=cv2.INTER_NEAREST).reshape(-1, 3)
    return picked.astype(np.float32) * np.float32(255 / np.iinfo(rgb.dtype).max)


def _still_part(samples: Codes, period: int) -> tuple[int, int]:
    """The longest part in which most pixels keep their codes, and its length.

    `samples` is (n, pixels, 3).
    """
    steps = np.abs(samples[period:] - samples[:-period]).max(axis=2) <= _STEP
    start = length = run = 0
    for index, share in enumerate(steps.mean(axis=1)):
        run = run + 1 if share >= _STILL_SHARE else 0
        if run > length:
            start, length = index - run + 1, run
    return start, length + period


def _tones(samples: Codes, start: int, count: int, period: int) -> Codes:
    """(M, P) mean codes of what stands still, columns in the order of the cycle."""
    part = samples[start : start + count]
    phases = [part[(k - start) % period :: period] for k in range(period)]
    still = np.max([phase.std(axis=0).max(axis=1) for phase in phases], axis=0) <= _NOISE
    if count < 2 * period or still.mean() < _STILL_SHARE:
        raise InputError(
            "the clip does not stand still: at no time do half of its pixels keep their codes",
            expected=f"at least {2 * period} frames from a tripod of a scene without movement",
        )
    means = [phase[:, still].mean(axis=0) for phase in phases]
    return np.stack(means, axis=-1).reshape(-1, period)


def _check_reach(tones: Codes) -> None:
    low, high = (tones.min(), tones.max()) if len(tones) else (np.nan, np.nan)
    if len(tones) < _SIDE_CHOSEN**2 or low > _REACH[0] or high < _REACH[1]:
        raise InputError(
            f"{len(tones)} tones are clipped at no exposure, codes {low:.0f} to {high:.0f}",
            expected=f"{_SIDE_CHOSEN**2} or more, below {_REACH[0]:.0f} to above {_REACH[1]:.0f}",
            next_step="Film something with dark and bright areas, exposed so that little clips",
        )


def _solve(tones: Codes, exposures: NDArray[np.float32]) -> NDArray[np.float64]:
    """(256,) light of every code, 0 to 1."""
    brightest = np.sort(tones.max(axis=1))
    wanted = np.linspace(brightest[0], brightest[-1], _SIDE_CHOSEN**2)
    ranks = np.searchsorted(brightest, wanted).clip(0, len(brightest) - 1)
    chosen = np.rint(tones[np.argsort(tones.max(axis=1))[ranks]]).astype(np.uint8)
    images = [np.ascontiguousarray(c).reshape(_SIDE_CHOSEN, -1) for c in chosen.T]
    solver = cv2.createCalibrateDebevec(_SIDE_CHOSEN**2, _SMOOTHNESS, False)
    response = solver.process(images, exposures).reshape(-1).astype(np.float64)
    # Exact in proportion, it never reaches the 0 of code 0: a straight toe leads there.
    light = np.maximum.accumulate(response)
    light[:_TOE] = light[_TOE] * np.arange(_TOE) / _TOE
    return np.asarray(light / light[-1])


def _residual(tones: Codes, exposures: NDArray[np.float32], light: NDArray[np.float64]) -> float:
    """Median of |EV by the curve - EV given| over tones and neighbouring exposures."""
    seen = tones[tones.min(axis=1) >= _TOE]
    stops = np.log2(np.interp(seen, np.arange(256), light))
    return float(np.median(np.abs(np.diff(stops - np.log2(exposures), axis=1))))
