"""Engines against the bundles' golden windows, graph by graph. Not run on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from lrhdr.contract import PRECISIONS, WINDOWS, Precision
from lrhdr_benchmarks.gpu_check.plans import Plans
from lrhdr_benchmarks.gpu_check.record import FailedError, Row, Run, Task
from lrhdr_engines.backends.onnxruntime_backend import OnnxRuntimeBackend
from lrhdr_engines.build import Candidate, Size, judge
from lrhdr_engines.build.accept import Goldens
from lrhdr_engines.build.accept import Run as RunGraph
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.settings import Builder
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.device.opening import open_device
from lrhdr_engines.engine import Engine
from lrhdr_engines.gpu.arrays import OnArrays

MODEL = "lite"


def golden_size(goldens: Goldens) -> Size:
    """Of its frames, (F, H, W, 3)."""
    _, height, width, _ = goldens["frames"].shape
    return Size(width=width, height=height)


def compare(
    bundle: Bundle, precision: Precision, candidate: RunGraph, goldens: Goldens
) -> Iterator[Row]:
    """The table of errors: a row for each graph, and one for all together."""
    trusted = Engine(bundle, OnnxRuntimeBackend(cuda=False), "fp32")
    precisions = dict.fromkeys(STREAMING, precision)
    judged = Candidate(run=candidate, precisions=precisions)
    for row in judge(judged, trusted.run, goldens, bundle.manifest):
        yield {
            "bundle": bundle.folder.name,
            "precision": precision,
            "graph": row.graph,
            "max": float(f"{row.largest:.3g}"),
            "mean": float(f"{row.mean:.3g}"),
            "dB": round(row.decibels, 1),
            "accepted": row.passed,
        }


def checking(builder: Builder) -> Run:
    """The step of one builder."""

    def run(task: Task) -> Iterator[Row]:
        plans = Plans(builder=builder, task=task)
        device = open_device()
        refused = []
        for exposures in WINDOWS:
            bundle = Bundle.open(MODEL, exposures)
            goldens = bundle.goldens()
            size = golden_size(goldens)
            for precision in reversed(PRECISIONS):
                programs = plans.programs(bundle, size, precision)
                precisions = dict.fromkeys(STREAMING, precision)
                engine = OnArrays(device, programs, bundle.manifest, size, precisions)
                for row in compare(bundle, precision, engine.run, goldens):
                    yield row
                    if not row["accepted"]:
                        refused.append(f"{bundle.folder.name} {precision} {row['graph']}")
        if refused:
            raise FailedError(f"beyond the tolerance: {', '.join(refused)}")

    return run
