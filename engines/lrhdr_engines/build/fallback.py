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
from lrhdr_engines.build.forms import Form, precision_of, widened
from lrhdr_engines.build.settings import Report

Fallback = Literal[
    "as built",
    "wide fp32 islands for the graphs that failed",
    "fp32 for the graphs that failed",
    "fp32 for every graph",
]
FALLBACKS: tuple[Fallback, ...] = (
    "as built",
    "wide fp32 islands for the graphs that failed",
    "fp32 for the graphs that failed",
    "fp32 for every graph",
)

Forms = Mapping[str, Form]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An engine that reproduced the goldens: how it was made, and the figures."""

    fallback: Fallback
    forms: Forms
    judgements: tuple[Judgement, ...]


def fall_back(fallback: Fallback, forms: Forms, failed: Set[str]) -> Forms:
    """The form of every streaming graph.

    Args:
        fallback: what is tried.
        forms: that were tried before it; a graph that was not out of tolerance keeps its own.
        failed: graphs that were out of tolerance in them.
    """
    if fallback == "as built":
        return forms
    if fallback == "fp32 for every graph":
        return dict.fromkeys(STREAMING, "fp32")
    wide = fallback == "wide fp32 islands for the graphs that failed"
    return {
        graph: form if graph not in failed else widened(form) if wide else "fp32"
        for graph, form in forms.items()
    }


def settle(
    precision: Precision,
    prepare: Callable[[Forms], Run],
    trusted: Run,
    goldens: Goldens,
    manifest: Manifest,
    report: Report,
) -> Accepted:
    """Try the fallbacks in order until one reproduces the goldens.

    Args:
        precision: that was asked for.
        prepare: makes engines of these forms ready to run.
        trusted, goldens, manifest: as for `judge`.
        report: told the table of every attempt.

    Raises:
        BackendError: none does; it carries the figures of the worst graph of every attempt. Or
            the engines as they were asked for cannot be made or run.
    """
    forms: Forms = dict.fromkeys(STREAMING, precision)
    failed: Set[str] = frozenset()
    tried: list[Forms] = []
    refusals: list[str] = []
    for fallback in FALLBACKS:
        forms = fall_back(fallback, forms, failed)
        if forms in tried:
            continue
        tried.append(forms)
        precisions = {graph: precision_of(form) for graph, form in forms.items()}
        try:
            candidate = Candidate(run=prepare(forms), precisions=precisions)
            rows = judge(candidate, trusted, goldens, manifest)
        except BackendError as error:
            if fallback == "as built":
                raise
            # One way out that is closed says nothing of the next.
            report(f"{fallback}: {error}")
            refusals.append(f"{fallback}: {error}".rstrip("."))
            continue
        report(f"golden window, {fallback}:")
        for row in rows:
            report(f"  {row}")
        wrong = [row for row in rows if not row.passed]
        if not wrong:
            return Accepted(fallback=fallback, forms=forms, judgements=tuple(rows))
        # Where only the sum of small errors is too much, every graph has its share.
        failed = {row.graph for row in wrong} - {TOGETHER} or set(STREAMING)
        worst = max(wrong, key=lambda row: row.largest)
        refusals.append(f"{fallback}: {' '.join(str(worst).split())}")
    raise BackendError(
        f"the engine does not reproduce the golden window ({'; '.join(refusals)})",
        expected="errors within the tolerances",
        next_step="Update the driver and TensorRT and build again, or run with "
        "--backend onnxruntime, which is always there",
    )
