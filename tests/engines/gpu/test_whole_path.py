"""The whole path with NVIDIA's libraries replaced by fakes over the host's memory.

All of lrhdr's own is real here: opening, device, loader, cache, acceptance, programs, stream.
cuda-core, TensorRT's runtime and the two kernels are fakes that find their tensors by address;
the fakes run everything at once, so they say nothing about order (`test_model` does). Not run on
a GPU.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lrhdr.contract import signatures
from lrhdr.errors import BackendError
from lrhdr_engines import api
from lrhdr_engines.api import Model
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.forms import precision_of
from lrhdr_engines.build.sizes import Size
from lrhdr_engines.device.cuda_core import CudaCoreDevice
from lrhdr_engines.device.protocol import Buffer, Encoding
from lrhdr_engines.gpu import loader, opening
from lrhdr_engines.padding import pad
from lrhdr_engines.reconstruct import normalised
from tests.engines.device import fakes

EVS = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}
TYPES = {"float32": "FLOAT", "float16": "HALF"}


def at(buffer: Buffer) -> Any:
    return fakes.array_at(buffer.address, buffer.shape, buffer.dtype)


class Kernels:
    """What `device.kernels.PluginKernels` does, by numpy."""

    def __init__(self, multiple: int) -> None:
        self._multiple = multiple

    def unpack(self, raw: Buffer, image: Buffer, stream: int) -> None:
        def run() -> None:
            at(image)[:] = pad(normalised(at(raw)), self._multiple)

        fakes.act(stream, run)

    def pack(
        self, hdr: Buffer, picture: Buffer, statistics: Buffer, encoding: Encoding, stream: int
    ) -> None:
        height, width, _ = picture.shape

        def run() -> None:
            planes = at(hdr)[0, :, :height, :width]
            at(picture)[:] = planes.transpose(1, 2, 0) * np.float32(encoding.gain)
            at(statistics)[:] = 0

        fakes.act(stream, run)


class Context:
    """An IExecutionContext and its engine: static shapes, the contract's types."""

    def __init__(self, machine: Any, graph: str, size: Size, precision: Any) -> None:
        manifest = machine.bundle.manifest
        signature = signatures(manifest.exposures, manifest.pyramids)[graph]
        self._cpu, self._graph = machine.cpu[precision], graph
        self._inputs = [tensor.name for tensor in signature.inputs]
        self._io = {
            t.name: (size.of(t), t.type_at(precision))
            for t in (*signature.inputs, *signature.outputs)
        }
        self._addresses: dict[str, int] = {}
        self.compiled = self.taken = False
        self.engine = self
        self.num_io_tensors = len(self._io)

    # Engine, runtime configuration and runtime cache in one.
    def create_runtime_config(self) -> Context:
        return self

    create_runtime_cache = create_runtime_config

    def set_runtime_cache(self, cache: Context) -> bool:
        return cache is self

    def create_execution_context(self, config: Context) -> Context:
        assert config is self
        return self

    def deserialize(self, blob: bytes) -> bool:
        self.compiled = self.taken = blob.startswith(self._graph.encode())
        return self.taken

    def serialize(self) -> bytes:
        return b"%s compiled" % self._graph.encode() if self.compiled else b""

    def get_tensor_name(self, k: int) -> str:
        return list(self._io)[k]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._io[name][0]

    def get_tensor_dtype(self, name: str) -> Any:
        return SimpleNamespace(name=TYPES[self._io[name][1]])

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        self.compiled = True
        bound = dict(self._addresses)  # a captured launch keeps its own
        assert bound.keys() == self._io.keys()

        def run() -> None:
            tensors = {name: fakes.array_at(bound[name], *self._io[name]) for name in bound}
            feeds = {name: tensors[name] for name in self._inputs}
            for name, value in self._cpu.run(self._graph, feeds).items():
                np.copyto(tensors[name], value, casting="no")

        fakes.act(stream, run)
        return True


class Machine:
    """The fakes, and what was asked of them."""

    def __init__(self, machine: Any, gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.machine, self.calls, self.lines = machine, fakes.Calls(), machine.lines
        self.plans: dict[bytes, tuple[str, Size, Any]] = {}
        self.damaged: Iterator[bool] = iter(())
        self.contexts: list[Context] = []
        for name, module in fakes.cuda_core(self.calls).items():
            monkeypatch.setitem(sys.modules, name, module)
        package = SimpleNamespace(ILogger=object, Runtime=self._runtime)
        monkeypatch.setitem(sys.modules, "tensorrt_rtx", package)
        monkeypatch.setattr(loader, "why_no_gpu", lambda: None)
        monkeypatch.setattr(
            loader,
            "open_tensorrt",
            lambda _: SimpleNamespace(lock=threading.Lock(), keeps_runtime_cache=True),
        )
        monkeypatch.setattr(opening, "open_device", CudaCoreDevice)
        monkeypatch.setattr(opening, "current_gpu", lambda: gpu)
        monkeypatch.setattr(opening, "find_plugin", lambda sm, report: Path("plugin.so"))
        monkeypatch.setattr(
            opening, "PluginKernels", lambda _: Kernels(machine.bundle.manifest.multiple)
        )
        monkeypatch.setattr(opening, "engines_folder", lambda: machine.folder)
        monkeypatch.setattr(opening, "orders", lambda *_: self._order)
        monkeypatch.setattr(api, "require_gpu", lambda _: None)

    def open(self, engine: Any) -> Any:
        bundle = self.machine.bundle
        return api.open_model(
            bundle.folder,
            bundle.manifest.exposures,
            engine=engine,
            backend="tensorrt-rtx",
            report=self.lines.append,
        )

    def _order(self, graph: str, size: Size, precision: Any) -> Any:
        order = self.machine.order(graph, size, precision)
        self.plans[order.recipe.digest.encode()] = graph, size, precision
        return order

    def _runtime(self, log: Any) -> Any:
        def deserialise(plan: bytes) -> Context | None:
            bad = next(self.damaged, False)
            if bad:
                return None
            graph, size, form = self.plans[plan]
            self.contexts.append(Context(self.machine, graph, size, precision_of(form)))
            return self.contexts[-1]

        return SimpleNamespace(deserialize_cuda_engine=deserialise)


@pytest.fixture
def whole(machine: Any, gpu: Any, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(machine, gpu, monkeypatch)


def shots(count: int, dtype: Any = np.uint8) -> list[Any]:
    top = np.iinfo(dtype).max + 1
    return list(np.random.default_rng(2).integers(0, top, (count, 7, 10, 3), dtype=dtype))


@pytest.mark.parametrize("engine", ["fp32", "fp16"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_clip_gives_the_plain_models_bits(whole: Machine, engine: Any, dtype: Any) -> None:
    frames, cpu = shots(14, dtype), whole.machine.cpu
    ev = EVS[whole.machine.bundle.manifest.exposures]
    model = whole.open(engine)
    wanted = list(Model(cpu[engine]).stream(frames, ev))
    shares = [out.masks for out in Model(cpu["fp32"]).stream(frames, ev, masks=True)]
    found = list(model.stream(frames, ev, masks=lambda index: index % 5 == 0))
    assert [out.index for out in found] == list(range(14))
    for ours, plain in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(ours.hdr, plain.hdr)
        assert (ours.masks is None) == (ours.index % 5 != 0)
        if ours.masks is not None:
            np.testing.assert_array_equal(ours.masks, shares[ours.index])
    assert whole.calls.log.count("launch graph") > 5
    assert whole.calls.alive > 0
    model.close()
    assert whole.calls.alive == 0


def test_the_second_start_compiles_nothing(whole: Machine) -> None:
    ev = EVS[whole.machine.bundle.manifest.exposures]
    model = whole.open("fp16")
    assert len(list(whole.machine.folder.glob("*.kernels"))) == len(STREAMING)  # golden size
    list(model.stream(shots(6), ev))
    model.close()
    kept = list(whole.machine.folder.glob("*.kernels"))
    assert len(kept) == 2 * len(STREAMING)
    assert {path.read_bytes() for path in kept} == {b"%s compiled" % g.encode() for g in STREAMING}
    whole.contexts.clear()
    model = whole.open("fp16")
    list(model.stream(shots(6), ev))
    assert [context._graph for context in whole.contexts if context.taken] == list(STREAMING)
    model.close()


def test_the_second_start_builds_and_judges_nothing(whole: Machine) -> None:
    ev = EVS[whole.machine.bundle.manifest.exposures]
    for _ in range(2):
        model = whole.open("auto")
        assert model.engine.precision == "fp16"
        list(model.stream(shots(6), ev))
        model.close()
        first, whole.lines[:] = list(whole.lines), []
        built = dict(whole.machine.built)
        assert set(built.values()) == {1}
        assert len(built) == 8  # four graphs, at the goldens' size and at the clip's
    assert first == []


def test_a_plan_that_does_not_load_is_built_again_then_refused(whole: Machine) -> None:
    model = whole.open("fp16")
    ev = EVS[whole.machine.bundle.manifest.exposures]
    list(model.stream(shots(6), ev))
    model.close()
    again = whole.open("fp16")
    whole.damaged = iter([True])
    assert len(list(again.stream(shots(6), ev))) == 6
    assert sorted(whole.machine.built.values()) == [1] * 7 + [2]
    again.close()
    refused = whole.open("fp16")
    whole.damaged = iter([True, True])
    with pytest.raises(BackendError, match="engine of film_extract does not load"):
        next(refused.stream(shots(6), ev))
    refused.close()
    assert whole.calls.alive == 0
