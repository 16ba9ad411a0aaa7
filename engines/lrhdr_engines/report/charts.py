"""Charts as SVG: points and lines over the frames of a clip."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 960, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 30
_MOST_POINTS = 1200  # of a series: the page stays small however long the clip is


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values over frames.

    Attributes:
        points: (frame, value).
        colour: of CSS.
        line: joined by a line; else dots.
    """

    points: Sequence[tuple[int, float]]
    colour: str
    line: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at a frame, with a word to it."""

    frame: int
    word: str


class Axes:
    """Frames to the right and values up, linear or by decades."""

    def __init__(self, first: int, last: int, low: float, high: float, *, decades: bool) -> None:
        """A chart of frames `first` to `last` and values `low` to `high`."""
        self._first, self._last = first, max(last, first + 1)
        self._decades = decades
        self._low, self._high = (math.log10(low), math.log10(high)) if decades else (low, high)

    def x(self, frame: float) -> float:
        """Pixels from the left."""
        share = (frame - self._first) / (self._last - self._first)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        if self._decades:
            value = math.log10(max(value, 10.0**self._low))
        share = (min(max(value, self._low), self._high) - self._low) / (self._high - self._low)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def grid(self, ticks: Iterable[float], unit: str) -> str:
        """Lines and figures on the left, frame numbers below."""
        parts = []
        for value in ticks:
            y = self.y(value)
            parts.append(
                f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}{unit}</text>'
            )
        step = _round_step((self._last - self._first) / 8)
        parts += [
            f'<text x="{self.x(frame):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{frame}</text>'
            for frame in range(-(-self._first // step) * step, self._last + 1, step)
        ]
        return "".join(parts)


def chart(axes: Axes, series: Sequence[Series], marks: Sequence[Mark], grid: str, name: str) -> str:
    """The chart as an <svg> element; `name` says what it shows to those who cannot see it."""
    drawn = "".join(_mark(axes, mark) for mark in marks)
    drawn += "".join(_line(axes, one) if one.line else _dots(axes, one) for one in series)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">{grid}{drawn}</svg>'


def _thinned(points: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    """At most so many points, evenly; odd steps, so that every exposure of a cycle stays."""
    step = -(-len(points) // _MOST_POINTS)
    return points[:: step + 1 - step % 2]


def _dots(axes: Axes, series: Series) -> str:
    dots = "".join(
        f"M{axes.x(frame):.1f} {axes.y(value):.1f}h0" for frame, value in _thinned(series.points)
    )
    return f'<path d="{dots}" class="dots" stroke="{series.colour}"/>' if dots else ""


def _line(axes: Axes, series: Series) -> str:
    points = " ".join(
        f"{axes.x(frame):.1f},{axes.y(value):.1f}" for frame, value in _thinned(series.points)
    )
    return f'<polyline points="{points}" class="line" stroke="{series.colour}"/>'


def _mark(axes: Axes, mark: Mark) -> str:
    x = axes.x(mark.frame)
    return (
        f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
        f'<text class="mark" x="{x + 4:.1f}" y="{_TOP + 10}">{mark.word}</text>'
    )


def _round_step(rough: float) -> int:
    """1, 2 or 5 times a power of ten, at least 1."""
    power = 1
    while power * 10 < rough:
        power *= 10
    return next((power * m for m in (1, 2, 5) if power * m >= rough), power * 10)
