"""A picture of a clip's exposures: the luma of every frame, by phase, with cuts and slips."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr_engines.probe.clip import Reading
from lrhdr_engines.timeline import Timeline
from lrhdr_engines.whole import write_whole

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

_WIDTH, _HEIGHT = 1880, 760
_LEFT, _RIGHT, _TOP, _BOTTOM = 110, 40, 190, 80  # around the axes
_PAPER: Colour = (250, 249, 247)
_INK: Colour = (34, 34, 38)
_SOFT: Colour = (112, 112, 120)
_GRID: Colour = (226, 224, 220)
_CUT: Colour = (34, 34, 38)
_SLIP: Colour = (196, 44, 44)
_UNKNOWN: Colour = (120, 120, 126)
# From the darkest exposure to the brightest.
_LEVELS: dict[int, tuple[Colour, ...]] = {
    2: ((38, 92, 160), (226, 138, 34)),
    3: ((38, 92, 160), (52, 148, 102), (226, 138, 34)),
}
_SUBPIXEL = 4  # bits
_TAG_ROWS = 3  # that labels of cuts and slips take turns in


def draw(title: str, reading: Reading, timeline: Timeline | None) -> Picture:
    """The picture, (H, W, 3).

    Args:
        title: the line at the top.
        reading: the clip's figures.
        timeline: None for a clip whose exposures are not known; its frames stay grey.
    """
    sheet = np.full((_HEIGHT, _WIDTH, 3), _PAPER, np.uint8)
    _text(sheet, title, 40, 56, 26, 600)
    luma = reading.figures.luma
    _axes(sheet, len(luma))
    cuts = timeline.cuts if timeline is not None else reading.cuts
    marks = [(frame, f"cut {frame}", _CUT) for frame in cuts]
    if timeline is not None:
        marks += [(slip.frame, f"{slip.frame} {slip.kind}", _SLIP) for slip in timeline.slips]
    _marks(sheet, sorted(marks), len(luma))
    if timeline is None:
        _text(sheet, "Exposures not told from the pixels", 40, 92, 16, colour=_SOFT)
        _series(sheet, np.arange(len(luma)), luma, len(luma), _UNKNOWN)
        return sheet
    _text(sheet, timeline.note, 40, 92, 16, colour=_SOFT)
    ranks = sorted(timeline.ev)
    colours = _LEVELS[len(ranks)]
    for segment in timeline.segments:
        stop = len(luma) if segment.stop is None else min(segment.stop, len(luma))
        for offset, ev in enumerate(segment.ev):
            frames = np.arange(segment.start + offset, stop, len(segment.ev))
            _series(sheet, frames, luma[frames], len(luma), colours[ranks.index(ev)])
    left = 40
    for ev, colour in zip(ranks, colours, strict=True):
        cv2.circle(sheet, (left + 8, 122), 7, colour, cv2.FILLED, cv2.LINE_AA)
        _text(sheet, f"{ev:+.4g} EV".replace("-", "−") if ev else "0 EV", left + 24, 128, 16)
        left += 150
    return sheet


def save(picture: Picture, path: Path) -> None:
    """Write it as a PNG, under a temporary name until it is complete.

    Raises:
        OutputError: it cannot be written.
    """
    _, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    write_whole(path, png.tobytes())


def _x(frame: float, count: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (frame + 0.5) / max(1, count)


def _y(code: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * code / 255.0


def _axes(sheet: Picture, count: int) -> None:
    for code in (0, 64, 128, 192, 255):
        y = round(_y(code))
        cv2.line(sheet, (_LEFT, y), (_WIDTH - _RIGHT, y), _GRID, 1)
        _text(sheet, f"{code:>3}", _LEFT - 44, y + 6, 16, colour=_SOFT)
    _text(sheet, "mean code", 20, _TOP - 18, 16, colour=_SOFT)
    apart = next(
        (
            step * 10**power
            for power in range(9)
            for step in (1, 2, 5)
            if count <= 20 * step * 10**power
        ),
        count,
    )
    base = _HEIGHT - _BOTTOM
    for frame in range(0, count, apart):
        x = round(_x(frame, count))
        cv2.line(sheet, (x, base), (x, base + 6), _SOFT, 1)
        _text(sheet, str(frame), x - 4 * len(str(frame)), base + 28, 16, colour=_SOFT)
    _text(sheet, "frame", _WIDTH - _RIGHT - 46, base + 58, 16, colour=_SOFT)


def _marks(sheet: Picture, marks: list[tuple[int, str, Colour]], count: int) -> None:
    """Lines before the frames, with labels that take turns in height."""
    for number, (frame, label, colour) in enumerate(marks):
        x = round(_x(frame - 0.5, count))
        row = _TOP - 60 + 20 * (number % _TAG_ROWS)
        if colour == _CUT:
            cv2.line(sheet, (x, row), (x, _HEIGHT - _BOTTOM), colour, 2)
        else:
            for y in range(row, _HEIGHT - _BOTTOM, 10):
                cv2.line(sheet, (x, y), (x, min(y + 5, _HEIGHT - _BOTTOM)), colour, 2)
        width = 9 * len(label)
        at = x + 6 if x + 6 + width < _WIDTH - 10 else x - 6 - width
        _text(sheet, label, at, row + 12, 16, 600, colour)


def _series(
    sheet: Picture, frames: NDArray[np.intp], luma: NDArray[np.float32], count: int, colour: Colour
) -> None:
    """One phase: a pale line, and a dot for every frame that is known."""
    points = np.array(
        [(_x(f, count), _y(v)) for f, v in zip(frames, luma, strict=True) if np.isfinite(v)]
    )
    if not points.size:
        return
    fixed = np.rint(points * 2**_SUBPIXEL).astype(np.int32)
    pale = tuple(round(0.45 * c + 0.55 * p) for c, p in zip(colour, _PAPER, strict=True))
    cv2.polylines(sheet, [fixed.reshape(-1, 1, 2)], False, pale, 2, cv2.LINE_AA, _SUBPIXEL)
    radius = np.clip(0.3 * (_WIDTH - _LEFT - _RIGHT) / max(1, count), 1.5, 6.0)
    for x, y in fixed:
        cv2.circle(
            sheet,
            (int(x), int(y)),
            round(radius * 2**_SUBPIXEL),
            colour,
            cv2.FILLED,
            cv2.LINE_AA,
            _SUBPIXEL,
        )


def _text(
    sheet: Picture,
    text: str,
    x: int,
    y: int,
    size: int,
    weight: int = 400,
    colour: Colour = _INK,
) -> None:
    """Write one line with its baseline at (x, y)."""
    cv2.putText(sheet, text, (x, y), colour, cv2.FontFace("sans"), size, weight)
