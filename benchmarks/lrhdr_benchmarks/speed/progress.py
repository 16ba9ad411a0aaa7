"""Progress on stderr: a bar on a terminal, a line for every part elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Display:
    """Shows what is being done. Use it as a context manager."""

    def __init__(self) -> None:
        """Nothing is shown before `begin`."""
        self._bar: Progress | None = None

    def begin(self, steps: int) -> None:
        """So many parts there are."""
        if sys.stderr.isatty():
            self._bar = Progress(
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}"),
                console=Console(stderr=True),
            )
            self._bar.add_task("", total=steps)
            self._bar.start()

    def report(self, line: str) -> None:
        """This is being done now."""
        if self._bar is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._bar.update(self._bar.task_ids[0], description=escape(line))

    def step(self) -> None:
        """A part is done."""
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
