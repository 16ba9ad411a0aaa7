"""A line plot as SVG text: values over a few columns, one line for each name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

# Okabe and Ito's colours, which colour-blind readers can tell apart.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222")
_WIDTH, _HEIGHT = 760, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 190, 14, 44  # margins
_STEPS = (1, 2, 5, 10, 20)
_TICKS = 6  # about


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axes:
    columns: int
    bottom: int
    top: int
    step: int

    def x(self, column: int) -> float:
        return _LEFT + (column + 0.5) * (_WIDTH - _LEFT - _RIGHT) / self.columns

    def y(self, value: float) -> float:
        share = (self.top - value) / (self.top - self.bottom)
        return _TOP + share * (_HEIGHT - _TOP - _BOTTOM)


def line_plot(
    lines: Mapping[str, Sequence[float | None]], columns: Sequence[str], x_title: str, y_title: str
) -> str:
    """An <svg> element.

    Args:
        lines: by name, a finite value for each column, or None where there is none. At least
            one value is there.
        columns: what the values stand over, left to right.
        x_title: below the columns.
        y_title: beside the values.
    """
    axes = _axes([v for line in lines.values() for v in line if v is not None], len(columns))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(y_title)}">',
        f'<g transform="translate(14 {_HEIGHT // 2}) rotate(-90)">',
        _text(0, 0, y_title, "middle"),
        "</g>",
        _text(middle, _HEIGHT - 6, x_title, "middle"),
        *_grid(axes),
        *(
            _text(axes.x(i), _HEIGHT - _BOTTOM + 18, name, "middle")
            for i, name in enumerate(columns)
        ),
    ]
    for index, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        dash = "" if index < len(_COLOURS) else ' stroke-dasharray="5 3"'
        left, y = _WIDTH - _RIGHT + 14, _TOP + 8 + 20 * index
        path = f"{_path(line, axes)} M{left} {y} h22"
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        parts.append(_text(left + 28, y + 4, name, "start"))
    return "".join((*parts, "</svg>"))


def _axes(values: Sequence[float], columns: int) -> _Axes:
    low, high = min(values), max(values)
    step = next((s for s in _STEPS if (high - low) / s <= _TICKS), _STEPS[-1])
    bottom = math.floor(low / step) * step
    return _Axes(
        columns=columns,
        bottom=bottom,
        top=max(math.ceil(high / step) * step, bottom + step),
        step=step,
    )


def _grid(axes: _Axes) -> Iterator[str]:
    for tick in range(axes.bottom, axes.top + 1, axes.step):
        y = axes.y(tick)
        yield f'<path d="M{_LEFT} {y:.1f} H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
        yield _text(_LEFT - 6, y + 4, str(tick), "end")


def _path(line: Sequence[float | None], axes: _Axes) -> str:
    """Path data with a gap where a value is missing, and a short bar at each value."""
    parts, pen = [], "M"
    for column, value in enumerate(line):
        if value is None:
            pen = "M"
            continue
        x, y = axes.x(column), axes.y(value)
        parts.append(f"{pen}{x:.1f} {y:.1f} m0 -3 v6 m0 -3")
        pen = "L"
    return " ".join(parts)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
