"""A table of text, and the words in which cases and figures are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lrhdr_benchmarks.speed.record import Case, Result

NOTHING = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A title, a sentence or two on what the figures mean, heads, and rows of as many cells.

    Attributes:
        words: how many columns hold words, from the left; the others hold figures.
    """

    title: str
    note: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    words: int

    def without_empty_columns(self) -> Table:
        """The same without columns in which no row has anything."""
        kept = [
            i
            for i in range(len(self.heads))
            if any(row[i] not in ("", NOTHING) for row in self.rows)
        ]
        return Table(
            title=self.title,
            note=self.note,
            heads=tuple(self.heads[i] for i in kept),
            rows=[tuple(row[i] for i in kept) for row in self.rows],
            words=sum(i < self.words for i in kept),
        )


def size_of(case: Case) -> str:
    """As 1280x720."""
    return f"{case.width}x{case.height}"


def model_of(case: Case) -> str:
    """The model's name, or that of its folder; empty for what has no model."""
    return Path(case.model).name or case.model


def name_of(case: Case) -> str:
    """The subject, and its model where it has one: what one line of a plot stands for."""
    return f"{case.subject}, {model_of(case)}" if case.model else case.subject


def names(result: Result) -> list[str]:
    """What is compared, in the order of its first row: its place is its colour."""
    return list(dict.fromkeys(name_of(row.case) for row in result.rows))


def figure(value: float | None, digits: int = 3) -> str:
    """With so many digits at least, and an exponent only below 1e-4; "-" for None."""
    if value is None:
        return NOTHING
    if abs(value) >= 10.0**digits - 0.5:
        return f"{value:.0f}"
    return f"{value:#.{digits}g}".rstrip(".")


def share(value: float | None) -> str:
    """As a percentage; "-" for None."""
    return NOTHING if value is None else f"{value:.1%}"


def markdown(title: str, tables: Iterable[Table]) -> str:
    """A document of tables."""
    return "\n".join((f"# {title}", "", *map(_as_markdown, tables)))


def _as_markdown(table: Table) -> str:
    rules = ["---" if i < table.words else "---:" for i in range(len(table.heads))]
    lines = [f"## {table.title}", ""]
    lines += [table.note, ""] if table.note else []
    lines += [_line(table.heads), _line(rules), *map(_line, table.rows), ""]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(' '.join(cell.split()) for cell in escaped)} |"
