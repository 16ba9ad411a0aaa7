"""What lrhdr-run says before and after a run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrhdr_engines.job import Job, Plan, Result

PROGRAM = "lrhdr-run"

# Of a run that goes on where another stopped.
_SET_ANEW = ("input", "out", "start_frame", "max_frames", "preview", "overwrite")


def say(line: str) -> None:
    """Print one line on stderr."""
    print(f"{PROGRAM}: {line}", file=sys.stderr, flush=True)


def announcement(plan: Plan) -> str:
    """What is about to be done."""
    length = "" if plan.clip.frames is None else f" {plan.clip.frames} frames,"
    return (
        f"{plan.job.input}: {plan.clip.width}x{plan.clip.height},{length} "
        f"{plan.exposures.note}; {plan.bundle} {plan.engine} by {plan.backend} on the {plan.device}"
    )


def conclusion(result: Result) -> Iterator[str]:
    """What was done, and how to go on if it was not all."""
    job, report = result.plan.job, result.report
    if report.frames:
        rate = report.frames / report.seconds
        yield f"{report.frames} frames in {job.target}, {report.seconds:.1f} s, {rate:.1f} fps"
    notes = report.facts.get("notes")
    for note in notes if isinstance(notes, list) else []:
        yield f"note: {note}"
    if result.preview is not None:
        yield f"contact sheet in {result.preview}"
    if report.ending != "complete":
        yield f"{report.ending}: {report.note}"
    if report.ending == "interrupted":
        yield f"go on with: {resume(job, report.frames)}"


def resume(job: Job, frames: int) -> str:
    """The command that makes what is left after `frames` outputs, into another file."""
    from lrhdr_engines.media.sink import VIDEO_SUFFIXES

    target = Path(job.target)
    # A sequence goes on in its own folder.
    if frames and target.suffix.lower() in VIDEO_SUFFIXES:
        target = target.with_name(f"{target.stem}.rest{target.suffix}")
    words = [PROGRAM, str(job.input), "-o", str(target)]
    words += ["--start-frame", str(job.start_frame + frames)]
    if job.max_frames is not None:
        words += ["--max-frames", str(job.max_frames - frames)]
    for field in fields(job):
        value = getattr(job, field.name)
        if field.name not in _SET_ANEW and value != field.default:
            words += [f"--{field.name.replace('_', '-')}", str(value)]
    return shlex.join(words)
