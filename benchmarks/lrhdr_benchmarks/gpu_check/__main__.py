"""scripts/gpu-check: everything that only a GPU can prove, in a few minutes and with no network."""

from __future__ import annotations

import json
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from lrhdr import __version__
from lrhdr.command import run_command

PROGRAM = "gpu-check"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def check(
    minutes: Annotated[float, typer.Option(min=0.1, help="At most so long, in all.")] = 8.0,
    json_to: Annotated[
        Path | None,
        typer.Option("--json", metavar="F", help="Also write it, in place of an older file."),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep what is built, and the steps' logs, there; what fits is used again.",
        ),
    ] = None,
) -> None:
    """Check this machine's GPU: kernels, sanitizer, bandwidth, engines, latency.

    Every step ends as passed, failed, or not run with the reason. On a machine without a GPU it
    does what can be done there.

    \b
    Exit codes:
      0 nothing failed   1 something did   2 refused
    """  # noqa: D301 (click wants the character)
    from rich.console import Console

    from lrhdr_benchmarks.gpu_check.run import run_steps
    from lrhdr_benchmarks.gpu_check.steps import STEPS
    from lrhdr_benchmarks.gpu_check.table import show_outcome, verdict
    from lrhdr_engines.whole import write_whole

    console = Console(highlight=False)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    outcomes = []
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    with nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        for outcome in run_steps(STEPS, Path(folder), minutes):
            outcomes.append(outcome)
            show_outcome(outcome, console)
    console.print(verdict(outcomes))
    if json_to is not None:
        facts = {
            "lrhdr": __version__,
            "began": began,
            "verdict": verdict(outcomes),
            "steps": [outcome.facts() for outcome in outcomes],
        }
        write_whole(json_to, (json.dumps(facts, indent=2) + "\n").encode())
    raise typer.Exit(int(any(outcome.status == "failed" for outcome in outcomes)))


if __name__ == "__main__":
    run_command(lambda: app(prog_name=PROGRAM), PROGRAM, "dev")
