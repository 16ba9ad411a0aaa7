"""Running the steps one after another, each in a process of its own, in the time there is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lrhdr_benchmarks.gpu_check.record import Outcome, Step
from lrhdr_engines.backends.nvidia import why_no_gpu

# A step must leave within this of its deadline by itself; then it is ended.
_GRACE_S = 2.0
_LEAST_S = 3.0  # below it, starting a process makes no sense

# Starts a step: (name, folder, seconds, file) to a command line.
Command = Callable[[str, Path, float, Path], Sequence[str]]


def child_command(name: str, folder: Path, seconds: float, file: Path) -> Sequence[str]:
    """The step in a fresh interpreter."""
    module = "lrhdr_benchmarks.gpu_check.child"
    return [sys.executable, "-m", module, name, str(folder), f"{seconds:.1f}", str(file)]


def run_steps(
    steps: Sequence[Step], folder: Path, minutes: float, command: Command = child_command
) -> Iterator[Outcome]:
    """Yield each step's outcome as it ends. All of it takes `minutes` at most.

    A step gets its share of the time that is left, so what one does not use helps the others.
    """
    deadline = time.monotonic() + 60.0 * minutes
    no_gpu = why_no_gpu()
    passed: set[str] = set()
    for index, step in enumerate(steps):
        left = deadline - time.monotonic()
        wanted = sum(s.seconds for s in steps[index:] if no_gpu is None or not s.gpu)
        share = left * step.seconds / max(wanted, step.seconds) - _GRACE_S
        lacking = [name for name in step.after if name not in passed]
        if step.gpu and no_gpu is not None:
            outcome = Outcome(name=step.name, status="not run", why=no_gpu)
        elif lacking:
            outcome = Outcome(name=step.name, status="not run", why=f"needs {lacking[0]}")
        elif share < _LEAST_S:
            outcome = Outcome(name=step.name, status="not run", why="no time left")
        else:
            file = folder / f"{step.name}.jsonl"
            outcome = _perform(step.name, command(step.name, folder, share, file), share, file)
        if outcome.status == "passed":
            passed.add(step.name)
        yield outcome


def _perform(name: str, command: Sequence[str], seconds: float, file: Path) -> Outcome:
    file.unlink(missing_ok=True)
    log = file.with_suffix(".log")
    began = time.monotonic()
    with log.open("wb") as said:
        # A session of its own: what the step started is ended with it.
        process = subprocess.Popen(
            command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            code: int | None = process.wait(seconds + _GRACE_S)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    outcome = Outcome(name=name, status="failed", seconds=round(time.monotonic() - began, 1))
    ended = _read(file, outcome)
    if code is None:
        outcome.status, outcome.why = "failed", f"still running after {seconds:.0f} s"
    elif not ended:
        outcome.why = f"its process ended with {code}: {_last_line(log)}"
    return outcome


def _read(file: Path, outcome: Outcome) -> bool:
    """Take over what the step wrote; whether it came to its end."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    ended = False
    for line in text.splitlines():
        try:
            facts = json.loads(line)
        except ValueError:  # it was ended while it wrote
            break
        if "row" in facts:
            outcome.rows.append(facts["row"])
        else:
            outcome.status, outcome.why, ended = facts["status"], facts["why"], True
    return ended


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "it said nothing")
