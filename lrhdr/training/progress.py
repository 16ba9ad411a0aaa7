"""What a run tells: a bar on a terminal, a line a checkpoint, `log.jsonl` and TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress:
    """Means of the losses since the last line, and where they go. Use as a context manager."""

    def __init__(self, folder: Path, step: int, steps: int, *, quiet: bool) -> None:
        """`quiet` is for all but the first of several processes."""
        self.folder, self.steps, self.quiet = folder, steps, quiet
        self.since = 0
        self._sums: dict[str, float] = {}
        self._console = Console(stderr=True, quiet=quiet)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task(folder.name, total=steps, completed=step, loss=0.0)
        self._board: Any = None

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        if self._board is not None:
            self._board.close()

    def advance(self, step: int, losses: dict[str, float]) -> None:
        """One step is done."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self.since += 1
        self._bar.update(self._task, completed=step, loss=self._sums["loss"] / self.since)

    def log(self, step: int, figures: dict[str, float], pace: float) -> None:
        """A checkpoint: mean losses since the last one, validation, seconds a step."""
        losses = {k: v / self.since for k, v in self._sums.items()}
        self._sums, self.since = {}, 0
        if self.quiet:
            return
        row: dict[str, Any] = {"step": step, "seconds_a_step": round(pace, 4)}
        row |= {k: round(v, 5) for k, v in losses.items()}
        row |= {k: round(v, 3) for k, v in figures.items()}
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        # Opened late, so that a run with nothing left to do writes nothing.
        self._board = self._board or _board(self.folder)
        if self._board is not None:
            for kind, values in (("loss", losses), ("validation", figures)):
                for name, value in values.items():
                    self._board.add_scalar(f"{kind}/{name}", value, step)
        shown = "  ".join(f"{k} {v:.2f}" for k, v in figures.items())
        left = (self.steps - step) * pace / 60.0
        self.say(f"step {step}: loss {losses['loss']:.4f}  {shown}  {left:.0f} min left")

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)


def _board(folder: Path) -> Any:
    """A TensorBoard writer, where the package is installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
