"""A diagnosis on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lrhdr_engines.doctor.diagnosis import Diagnosis
from lrhdr_engines.doctor.record import Finding

_SIGNS = {
    "ok": "[green]ok[/]",
    "missing": "[yellow]missing[/]",
    "broken": "[red]broken[/]",
}
_WORKS = {"ok": "[green]works[/]"}
_WORKS_NOT = "[yellow]does not[/]"


def show(diagnosis: Diagnosis, console: Console) -> None:
    """Print what was found, then the ways."""
    console.print("[bold]What was found[/]")
    console.print(_table(diagnosis.findings, _SIGNS, ""))
    console.print("\n[bold]What works[/]")
    console.print(_table(diagnosis.ways, _WORKS, _WORKS_NOT))


def _table(findings: Sequence[Finding], signs: dict[str, str], otherwise: str) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        table.add_row(each.name, signs.get(each.status, otherwise), escape(each.found))
        if each.remedy:
            table.add_row("", "", f"[dim]->[/] {escape(each.remedy)}")
    return table
