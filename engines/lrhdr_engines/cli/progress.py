"""Progress on stderr: a bar on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_SECONDS_BETWEEN_LINES = 5.0


class ProgressDisplay:
    """Shows how far a run is. Use it as a context manager."""

    def __init__(self) -> None:
        """Nothing is shown before `begin`."""
        self._bar: Progress | None = None
        self._began = self._shown = time.monotonic()
        self._total: int | None = None

    def look(self, frames: int) -> None:
        """So many frames were read to find the exposures."""
        now = time.monotonic()
        if now - self._shown >= _SECONDS_BETWEEN_LINES:
            self._shown = now
            print(f"looking for the exposures: frame {frames}", file=sys.stderr, flush=True)

    def begin(self, total: int | None) -> None:
        """Start the clock; `total` frames are expected, None if that is unknown."""
        self._total = total
        self._began = self._shown = time.monotonic()
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("[progress.description]{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                TextColumn("ETA"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.add_task("frames", total=total, rate="")
            self._bar.start()

    def advance(self, done: int) -> None:
        """`done` frames are done."""
        now = time.monotonic()
        rate = done / max(now - self._began, 1e-6)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, rate=f"{rate:.1f} fps")
        elif now - self._shown >= _SECONDS_BETWEEN_LINES:
            self._shown = now
            print(self._line(done, rate), file=sys.stderr, flush=True)

    def _line(self, done: int, rate: float) -> str:
        if self._total is None:
            return f"frame {done}, {rate:.1f} fps"
        left = max(0, self._total - done) / rate
        return f"frame {done}/{self._total}, {rate:.1f} fps, ETA {left:.0f} s"

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
