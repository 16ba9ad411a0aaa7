from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrhdr.contract import EXTRACT
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.sizes import Size
from lrhdr_engines.device.errors import explain_code
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.gpu.arrays import OnArrays

SIZE = Size(width=8, height=12)
FRAME = np.random.default_rng(0).random((1, 3, 12, 8), np.float32)


def on(machine: Any, device: SimulatedDevice, precision: Any) -> OnArrays:
    precisions = dict.fromkeys(STREAMING, precision)
    programs = machine.programs(SIZE, precisions)
    return OnArrays(device, programs, machine.bundle.manifest, SIZE, precisions)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_graph_gives_what_it_gives_on_the_cpu(machine: Any, precision: Any) -> None:
    for seed in range(10):
        device = SimulatedDevice(seed=seed)
        before = device.memory().free
        found = on(machine, device, precision).run(EXTRACT, {"frame": FRAME})
        wanted = machine.cpu[precision].run(EXTRACT, {"frame": FRAME})
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            assert found[name].dtype == value.dtype
            np.testing.assert_array_equal(found[name], value)
        assert device.memory().free == before


def test_a_failure_leaves_nothing_allocated(machine: Any) -> None:
    def fault(name: str) -> None:
        if name.startswith(EXTRACT):
            raise explain_code("CUDA_ERROR_ILLEGAL_ADDRESS", "the test")

    device = SimulatedDevice(fault=fault)
    before = device.memory().free
    with pytest.raises(Exception, match="ILLEGAL_ADDRESS"):
        on(machine, device, "fp32").run(EXTRACT, {"frame": FRAME})
    assert device.memory().free == before
