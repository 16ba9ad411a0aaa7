"""The plots of a result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from lrhdr_benchmarks.speed.plane import (
    RIGHT,
    WIDTH,
    Axes,
    colour,
    dot,
    kept_apart,
    leader,
    picture,
    reference,
    square_axes,
    text,
)
from lrhdr_benchmarks.speed.record import Ceilings, GraphCost, Result, Row
from lrhdr_benchmarks.speed.words import figure, name_of, names, size_of

_ASIDE = 4.0  # pixels
_RATES = (24, 60)  # frames a second that a film and a display have
# Stages that run while others do: they are no part of the latency.
BESIDE = ("decode", "encode", "enqueue", "upload", "unpack", "pack", "download")
_BAR, _BARS_APART, _HEADING = 16, 24, 30


def latency(result: Result, exposures: int) -> str:
    """Latency by resolution, a line for each subject; empty without rows."""
    rows = [row for row in result.rows if row.case.exposures == exposures]
    if not rows:
        return ""
    axes = square_axes(
        [_pixels(row) for row in rows],
        [each for row in rows for each in (row.latency.least, row.latency.p90)],
        ("size of a frame", "milliseconds for an output"),
    )
    sizes = sorted({(float(_pixels(row)), size_of(row.case)) for row in rows})
    parts = [*axes.grid(sizes), *_rates(axes)]
    order = names(result)
    lines = {
        name: sorted((row for row in rows if name_of(row.case) == name), key=_pixels)
        for name in order
        if any(name_of(row.case) == name for row in rows)
    }
    ends = [axes.y.at(line[-1].latency.median) for line in lines.values()]
    places = kept_apart(ends, axes.y.end, axes.y.start)
    for i, ((name, line), place) in enumerate(zip(lines.items(), places, strict=True)):
        aside = (i - (len(lines) - 1) / 2) * _ASIDE
        parts += _line(axes, line, order.index(name), place, aside)
    about = f"{len(lines)} subjects with {exposures} exposures at {len(sizes)} sizes, log by log."
    title = f"Latency by resolution, {exposures} exposures"
    return picture(f"latency-{exposures}", title, about, axes.height, parts)


def _pixels(row: Row) -> int:
    return row.case.width * row.case.height


def _rates(axes: Axes) -> Iterator[str]:
    for rate in _RATES:
        if axes.y.holds(1000.0 / rate):
            y = axes.y.at(1000.0 / rate)
            yield reference(axes.x.start, y, axes.x.end, y)
            yield text(axes.x.start + 6, y - 5, f"{rate} fps", kind="limit")


def _line(axes: Axes, rows: Sequence[Row], index: int, place: float, aside: float) -> Iterator[str]:
    """Medians joined, a bar from the least to the 90th percentile at each, the name at the end.

    All of it stands `aside` by some pixels, so that the bars of several lines can be told apart.
    """
    kind, name = colour(index), name_of(rows[0].case)
    x = [axes.x.at(_pixels(row)) + aside for row in rows]
    y = [axes.y.at(row.latency.median) for row in rows]
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    yield f'<polyline points="{points}" class="line {kind}"/>'
    for row, across in zip(rows, x, strict=True):
        low, high = axes.y.at(row.latency.least), axes.y.at(row.latency.p90)
        yield f'<path d="M{across:.1f} {low:.1f}V{high:.1f}" class="line {kind}"/>'
    for row, across, up in zip(rows, x, y, strict=True):
        hint = f"{name}, {size_of(row.case)}: {figure(row.latency.median)} ms"
        yield dot(across, up, kind, index, hint)
    right = axes.x.end + 14
    yield leader(x[-1] + 7, y[-1], right - 4, place, kind)
    yield text(right, place + 4, name, kind=f"name {kind}")


def stages(result: Result) -> str:
    """Stacked bars of stages, by size; empty where no row has stages."""
    if not any(row.stages for row in result.rows):
        return ""
    rows = sorted(
        result.rows, key=lambda row: (row.case.exposures, _pixels(row), size_of(row.case))
    )
    order = stage_names(result)
    parts: list[str] = []
    top = 4.0
    for (exposures, size), group in groupby(
        rows, key=lambda row: (row.case.exposures, size_of(row.case))
    ):
        bars = list(group)
        longest = max(sum(taken for _, taken, _ in _pieces(row, order)) for row in bars)
        parts.append(text(12, top + 18, f"{size}, {exposures} exposures", kind="heading"))
        top += _HEADING
        for row in bars:
            parts += _bar(row, order, longest, top)
            top += _BARS_APART
    about = "Median milliseconds of each stage; the table of stages has the figures."
    return picture("stages", "Where the time goes", about, top + 8, parts)


def stage_names(result: Result) -> list[str]:
    """All stages, those beside the others last: the place is the colour."""
    found = dict.fromkeys(name for row in result.rows for name in row.stages)
    return sorted(found, key=lambda name: name in BESIDE)


def _bar(row: Row, order: Sequence[str], longest: float, top: float) -> Iterator[str]:
    """As long as its share of the longest of its size; what runs beside the rest is pale."""
    left, unit = float(RIGHT), (WIDTH - RIGHT - 90) / longest
    yield text(left - 10, top + 12, name_of(row.case), "end")
    for name, taken, kind in _pieces(row, order):
        hint = f"{name}: {figure(taken)} ms"
        yield (
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{taken * unit:.2f}" height="{_BAR}" '
            f'class="{kind}"><title>{escape(hint)}</title></rect>'
        )
        left += taken * unit
    yield text(left + 8, top + 12, f"{figure(row.latency.median)} ms")


def _pieces(row: Row, order: Sequence[str]) -> Iterator[tuple[str, float, str]]:
    """Name, milliseconds and class of each piece of a bar."""
    if not set(row.stages) - set(BESIDE):
        yield "all of it", row.latency.median, "fill untimed"
    for name in sorted(row.stages, key=order.index):
        kind = f"fill {colour(order.index(name))}{' beside' * (name in BESIDE)}"
        yield name, row.stages[name].median, kind


def graph_names(result: Result) -> list[str]:
    """All graphs that were timed, in the order in which they first appear."""
    return list(dict.fromkeys(name for _, name, _ in _timed(result)))


def roofline(result: Result) -> str:
    """Graphs as dots under the machine's ceilings; empty where no graph was timed."""
    timed = list(_timed(result))
    if not timed:
        return ""
    points = [_point(cost) for _, _, cost in timed]
    ceilings = result.ceilings
    ridge = ceilings.gflops / ceilings.copy_gb_s
    axes = square_axes(
        [*(x for x, _ in points), ridge / 3.0, ridge * 3.0],
        [*(y for _, y in points), ceilings.gflops * 1.2],
        ("operations for a byte, FLOP/B", "GFLOP/s"),
    )
    subjects, graphs = names(result), graph_names(result)
    parts = [*axes.grid(), *_ceilings(axes, ceilings)]
    for (row, name, _), (x, y) in zip(timed, points, strict=True):
        hint = f"{name} at {size_of(row.case)}, {row.case.exposures} exposures, "
        hint += f"{name_of(row.case)}: {figure(y)} GFLOP/s at {figure(x)} FLOP/B"
        shape = subjects.index(name_of(row.case))
        parts.append(dot(axes.x.at(x), axes.y.at(y), colour(graphs.index(name)), shape, hint))
    about = "Each graph by its operations for a byte and by its speed, below what the machine can."
    return picture("roofline", "Roofline", about, axes.height, parts)


def _timed(result: Result) -> Iterator[tuple[Row, str, GraphCost]]:
    for row in result.rows:
        for name, cost in row.graphs.items():
            if cost.milliseconds and cost.gflop and cost.megabytes:
                yield row, name, cost


def _point(cost: GraphCost) -> tuple[float, float]:
    """FLOP for a byte, and GFLOP/s."""
    return cost.gflop * 1000.0 / cost.megabytes, cost.gflop * 1000.0 / (cost.milliseconds or 1.0)


def _ceilings(axes: Axes, ceilings: Ceilings) -> Iterator[str]:
    """The slope of the copy up to the ridge, the level of the matrix product from there on."""
    ridge = ceilings.gflops / ceilings.copy_gb_s
    level = axes.y.at(ceilings.gflops)
    start = max(axes.x.low, axes.y.low / ceilings.copy_gb_s)
    foot = axes.y.at(start * ceilings.copy_gb_s)
    yield reference(axes.x.at(start), foot, axes.x.at(ridge), level)
    yield reference(axes.x.at(ridge), level, axes.x.end, level)
    product = f"matrix product: {figure(ceilings.gflops)} GFLOP/s"
    yield text(axes.x.end + 8, level + 4, product, kind="limit")
    copied = f"copy: {figure(ceilings.copy_gb_s)} GB/s"
    middle = (start * ridge) ** 0.5
    up = axes.y.at(middle * ceilings.copy_gb_s)
    yield text(axes.x.at(middle) + 12, up + 14, copied, kind="limit")
