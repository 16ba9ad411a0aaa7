"""Subjects by name."""

from __future__ import annotations

from pathlib import Path

from lrhdr.errors import InputError
from lrhdr_benchmarks.speed.engines import EngineSubject, is_engine
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.subject import Subject

RIVALS = ("pytorch eager", "pytorch compiled", "hdrflow eager", "merge dis", "merge debevec")


def open_subject(case: Case, *, threads: int | None, hdrflow: Path | None) -> Subject:
    """Open what a case names. What a rival needs is imported only where it is asked for.

    Args:
        case: the subject and the frames it will be fed.
        threads: CPU threads; None leaves it to the subject.
        hdrflow: a clone of HDRFlow, for that rival.

    Raises:
        InputError: the name is unknown, or HDRFlow's clone is not given.
        LrhdrError: it cannot be opened.
    """
    if is_engine(case.subject):
        return EngineSubject(case, threads)
    match case.subject:
        case "pytorch eager" | "pytorch compiled":
            from lrhdr_benchmarks.speed.torch_models import TorchSubject

            return TorchSubject(case, threads, compiled=case.subject == "pytorch compiled")
        case "hdrflow eager":
            from lrhdr_benchmarks.speed.hdrflow import HdrFlowSubject

            if hdrflow is None:
                raise InputError("no clone of HDRFlow", next_step="Give its folder")
            return HdrFlowSubject(case, threads, clone=hdrflow)
        case "merge dis" | "merge debevec":
            from lrhdr_benchmarks.speed.merges import MergeSubject

            return MergeSubject(case, "dis" if case.subject == "merge dis" else "debevec", threads)
    raise InputError(
        f"subject {case.subject!r}", expected=f"BACKEND PRECISION, or {', '.join(RIVALS)}"
    )
