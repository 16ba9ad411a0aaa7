"""Goldens and latency over the simulated device, which computes by ONNX Runtime.

The code of the steps is what runs; no engine and no GPU does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr.contract import LRHDR
from lrhdr_benchmarks.gpu_check.goldens import compare, golden_size
from lrhdr_benchmarks.gpu_check.latency import measure
from lrhdr_engines.backends.onnxruntime_backend import OnnxRuntimeBackend
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.device.layout import Layout
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.device.simulated_programs import SimulatedPrograms
from lrhdr_engines.engine import Engine
from lrhdr_engines.gpu.arrays import OnArrays


@pytest.fixture(scope="module", params=[2, 3])
def engine(request: pytest.FixtureRequest) -> Engine:
    return Engine(Bundle.open("lite", request.param), OnnxRuntimeBackend(cuda=False), "fp32")


def layout(engine: Engine, height: int, width: int) -> Layout:
    return Layout.of(engine.manifest, "fp32", height, width, "uint8")


@pytest.mark.parametrize("engine", [2], indirect=True)  # a table costs seconds
def test_goldens(engine: Engine) -> None:
    goldens = engine.bundle.goldens()
    size = golden_size(goldens)
    assert str(size) == "256x256"
    programs = SimulatedPrograms(engine)
    precisions = dict.fromkeys(STREAMING, engine.graph_precision)
    device = OnArrays(SimulatedDevice(), programs, engine.manifest, size, precisions)

    def spoilt(graph: str, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        outputs = device.run(graph, feeds)
        if graph == LRHDR:
            outputs["hdr"] = outputs["hdr"] + np.float32(1e-3)
        return outputs

    rows = list(compare(engine.bundle, "fp32", device.run, goldens))
    assert [row["graph"] for row in rows if not row["accepted"]] == []
    assert len(rows) == 5
    rows = list(compare(engine.bundle, "fp32", spoilt, goldens))
    assert {row["graph"] for row in rows if not row["accepted"]} == {LRHDR, "together"}


def test_latency(engine: Engine) -> None:
    device = SimulatedDevice()
    free = device.memory().free
    rows = list(
        measure(device, SimulatedPrograms(engine), layout(engine, 60, 64), frames=3, seconds=600.0)
    )
    assert [row["launch"] for row in rows] == ["queued", "captured"]
    for row in rows:
        assert row["frames"] == 3
        assert 0.0 < row["median ms"] <= row["p90 ms"]
    assert device.memory().free == free
