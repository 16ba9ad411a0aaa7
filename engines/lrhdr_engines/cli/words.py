"""What lrhdr-run says before and after a run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrhdr_engines.plan import Plan, Result

PROGRAM = "lrhdr-run"


def say(line: str) -> None:
    """Print one line on stderr."""
    print(f"{PROGRAM}: {line}", file=sys.stderr, flush=True)


def announcement(plan: Plan) -> str:
    """What is about to be done."""
    length = "" if plan.clip.frames is None else f" {plan.clip.frames} frames,"
    from_frame = f", from frame {plan.first} on" if plan.first else ""
    return (
        f"{plan.job.input}: {plan.clip.width}x{plan.clip.height},{length} "
        f"{plan.timeline.note}; codes read as {plan.transfer}; "
        f"{plan.bundle} {plan.engine} by {plan.backend} on the {plan.device}{from_frame}"
    )


def conclusion(result: Result) -> Iterator[str]:
    """What was done, and how to go on if it was not all."""
    job, report = result.plan.job, result.report
    if report.outputs:
        names = ", ".join(target.path or target.format for target in job.targets())
        rate = report.frames / max(report.seconds, 1e-9)
        yield f"{report.frames} frames in {names}, {report.seconds:.1f} s, {rate:.1f} fps"
    for sentence in report.findings.sentences():
        yield f"note: {sentence}"
    for output in report.outputs:
        notes = output.get("notes")
        for note in notes if isinstance(notes, list) else []:
            yield f"note: {note}"
    for name, path in result.pictures.items():
        if path is not None:
            yield f"{name} in {path}"
    if report.ending != "complete":
        yield f"{report.ending}: {report.note}"
    if report.ending == "interrupted":
        yield f"go on with: {job.resumption()}"
