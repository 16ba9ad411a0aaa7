"""A graph is captured where every program may be; else its programs are queued one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrhdr_engines.device.capture import MayRefuse, Queued, captured
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.device.simulated_handles import Arrays, SimulatedGraph
from lrhdr_engines.device.simulated_programs import SimulatedProgram


class Choosy:
    """A program that may refuse, as a context of TensorRT-RTX does."""

    def __init__(self, program: SimulatedProgram, says: bool) -> None:
        self._program, self._says = program, says
        self.asked: list[Any] = []

    def enqueue(self, stream: Any) -> None:
        self._program.enqueue(stream)

    def capturable(self, stream: Any) -> bool:
        self.asked.append(stream)
        return self._says


@pytest.mark.parametrize("says", [True, False])
def test_both_ways_compute_the_same(says: bool) -> None:
    device = SimulatedDevice(seed=3)
    a, b, c = (device.buffer(name, (4,), np.dtype(np.float32)) for name in "abc")
    staging = device.staging("staging", (4,), np.dtype(np.float32))
    stream = device.stream("one")
    staging.store(np.arange(4, dtype=np.float32))
    stream.upload(staging, a)

    def double(reads: Arrays, writes: Arrays) -> None:
        writes["y"][:] = 2 * reads["x"]

    def doubling(source: Any, target: Any) -> SimulatedProgram:
        return SimulatedProgram("double", {"x": source}, {"y": target}, double)

    choosy = Choosy(doubling(b, c), says)
    graph = captured(stream, [doubling(a, b), choosy])
    assert isinstance(graph, SimulatedGraph if says else Queued)
    assert choosy.asked == [stream]
    for _ in range(2):
        graph.launch(stream)
    stream.download(c, staging)
    stream.synchronise()
    np.testing.assert_array_equal(staging.load(), 4 * np.arange(4))


def test_a_program_without_an_opinion_is_captured() -> None:
    device = SimulatedDevice()
    buffer = device.buffer("a", (1,), np.dtype(np.float32))
    program = SimulatedProgram("fill", {}, {"y": buffer}, lambda _, writes: writes["y"].fill(1))
    assert not isinstance(program, MayRefuse)
    assert isinstance(captured(device.stream("one"), [program]), SimulatedGraph)
