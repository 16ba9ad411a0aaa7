"""The process of one step: NAME FOLDER SECONDS FILE. It writes rows and its end to FILE."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, TextIO

from lrhdr_benchmarks.gpu_check.record import FailedError, NotRunError, Step, Task, line
from lrhdr_benchmarks.gpu_check.steps import STEPS


def perform(step: Step, task: Task, out: TextIO) -> None:
    """Run a step; every row is on the disk before the next one is sought."""

    def say(**facts: Any) -> None:
        out.write(line(**facts))
        out.flush()

    try:
        for row in step.run(task):
            say(row=row)
    except NotRunError as error:
        say(status="not run", why=str(error))
    except FailedError as error:
        say(status="failed", why=str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this step's outcome
        say(status="failed", why=f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
    else:
        say(status="passed", why="")


def main(name: str, folder: str, seconds: str, file: str) -> None:
    """See above."""
    step = next(step for step in STEPS if step.name == name)
    task = Task(folder=Path(folder), deadline=time.monotonic() + float(seconds))
    with Path(file).open("w", encoding="utf-8") as out:
        perform(step, task, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
