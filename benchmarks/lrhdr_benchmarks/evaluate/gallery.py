"""The pictures of a report: from each scene the crop that tells most about the first method.

That is where its error differs most from that of the best of the others, pixel by pixel:
where it fails although something simpler does not, or is ahead of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import WINDOWS
from lrhdr.light import Floats, tonemap
from lrhdr_benchmarks.evaluate.results import Place
from lrhdr_benchmarks.evaluate.run import Shot
from lrhdr_engines.preview import palette
from lrhdr_engines.tonemap import display

Picture = NDArray[np.uint8]  # (H, W, 3)

SIDE = 128  # of a crop in pixels
_SCENES = 8  # shown at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One crop.

    Attributes:
        place: the frame that it is from.
        corner: x and y of its top left pixel.
        score: how much the first method differs in it from the best of the others, in T.
        frame: the reference as recorded.
        truth: tone-mapped, or None.
        results: tone-mapped, by method.
        errors: in false colour, by method; empty without a truth.
        error_scale: the error in T that has the brightest colour.
        winners: the colour of the candidate that wins, by method.
    """

    place: Place
    corner: tuple[int, int]
    score: float
    frame: Picture
    truth: Picture | None
    results: dict[str, Picture]
    errors: dict[str, Picture]
    error_scale: float
    winners: dict[str, Picture]


class Gallery:
    """Sees every frame, and keeps small crops alone."""

    def __init__(self) -> None:
        """Empty."""
        self._best: dict[str, Exhibit] = {}

    def see(self, shot: Shot) -> None:
        """Keep a crop of this frame if it tells more than those before, of its scene."""
        errors = _errors(shot)
        score, corner = _busiest(errors)
        best = self._best.get(shot.place.scene)
        if best is None or score > best.score:
            self._best[shot.place.scene] = _exhibit(shot, errors, score, corner)

    def exhibits(self) -> list[Exhibit]:
        """Those of the scenes that tell most, these first."""
        return sorted(self._best.values(), key=lambda e: e.score, reverse=True)[:_SCENES]


def _errors(shot: Shot) -> dict[str, Floats]:
    """Mean absolute error in T over the channels, (H, W), by method.

    Without a truth: the distance to the mean of all methods.
    """
    results = {name: tonemap(result) for name, result in shot.results.items()}
    target = shot.truth.t if shot.truth else np.mean(list(results.values()), axis=0)
    return {name: np.abs(result - target).mean(axis=2) for name, result in results.items()}


def _busiest(errors: Mapping[str, Floats]) -> tuple[float, tuple[int, int]]:
    """The mean difference in the crop where it is largest, and x and y of the corner.

    Of a single method: the error itself.
    """
    first, *others = errors.values()
    difference = np.abs(first - np.min(others, axis=0)) if others else first
    height, width = difference.shape
    rows, columns = min(SIDE, height), min(SIDE, width)
    # The sum over any rectangle from four corners of the integral image.
    total = cv2.integral(difference)
    sums = (
        total[rows:, columns:]
        - total[:-rows, columns:]
        - total[rows:, :-columns]
        + total[:-rows, :-columns]
    )
    y, x = np.unravel_index(int(sums.argmax()), sums.shape)
    return float(sums[y, x]) / (rows * columns), (int(x), int(y))


def _exhibit(
    shot: Shot, errors: Mapping[str, Floats], score: float, corner: tuple[int, int]
) -> Exhibit:
    x, y = corner
    window = np.s_[y : y + SIDE, x : x + SIDE]
    # The metered exposure, as previews show it: the brighter of two, the middle of three.
    metered = sorted(shot.cycle)[1]

    def shown(linear: Floats) -> Picture:
        return display((linear[window] * metered).astype(np.float32), metered)

    cropped = {name: error[window] for name, error in errors.items()}
    scale = max(float(np.percentile(list(cropped.values()), 99.5)), 1e-6)
    return Exhibit(
        place=shot.place,
        corner=corner,
        score=score,
        frame=_codes(shot.frame[window]),
        truth=shown(shot.truth.linear) if shot.truth else None,
        results={name: shown(result) for name, result in shot.results.items()},
        errors={n: _false_colour(e / scale) for n, e in cropped.items()} if shot.truth else {},
        error_scale=scale,
        winners={n: _winners(m[window], len(shot.cycle)) for n, m in shot.masks.items()},
    )


def _false_colour(plane: Floats) -> Picture:
    mapped = cv2.applyColorMap(_codes(plane), cv2.COLORMAP_INFERNO)
    return np.asarray(mapped[..., ::-1], np.uint8)


def _winners(masks: NDArray[np.float32], exposures: int) -> Picture:
    colours: Picture = np.asarray(palette(WINDOWS[exposures]), np.uint8)
    return np.asarray(colours[masks.argmax(axis=2)])


def _codes(values: Floats) -> Picture:
    return np.asarray(np.rint(np.clip(values, 0.0, 1.0) * 255.0), np.uint8)
