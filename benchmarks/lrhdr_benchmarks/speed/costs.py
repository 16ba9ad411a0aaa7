"""What is counted of the graphs: costs beside the measured times, and bounds for other cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, PRECISIONS, Precision
from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.evaluate.extras import need
from lrhdr_benchmarks.speed.cards import bounds
from lrhdr_benchmarks.speed.engines import graph_precision
from lrhdr_benchmarks.speed.record import Bound, Case, Ceilings, GraphCost
from lrhdr_benchmarks.speed.roofline import cost, runs_per_output
from lrhdr_benchmarks.speed.torch_models import PAPER
from lrhdr_benchmarks.speed.words import model_of
from lrhdr_engines.backends.protocol import JOINED
from lrhdr_engines.bundle import Bundle

if TYPE_CHECKING:  # it needs the package onnx
    from lrhdr_benchmarks.speed.counts import Counts

_Key = tuple[str, int, int, int, Precision]


@dataclass(slots=True)
class Costs:
    """Counts each graph once at each size. `skipped`: what could not be counted, and why."""

    skipped: dict[str, str] = field(default_factory=dict)
    _found: dict[_Key, dict[str, Counts]] = field(default_factory=dict)

    def of(
        self, case: Case, milliseconds: Mapping[str, float], ceilings: Ceilings
    ) -> dict[str, GraphCost]:
        """Of every graph of a case; {} for what has none.

        Args:
            case: measured.
            milliseconds: by graph, for one output; those that were not timed are not in it.
            ceilings: of this machine.
        """
        runs = runs_per_output(case.exposures) | {JOINED: 1}
        counted = self._counted(case, graph_precision(case.subject))
        if counted and JOINED in milliseconds:
            counted = _joined(counted, runs[FUSE])
        return {
            name: cost(counts, runs[name], milliseconds.get(name), ceilings)
            for name, counts in counted.items()
        }

    def bounds(self, case: Case) -> list[Bound]:
        """Of the case's model at its size, at both precisions; its subject plays no part."""
        anyone = replace(case, subject="")
        counted = {precision: self._counted(case, precision) for precision in PRECISIONS}
        return [
            bound
            for precision, counts in counted.items()
            if counts
            for bound in bounds(anyone, counts, precision)
        ]

    def _counted(self, case: Case, precision: Precision) -> dict[str, Counts]:
        if case.model in ("", PAPER):
            return {}
        key = (case.model, case.exposures, case.width, case.height, precision)
        if key not in self._found:
            self._found[key] = self._count(case, precision)
        return self._found[key]

    def _count(self, case: Case, precision: Precision) -> dict[str, Counts]:
        try:
            need("onnx", "export")
            from lrhdr_benchmarks.speed.counts import stream_counts

            bundle = Bundle.open(case.model, case.exposures)
            return stream_counts(bundle, case.width, case.height, precision)
        except LrhdrError as error:
            self.skipped[f"operations and bytes of {model_of(case)}, {precision}"] = str(error)
            return {}


def _joined(counted: Mapping[str, Counts], interpolations: int) -> dict[str, Counts]:
    """With `JOINED` instead of its parts, which need not read what another of them wrote."""
    parts = [counted[FLOW], *[counted[FUSE]] * interpolations, counted[LRHDR]]
    passed = counted[FLOW].output_bytes + interpolations * counted[FUSE].output_bytes
    whole = replace(
        parts[0],
        operations=sum(part.operations for part in parts),
        parameter_bytes=sum(part.parameter_bytes for part in parts),
        input_bytes=sum(part.input_bytes for part in parts) - passed,
        output_bytes=sum(part.output_bytes for part in parts),
    )
    return {EXTRACT: counted[EXTRACT], JOINED: whole}
