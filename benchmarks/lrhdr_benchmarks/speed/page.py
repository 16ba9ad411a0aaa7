"""The page: one HTML file with everything in it, which needs no script and no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib import resources

from lrhdr.contract import WINDOWS
from lrhdr_benchmarks.speed.charts import (
    BESIDE,
    graph_names,
    latency,
    roofline,
    stage_names,
    stages,
)
from lrhdr_benchmarks.speed.plane import colour, key
from lrhdr_benchmarks.speed.quality import Quality, speed_and_quality
from lrhdr_benchmarks.speed.record import Result
from lrhdr_benchmarks.speed.tables import tables
from lrhdr_benchmarks.speed.words import Table, name_of, names

TITLE = "lrhdr-bench"
# The look of lrhdr-run's report, and what is added to it here.
_STYLES = ("lrhdr_engines.report", "lrhdr_benchmarks.speed")


def page(result: Result, quality: Quality) -> str:
    """All of it: plots first, then the tables they are drawn from."""
    style = "".join(
        resources.files(each).joinpath("page.css").read_text("utf-8") for each in _STYLES
    )
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{TITLE}</title><style>{style}</style></head><body><main>",
            f"<h1>{TITLE}</h1>",
            f'<p class="lead">{escape(_summary(result))}</p>',
            *_plots(result, quality),
            *map(_table, tables(result)),
            "</main></body></html>",
            "",
        )
    )


def _summary(result: Result) -> str:
    facts = [result.date, *result.machine.values()][:3]
    return f"{'; '.join(facts)}. Noise of this machine in this run: {result.ceilings.noise:.1%}."


def _plots(result: Result, quality: Quality) -> Iterator[str]:
    for exposures in WINDOWS:
        yield _section(
            f"Latency by resolution, {exposures} exposures",
            "Median time from one output to the next; the bars reach from the least to the 90th "
            "percentile. Both axes by logarithm.",
            latency(result, exposures),
        )
    yield _section(
        "Where the time goes",
        "Medians of the stages of one output; the figure is the latency. Pale: what runs beside "
        "the rest (in a whole lrhdr-run) and is no part of it. Grey: not timed by stages, as where "
        "graphs run beside each other. Bars compare within a size.",
        stages(result),
        _legend(stage_names(result)),
    )
    yield _section(
        "Roofline",
        "A dot is one graph of one case, by the fewest bytes that it can move: what it moves "
        "beyond them would put it further to the left. Dashed: what the machine can do at most, "
        "measured in this run.",
        roofline(result),
        _legend(graph_names(result)) + _shapes(result),
    )
    for exposures in WINDOWS:
        yield _section(
            f"Speed against quality, {exposures} exposures",
            "Outputs a second at the largest size that most of them were timed at; PSNR_T as "
            "lrhdr-eval measured it on its own test set.",
            speed_and_quality(result, quality, exposures),
        )


def _section(title: str, words: str, plot: str, legend: str = "") -> str:
    if not plot:
        return ""
    return f"<section><h2>{title}</h2><p>{words}</p>{legend}<figure>{plot}</figure></section>"


def _legend(entries: Sequence[str]) -> str:
    return _list(
        f'<span class="key {colour(i)}{" beside" * (name in BESIDE)}"></span>{escape(name)}'
        for i, name in enumerate(entries)
    )


def _shapes(result: Result) -> str:
    """Of the subjects whose graphs were timed."""
    timed = {name_of(row.case) for row in result.rows if row.graphs}
    shown = ((i, name) for i, name in enumerate(names(result)) if name in timed)
    return _list(key(i) + escape(name) for i, name in shown)


def _list(items: Iterable[str]) -> str:
    return f'<ul class="legend">{"".join(f"<li>{item}</li>" for item in items)}</ul>'


def _table(table: Table) -> str:
    heads = "".join(
        f'<th scope="col"{_kind(i, table)}>{escape(h)}</th>' for i, h in enumerate(table.heads)
    )
    rows = "".join(
        f"<tr>{''.join(f'<td{_kind(i, table)}>{escape(c)}</td>' for i, c in enumerate(row))}</tr>"
        for row in table.rows
    )
    note = f"<p>{escape(table.note)}</p>" if table.note else ""
    return (
        f'<section><h2>{escape(table.title)}</h2>{note}<div class="wide"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _kind(column: int, table: Table) -> str:
    """Figures to the right; what is words alone may be of several lines."""
    if column >= table.words:
        return ' class="number"'
    return ' class="words"' if table.words == len(table.heads) else ""
