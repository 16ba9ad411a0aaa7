"""The outcomes on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lrhdr_benchmarks.gpu_check.record import Outcome, Row

_COLOURS = {"passed": "green", "failed": "red", "not run": "yellow"}


def show_outcome(outcome: Outcome, console: Console) -> None:
    """One step: a line, and its rows."""
    colour = _COLOURS[outcome.status]
    why = f": {escape(outcome.why)}" if outcome.why else ""
    console.print(
        f"[bold]{outcome.name}[/]  [{colour}]{outcome.status}[/]{why}  ({outcome.seconds:.1f} s)"
    )
    if outcome.rows:
        console.print(_table(outcome.rows))


def verdict(outcomes: Sequence[Outcome]) -> str:
    """The last line: how many of each, and where it stopped."""
    counts = [f"{sum(each.status == status for each in outcomes)} {status}" for status in _COLOURS]
    stopped = next((each for each in outcomes if each.status != "passed"), None)
    where = "" if stopped is None else f"; first stop: {stopped.name}, {stopped.why}"
    return f"{', '.join(counts)}{where}"


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(row.get(column, ""))) for column in columns))
    return table
