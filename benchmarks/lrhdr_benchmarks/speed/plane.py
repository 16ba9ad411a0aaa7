"""What the plots are drawn on: scales, grids, labels that keep apart, and the <svg> around them.

Colours are classes of page.css, `c0` and on, so that they fit light and dark pages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 960
_HEIGHT = 440  # of a plot with axes
LEFT, RIGHT, TOP, BOTTOM = 64, 250, 16, 46  # margins; names of lines stand in the right one
COLOURS = 8  # in page.css
_MOST_TICKS = 9
_APART = 16  # of labels, pixels
_ROOM = 0.06  # of a scale, beyond its values at both ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Values along one side: `low` at pixel `start`, `high` at `end`, by their logarithm or not."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    @classmethod
    def around(
        cls, values: Iterable[float], start: float, end: float, *, log: bool = True
    ) -> Scale:
        """A scale that has room for some values, above 0 where it is by logarithm."""
        found = [math.log10(v) if log else v for v in values]
        low, high = min(found), max(found)
        room = _ROOM * (high - low) or (0.3 if log else 0.5)
        low, high = low - room, high + room
        if log:
            low, high = 10.0**low, 10.0**high
        return cls(low=low, high=high, start=start, end=end, log=log)

    def at(self, value: float) -> float:
        """Pixels."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Whether a value lies on it."""
        return self.low <= value <= self.high

    def ticks(self) -> list[float]:
        """Round values on it, not too many."""
        return self._decades() if self.log else self._steps()

    def _decades(self) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for within in ((1, 2, 5), (1, 3), (1,)):
            values = [m * 10.0**k for k in range(first, last + 1) for m in within]
            ticks = [value for value in values if self.holds(value)]
            if len(ticks) <= _MOST_TICKS:
                break
        return ticks

    def _steps(self) -> list[float]:
        rough = (self.high - self.low) / _MOST_TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
        count = range(math.ceil(self.low / step), math.floor(self.high / step) + 1)
        return [k * step for k in count]


@dataclass(frozen=True, slots=True)
class Axes:
    """Two scales, `y` upwards."""

    x: Scale
    y: Scale
    x_title: str
    y_title: str

    @property
    def height(self) -> float:
        """Of the picture."""
        return self.y.start + BOTTOM

    def grid(self, columns: Sequence[tuple[float, str]] | None = None) -> Iterator[str]:
        """Lines, figures and titles; `columns` are marks below with names of their own."""
        for value in self.y.ticks():
            y = self.y.at(value)
            yield _rule(self.x.start, y, self.x.end, y)
            yield text(self.x.start - 8, y + 4, f"{value:g}", "end")
        shown = -math.inf
        for value, name in columns or [(tick, f"{tick:g}") for tick in self.x.ticks()]:
            x = self.x.at(value)
            yield _rule(x, self.y.start, x, self.y.end)
            if x - shown >= 7 * len(name) + 6:
                yield text(x, self.y.start + 18, name, "middle")
                shown = x
        yield text((self.x.start + self.x.end) / 2, self.y.start + 38, self.x_title, "middle")
        middle = (self.y.start + self.y.end) / 2
        turned = text(0, 0, self.y_title, "middle")
        yield f'<g transform="translate(14 {middle:.1f}) rotate(-90)">{turned}</g>'


def square_axes(
    x: Iterable[float], y: Iterable[float], titles: tuple[str, str], *, log_y: bool = True
) -> Axes:
    """Room for some values, with names to the right; `x` goes by logarithm, `y` may."""
    across = Scale.around(x, LEFT, WIDTH - RIGHT)
    return Axes(across, Scale.around(y, _HEIGHT - BOTTOM, TOP, log=log_y), *titles)


def picture(name: str, title: str, about: str, height: float, parts: Iterable[str]) -> str:
    """The <svg>; `name` is its own on the page, `about` says it to those who cannot see it."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-labelledby="{name}-title {name}-about"><title id="{name}-title">{escape(title)}'
        f'</title><desc id="{name}-about">{escape(about)}</desc>{"".join(parts)}</svg>'
    )


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """Words; `kind` is a class of the style."""
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def colour(index: int) -> str:
    """The class of the colour of that number."""
    return f"c{index % COLOURS}"


def dot(x: float, y: float, kind: str, shape: int, hint: str) -> str:
    """A mark of the class `kind`; `hint` shows on hovering."""
    return (
        f'<path d="M{x:.1f} {y:.1f}{_outline(shape)}" class="mark-of {kind}">'
        f"<title>{escape(hint)}</title></path>"
    )


def key(shape: int) -> str:
    """The same mark, for a legend."""
    path = f'<path d="M7 7{_outline(shape)}" class="mark-of c7"/>'
    return f'<svg class="key plain" viewBox="0 0 14 14" aria-hidden="true">{path}</svg>'


def _outline(shape: int) -> str:
    """Of a circle, a square, a triangle or a diamond."""
    outlines = (
        "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
        "m-4.5 -4.5h9v9h-9z",
        "m0 -6l5.5 10h-11z",
        "m0 -6l6 6l-6 6l-6 -6z",
    )
    return outlines[shape % len(outlines)]


def reference(x1: float, y1: float, x2: float, y2: float) -> str:
    """A dashed line that results are compared with."""
    return f'<line class="limit" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def leader(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A thin line from a mark to its name, of the mark's class."""
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" class="leader {kind}"/>'


def kept_apart(wanted: Sequence[float], low: float, high: float) -> list[float]:
    """Places as near to the wanted ones as they can be without touching, within a range."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    places = list(wanted)
    floor = low
    for i in order:
        places[i] = floor = max(wanted[i], floor)
        floor += _APART
    ceiling = high
    for i in reversed(order):
        places[i] = ceiling = min(places[i], ceiling)
        ceiling -= _APART
    return places


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
