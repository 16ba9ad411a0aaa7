"""What is tried, in order, before an engine is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Literal

from lrhdr.contract import Precision
from lrhdr.errors import BackendError
from lrhdr.manifest import Manifest
from lrhdr_engines.build.accept import TOGETHER, Candidate, Goldens, Judgement, Run, judge
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.settings import Report

Fallback = Literal["as built", "fp32 for the graphs that failed", "fp32 for every graph"]
FALLBACKS: tuple[Fallback, ...] = (
    "as built",
    "fp32 for the graphs that failed",
    "fp32 for every graph",
)

Precisions = Mapping[str, Precision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An engine that reproduced the goldens: how it was made, and the figures."""

    fallback: Fallback
    precisions: Precisions
    judgements: tuple[Judgement, ...]


def precisions_of(fallback: Fallback, precision: Precision, failed: Set[str]) -> Precisions:
    """The precision of every streaming graph.

    Args:
        fallback: what is tried.
        precision: that was asked for.
        failed: graphs that were out of tolerance so far.
    """
    full = {
        "as built": frozenset[str](),
        "fp32 for the graphs that failed": failed,
        "fp32 for every graph": frozenset(STREAMING),
    }[fallback]
    return {graph: "fp32" if graph in full else precision for graph in STREAMING}


def settle(
    precision: Precision,
    prepare: Callable[[Precisions], Run],
    trusted: Run,
    goldens: Goldens,
    manifest: Manifest,
    report: Report,
) -> Accepted:
    """Try the fallbacks in order until one reproduces the goldens.

    Args:
        precision: that was asked for.
        prepare: makes engines of these precisions ready to run.
        trusted, goldens, manifest: as for `judge`.
        report: told the table of every attempt.

    Raises:
        BackendError: none does; it carries the figures of the worst graph of every attempt.
    """
    failed: set[str] = set()
    tried: list[Precisions] = []
    refusals: list[str] = []
    for fallback in FALLBACKS:
        precisions = precisions_of(fallback, precision, failed)
        if precisions in tried:
            continue
        tried.append(precisions)
        candidate = Candidate(run=prepare(precisions), precisions=precisions)
        rows = judge(candidate, trusted, goldens, manifest)
        report(f"golden window, {fallback}:")
        for row in rows:
            report(f"  {row}")
        wrong = [row for row in rows if not row.passed]
        if not wrong:
            return Accepted(fallback=fallback, precisions=precisions, judgements=tuple(rows))
        alone = {row.graph for row in wrong} - {TOGETHER}
        # Where only the sum of small errors is too much, every graph has its share.
        failed |= alone or set(STREAMING)
        worst = max(wrong, key=lambda row: row.largest)
        refusals.append(f"{fallback}: {' '.join(str(worst).split())}")
    raise BackendError(
        f"the engine does not reproduce the golden window ({'; '.join(refusals)})",
        expected="errors within the tolerances",
        next_step="Update the driver and TensorRT and build again, or run with "
        "--backend onnxruntime, which is always there",
    )
