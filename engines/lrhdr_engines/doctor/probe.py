"""Trying what may crash, in a process of its own: a broken library ends that one, not ours."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from lrhdr_engines.doctor.record import Status

TIMEOUT_S = 60.0
MARK = "lrhdr-probe:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """How it went, in one line."""

    outcome: Status
    text: str


def probe(what: str, *arguments: str, timeout_s: float = TIMEOUT_S) -> Probed:
    """Run a trial of `trials` (which names and describes them) and hear what it says."""
    command = [sys.executable, "-m", "lrhdr_engines.doctor.trials", what, *arguments]
    return run(command, timeout_s)


def run(command: Sequence[str], timeout_s: float) -> Probed:
    """Run a command that prints `MARK` and a `Probed` as JSON, whatever else it prints."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Probed(outcome="broken", text=f"gave no answer in {timeout_s:g} s")
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return Probed(**json.loads(line.removeprefix(MARK)))
    return Probed(outcome="broken", text=f"{_ending(done.returncode)}{_last(done.stderr)}")


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"crashed ({signal.Signals(-code).name})"
    except ValueError:
        return f"crashed (signal {-code})"


def _last(stderr: str) -> str:
    lines = stderr.split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {said[:200]}" if said else ""
