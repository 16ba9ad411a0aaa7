"""lrhdr-doctor's findings as a step."""

from __future__ import annotations

from collections.abc import Iterator

from lrhdr_benchmarks.gpu_check.record import FailedError, Row, Task
from lrhdr_engines.doctor import diagnose


def run(_: Task) -> Iterator[Row]:
    """The step. What is missing is no failure; that nothing works at all is."""
    diagnosis = diagnose()
    for each in (*diagnosis.findings, *diagnosis.ways):
        yield {"what": each.name, "status": each.status, "found": each.found}
    if not diagnosis.works:
        raise FailedError("no way to run lrhdr works here")
