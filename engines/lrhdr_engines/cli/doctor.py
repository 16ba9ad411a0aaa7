"""lrhdr-doctor: what this machine has, what works on it and what to install."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lrhdr.errors import LrhdrError

PROGRAM = "lrhdr-doctor"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def command(
    json_to: Annotated[
        str | None,
        typer.Option(
            "--json",
            metavar="F|-",
            help="Also write the findings as JSON, in place of an older file; - is stdout.",
        ),
    ] = None,
) -> None:
    """Look for everything that lrhdr can use on this machine, and try every way to run it.

    Nothing is installed or changed. Every trial runs in a process of its own.

    \b
    Exit codes:
      0 at least one way works   1 none does   2 the JSON file cannot be written
    """  # noqa: D301 (click wants the character)
    from rich.console import Console

    from lrhdr_engines.doctor import diagnose
    from lrhdr_engines.doctor.report import show

    diagnosis = diagnose()
    show(diagnosis, Console(stderr=json_to == "-", highlight=False))
    if json_to is not None:
        try:
            _write(json_to, json.dumps(diagnosis.facts(), indent=2) + "\n")
        except LrhdrError as error:
            print(f"{PROGRAM}: error: {error}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from error
    raise typer.Exit(0 if diagnosis.works else 1)


def _write(target: str, text: str) -> None:
    if target == "-":
        sys.stdout.write(text)
        return
    from lrhdr_engines.whole import write_whole

    write_whole(Path(target), text.encode())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    app(args=arguments, prog_name=PROGRAM)
