"""A whole lrhdr-run: decoding, inference and encoding beside each other, as a user has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.speed import clips
from lrhdr_benchmarks.speed.engines import is_engine
from lrhdr_benchmarks.speed.memory import greatest_of
from lrhdr_benchmarks.speed.record import Case, Spread

Sink = Literal["null", "hdr10"]
_ENTRY = "from lrhdr_engines.cli.run import main; main()"
# By sink: the output's name, and options.
_SINKS: dict[Sink, tuple[str, tuple[str, ...]]] = {
    "null": ("null", ()),
    "hdr10": ("whole.mp4", ("--preset", "ultrafast", "--overwrite")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Of one run.

    Attributes:
        fps: outputs a second, from the first frame to the last.
        peak_mb: greatest resident memory.
        busy_ms: of each worker (decode, infer, encode) for one output, without its waiting.
        to_slowest: wall time over that of the slowest worker, at least 1: what keeping them beside
            each other costs.
    """

    fps: float
    peak_mb: float
    busy_ms: dict[str, float]
    to_slowest: float

    def stages(self) -> dict[str, Spread]:
        """Those that inference alone does not have, as stages of a row: a mean each."""
        return {name: Spread.of([self.busy_ms[name]]) for name in ("decode", "encode")}


def whole(case: Case, sink: Sink, frames: int, *, threads: int | None, folder: Path) -> Whole:
    """Make `frames` outputs of the clip at the case's size.

    Args:
        case: of one of our engines.
        sink: where they go.
        frames: at least a cycle.
        threads: CPU threads; None lets the backend choose.
        folder: for the clip, which is kept for the next call, and the output.

    Raises:
        LrhdrError: the run failed, or the case is no engine's.
    """
    if not is_engine(case.subject):
        raise LrhdrError(f"a whole run of {case.subject!r}", expected="one of our engines")
    clip = folder / f"{case.width}x{case.height}-{case.exposures}e-{frames}.mkv"
    if not clip.exists():
        clips.write(clip, case.width, case.height, case.exposures, frames)
    backend, precision, *_ = case.subject.split(" ")
    name, options = _SINKS[sink]
    target = name if sink == "null" else str(folder / name)
    words = ["--model", case.model, "--backend", backend, "--engine", precision, *options]
    words += [] if threads is None else ["--threads", str(threads)]
    return run(clip, target, clips.ev(case.exposures), words)


def run(clip: Path, target: str, ev: Sequence[float], options: Sequence[str]) -> Whole:
    """lrhdr-run in a process of its own.

    Args:
        clip: its input.
        target: its output.
        ev: of the clip.
        options: others.

    Raises:
        LrhdrError: it failed.
    """
    command = [sys.executable, "-c", _ENTRY, str(clip), "-o", target]
    command += ["--ev", ",".join(f"{value:g}" for value in ev), "--json", "-", *options]
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=out,
            stderr=subprocess.DEVNULL,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        facts = _facts(out.read())
    if process.returncode:
        raise LrhdrError(f"lrhdr-run failed: {facts.get('note') or process.returncode}")
    return _whole(facts, greatest_of(usage))


def _facts(text: bytes) -> dict[str, Any]:
    """What it said; nothing where it did not come to that."""
    try:
        facts: dict[str, Any] = json.loads(text)
    except ValueError:
        return {}
    return facts


def _whole(facts: dict[str, Any], peak_mb: float) -> Whole:
    busy: dict[str, float] = facts["busy_seconds"]
    return Whole(
        fps=facts["frames_per_second"],
        peak_mb=peak_mb,
        busy_ms={name: 1e3 * seconds / facts["frames"] for name, seconds in busy.items()},
        to_slowest=facts["seconds"] / max(busy.values()),
    )
