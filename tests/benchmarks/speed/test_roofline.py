"""Shares of the ceilings, and which of them is the limit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, WINDOWS
from lrhdr_benchmarks.speed.counts import Counts
from lrhdr_benchmarks.speed.record import Ceilings
from lrhdr_benchmarks.speed.roofline import cost, runs_per_output
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.reconstruct import Reconstructor
from lrhdr_engines.window import FilledWindow

MACHINE = Ceilings(gflops=100.0, copy_gb_s=20.0, noise=0.0)
# 6 GFLOP and 300 MB: 60 ms of this machine's compute, 15 ms of its copy.
GRAPH = Counts(
    operations=6 * 10**9, parameter_bytes=10**8, input_bytes=15 * 10**7, output_bytes=5 * 10**7
)
POSITIVE = st.floats(1e-3, 1e6)


def test_a_graph_that_runs_twice_in_240_ms() -> None:
    found = cost(GRAPH, 2, 240.0, MACHINE)
    assert (found.runs, found.milliseconds) == (2, 240.0)
    assert found.gflop == pytest.approx(12.0)
    assert found.megabytes == pytest.approx(600.0)
    assert found.of_compute == pytest.approx(0.5)
    assert found.of_copy == pytest.approx(0.125)
    assert found.limit == "compute"


def test_without_a_time_there_is_no_share() -> None:
    found = cost(GRAPH, 1, None, MACHINE)
    assert (found.milliseconds, found.of_compute, found.of_copy) == (None, None, None)
    assert found.limit == "compute"


@given(st.integers(0, 10**13), st.integers(1, 10**11), POSITIVE, POSITIVE, POSITIVE)
def test_the_limit_is_told_by_the_ridge_point(
    operations: int, moved: int, gflops: float, copy: float, milliseconds: float
) -> None:
    ceilings = Ceilings(gflops=gflops, copy_gb_s=copy, noise=0.0)
    counts = Counts(operations=operations, parameter_bytes=moved, input_bytes=0, output_bytes=0)
    found = cost(counts, 1, milliseconds, ceilings)
    intensity, ridge = operations / moved, gflops / copy
    if not np.isclose(intensity, ridge):
        assert found.limit == ("compute" if intensity > ridge else "memory")
    # The share of a ceiling is the rate that was reached over that ceiling.
    assert found.of_compute == pytest.approx(operations / (milliseconds / 1e3) / (gflops * 1e9))
    assert found.of_copy == pytest.approx(moved / (milliseconds / 1e3) / (copy * 1e9))


class Counting:
    """An engine that does nothing and counts what it is asked for."""

    def __init__(self, bundle: Bundle) -> None:
        self.manifest, self.joined = bundle.manifest, False
        self.runs: Counter[str] = Counter()

    def run(self, graph: str, available: Any) -> dict[str, Any]:
        self.runs[graph] += 1
        side = self.manifest.multiple
        outputs = self.manifest.graphs[graph].outputs
        return {tensor.name: np.zeros(tensor.sized(side, side), np.float32) for tensor in outputs}


@pytest.mark.parametrize("exposures", sorted(WINDOWS))
def test_runs_are_those_of_a_stream(exposures: int) -> None:
    engine = Counting(Bundle.open("lite", exposures))
    side, offsets = engine.manifest.multiple, WINDOWS[exposures].offsets
    reconstructor = Reconstructor(engine, tuple(range(exposures)))
    frame = np.zeros((side, side, 3), np.uint8)
    after: dict[int, Counter[str]] = {}
    for index in range(10, 20):
        slots = tuple(index + offset for offset in offsets)
        frames = (frame,) * len(offsets)
        reconstructor.reconstruct(FilledWindow(index=index, slots=slots, frames=frames))
        after[index] = engine.runs.copy()
    expected = runs_per_output(exposures)
    assert set(expected) == {EXTRACT, FLOW, FUSE, LRHDR}
    assert after[19] - after[18] == Counter(expected)
