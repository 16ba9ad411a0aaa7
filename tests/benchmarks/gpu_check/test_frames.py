"""The step over the simulated device, whose programs are numpy's; and faults that it must see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lrhdr_benchmarks.gpu_check.frames import MULTIPLE, OnDevice, check
from lrhdr_benchmarks.gpu_check.record import FailedError
from lrhdr_engines.backends.onnxruntime_backend import OnnxRuntimeBackend
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.device.protocol import Buffer, Encoding
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.device.simulated_programs import SimulatedProgram, SimulatedPrograms
from lrhdr_engines.engine import Engine


@pytest.fixture(scope="module")
def programs() -> SimulatedPrograms:
    engine = Engine(Bundle.open("lite", 2), OnnxRuntimeBackend(cuda=False), "fp32")
    assert engine.manifest.multiple == MULTIPLE
    return SimulatedPrograms(engine)


@pytest.mark.parametrize("size", [(1, 1), (37, 61)])
def test_right_kernels_pass(size: tuple[int, int], programs: SimulatedPrograms) -> None:
    rows = list(check(OnDevice(SimulatedDevice(), programs), *size))
    assert [(row["kernel"], row["type"]) for row in rows] == [
        ("unpack", "uint8"),
        ("unpack", "uint16"),
        ("pack", "float32"),
        ("pack", "uint16"),
    ]


class Spoilt:
    """Another kernel after the right one changes its output."""

    def __init__(
        self, programs: SimulatedPrograms, output: str, change: Callable[[Any], None]
    ) -> None:
        self.programs, self.output, self.change = programs, output, change

    def spoil(self, program: SimulatedProgram, name: str, buffer: Buffer) -> Any:
        def run(reads: Any, writes: Any) -> None:
            value = reads["value"].copy()
            self.change(value)
            writes["value"][...] = value

        class Both:
            def enqueue(self, stream: Any) -> None:
                program.enqueue(stream)
                SimulatedProgram(name, {"value": buffer}, {"value": buffer}, run).enqueue(stream)

        return Both()

    def unpack(self, raw: Buffer, image: Buffer) -> Any:
        program = self.programs.unpack(raw, image)
        return self.spoil(program, "spoil", image) if self.output == "image" else program

    def pack(self, hdr: Buffer, picture: Buffer, statistics: Buffer, encoding: Encoding) -> Any:
        program = self.programs.pack(hdr, picture, statistics, encoding)
        spoilt = {"picture": picture, "statistics": statistics}.get(self.output)
        return program if spoilt is None else self.spoil(program, "spoil", spoilt)


def one_up(value: Any) -> None:
    value.reshape(-1)[0] = np.nextafter(value.reshape(-1)[0], 9, dtype=np.float32)


def two_up(value: Any) -> None:
    value.reshape(-1)[-1] += 2


@pytest.mark.parametrize(
    ("output", "change", "what"),
    [
        ("image", one_up, "unpack of uint8 at 61x37"),
        ("picture", two_up, "pack to float32 at 61x37"),
        ("statistics", two_up, "statistics of pack"),
    ],
)
def test_a_wrong_kernel_is_seen(
    output: str, change: Callable[[Any], None], what: str, programs: SimulatedPrograms
) -> None:
    with pytest.raises(FailedError, match=what):
        list(check(OnDevice(SimulatedDevice(), Spoilt(programs, output, change)), 37, 61))
