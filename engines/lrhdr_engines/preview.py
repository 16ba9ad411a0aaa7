"""The contact sheet: what went in, what came out, and which candidate won where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import WINDOWS, Window
from lrhdr_engines.reconstruct import RgbFrame, white
from lrhdr_engines.streaming import Output
from lrhdr_engines.timeline import Timeline
from lrhdr_engines.tonemap import display
from lrhdr_engines.whole import write_whole

if TYPE_CHECKING:
    from lrhdr_engines.pipeline import Report

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

ROWS = 3
_ROWS_APART = 24  # frames, in a clip of unknown length

_WIDTH = 1880  # of the sheet in pixels
_MARGIN, _GAP, _LINE = 40, 14, 30
_PAPER: Colour = (250, 249, 247)
_INK: Colour = (34, 34, 38)
_SOFT: Colour = (112, 112, 120)
_TITLE_SIZE, _TEXT_SIZE = 26, 16
_REGULAR, _BOLD = 400, 600

# One hue for each kind of candidate, from dark to light; the reference itself is grey.
_FRAMES: tuple[Colour, ...] = ((31, 73, 125), (58, 110, 175), (96, 150, 208), (150, 192, 230))
_FILMS: tuple[Colour, ...] = ((46, 125, 80), (122, 186, 128))
_ACCRS: tuple[Colour, ...] = ((214, 90, 40), (240, 156, 66), (250, 206, 120))
_REFERENCE: Colour = (150, 150, 156)


def pick_rows(start: int, frames: int | None, exposures: int) -> tuple[int, ...]:
    """Which outputs to show: spread over the run, with the reference's exposure taking turns."""
    if frames is None:
        wanted = [start + row * _ROWS_APART for row in range(ROWS)]
        last = None
    else:
        wanted = [start + (2 * row + 1) * frames // (2 * ROWS) for row in range(ROWS)]
        last = start + frames - 1
    rows = []
    for row, index in enumerate(wanted):
        turned = index + (start + row - index) % exposures
        rows.append(turned if last is None else min(turned, last))
    return tuple(sorted(set(rows)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    index: int
    frames: tuple[int, ...]  # of the clip: the output's own, and its neighbours
    tiles: tuple[Picture, ...]
    shares: NDArray[np.float64]  # (N,), mean weight of each candidate


class ContactSheet:
    """Collects rows from a run and draws them."""

    def __init__(self, title: str, timeline: Timeline, rows: Sequence[int]) -> None:
        """An empty sheet.

        Args:
            title: the line at the top.
            timeline: the exposures of the clip.
            rows: indices of the outputs to show, as from `pick_rows`.
        """
        self._title = title
        self._timeline = timeline
        self._ev = timeline.ev
        self._window = WINDOWS[len(self._ev)]
        self._wanted = frozenset(rows)
        self._rows: list[_Row] = []
        # The metered exposure: the brighter of two, the middle of three.
        self._metered = sorted(self._ev)[1]
        self._columns = len(self._ev) + 2
        self._tile = (_WIDTH - 2 * _MARGIN - (self._columns - 1) * _GAP) // self._columns

    def __len__(self) -> int:
        """How many rows there are so far."""
        return len(self._rows)

    def wants(self, index: int) -> bool:
        """Whether output `index`, with masks, is to be shown."""
        return index in self._wanted

    def add(self, output: Output) -> None:
        """Take an output; those that are not wanted are ignored."""
        if not self.wants(output.index) or output.masks is None:
            return
        window, frames = self._window, output.window.frames
        peak = 2.0 ** (self._metered - min(self._ev))
        picture = display(output.hdr * np.float32(2.0**self._metered), peak)
        # The reference and the frames after it show every exposure once.
        shot = [eight_bit(frame) for frame in frames[window.reference :]]
        pictures = [*shot, picture, winners(output.masks, palette(window), picture)]
        self._rows.append(
            _Row(
                index=output.index,
                frames=output.window.slots[window.reference :],
                tiles=tuple(_tile(picture, self._tile) for picture in pictures),
                shares=output.masks.mean(axis=(0, 1), dtype=np.float64),
            )
        )

    def save(self, path: Path, report: Report) -> bool:
        """Draw the sheet as a PNG, if any frame came so far. See `Watcher`.

        Raises:
            OutputError: it cannot be written.
        """
        if not self._rows:
            return False
        _, png = cv2.imencode(".png", cv2.cvtColor(self.draw(), cv2.COLOR_RGB2BGR))
        write_whole(path, png.tobytes())
        return True

    def draw(self) -> Picture:
        """The sheet as (H, W, 3)."""
        tile_height = max((row.tiles[0].shape[0] for row in self._rows), default=0)
        row_height = tile_height + _LINE + _GAP
        legend = _LINE * (2 + -(-self._window.candidates // _legend_columns(self._window)))
        height = 2 * _MARGIN + 2 * _LINE + len(self._rows) * row_height + legend
        sheet = np.full((height, _WIDTH, 3), _PAPER, np.uint8)
        _text(sheet, self._title, _MARGIN, _MARGIN + 16, _TITLE_SIZE, _BOLD)
        top = _MARGIN + 2 * _LINE
        for row in self._rows:
            for column, (tile, caption) in enumerate(
                zip(row.tiles, self._captions(row), strict=True)
            ):
                left = _MARGIN + column * (self._tile + _GAP)
                sheet[top : top + tile.shape[0], left : left + self._tile] = tile
                _text(sheet, caption, left, top + tile_height + 20, _TEXT_SIZE, colour=_SOFT)
            top += row_height
        self._draw_legend(sheet, top + _GAP)
        return sheet

    def _captions(self, row: _Row) -> tuple[str, ...]:
        own, *others = (self._timeline.ev_of(frame) for frame in row.frames)
        return (
            f"Frame {row.index}, shot at {stops_of(own)}",
            *(f"Its neighbour, shot at {stops_of(ev)}" for ev in others),
            "HDR result, tone-mapped",
            "Which candidate won where",
        )

    def _draw_legend(self, sheet: Picture, top: int) -> None:
        if not self._rows:
            return
        shares = np.mean([row.shares for row in self._rows], axis=0)
        heading = "Candidates, and their mean weight in these frames"
        _text(sheet, heading, _MARGIN, top + 12, _TEXT_SIZE, _BOLD)
        per_line = _legend_columns(self._window)
        step = (_WIDTH - 2 * _MARGIN) // per_line
        named = zip(self._window.candidate_names, palette(self._window), shares, strict=True)
        for i, (name, colour, share) in enumerate(named):
            left = _MARGIN + (i % per_line) * step
            y = top + _LINE * (1 + i // per_line) + 12
            cv2.rectangle(sheet, (left, y - 13), (left + 18, y + 3), colour, cv2.FILLED)
            _text(sheet, f"{name}   {share:.0%}", left + 28, y, _TEXT_SIZE)


def palette(window: Window) -> tuple[Colour, ...]:
    """The colour of every candidate, in mask order."""
    frames = list(_FRAMES[: window.frames - 1])
    if window.frames == 3:
        frames = [_FRAMES[0], _FRAMES[2]]
    frames.insert(window.reference, _REFERENCE)
    films = _FILMS[: len(window.interpolations)]
    return (*frames, *films, *_ACCRS[: window.exposures])


def winners(masks: NDArray[np.float32], colours: Sequence[Colour], picture: Picture) -> Picture:
    """The colour of the heaviest candidate at every pixel, with the picture faintly in it."""
    flat = np.asarray(colours, np.float32)[masks.argmax(axis=2)]
    shade = picture.mean(axis=2, keepdims=True, dtype=np.float32) / 255.0
    return np.asarray(np.rint(flat * (0.72 + 0.28 * shade)), np.uint8)


def eight_bit(frame: RgbFrame) -> Picture:
    """A frame as a picture of 8 bits, gamma-encoded as it is."""
    if frame.dtype == np.uint8:
        return np.asarray(frame, np.uint8)
    light = np.clip(frame / white(frame), 0.0, 1.0)
    return np.rint(light * 255.0).astype(np.uint8)


def _tile(picture: Picture, width: int) -> Picture:
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    method = cv2.INTER_AREA if picture.shape[1] > width else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)


def _legend_columns(window: Window) -> int:
    return 6 if window.candidates == 6 else 5


def stops_of(ev: float) -> str:
    """An exposure value in words."""
    return f"{ev:+.3g} EV".replace("-", "−") if ev else "0 EV"


def _text(
    sheet: Picture,
    text: str,
    x: int,
    y: int,
    size: int,
    weight: int = _REGULAR,
    colour: Colour = _INK,
) -> None:
    """Write one line with its baseline at (x, y)."""
    cv2.putText(sheet, text, (x, y), colour, cv2.FontFace("sans"), size, weight)
