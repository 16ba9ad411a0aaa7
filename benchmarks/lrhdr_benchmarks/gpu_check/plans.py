"""Engines built, deserialised and run on the device by their tensors' names. Not run on a GPU."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from typing import Any, cast

from numpy.typing import NDArray

from lrhdr.contract import Precision, Signature, signatures
from lrhdr_benchmarks.gpu_check.build import plugin_library
from lrhdr_benchmarks.gpu_check.record import FailedError, NotRunError, Task
from lrhdr_engines.backends.protocol import Tensors
from lrhdr_engines.build import BuildSettings, Shapes, Size, build_bundle, open_tensorrt
from lrhdr_engines.build.callbacks import collecting_logger
from lrhdr_engines.build.gpu import current_gpu
from lrhdr_engines.build.settings import PACKAGES, Builder
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.device.layout import Layout
from lrhdr_engines.device.protocol import Buffer, Device, Program, Programs, Staging
from lrhdr_engines.device.tensorrt_programs import Kernels, TensorRtPrograms


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """Builds and loads the engines of one builder, with the plugin in the process."""

    builder: Builder
    task: Task

    def __post_init__(self) -> None:
        missing = [
            package
            for package, module in (
                (self.builder, PACKAGES[self.builder]),
                ("'cuda-core[cu13]'", "cuda"),
            )
            if find_spec(module) is None and not (module == "cuda" and find_spec("pycuda"))
        ]
        if missing:
            raise NotRunError(f"not installed; run: pip install {' '.join(missing)}")
        opened = open_tensorrt(self.builder)
        if self._sms and not set(self._sms) <= set(opened.sms):
            raise NotRunError(f"{self.builder} builds nothing for SM {self._sms[0]}")
        library = plugin_library(self.task)
        opened.load_plugins(library, sha256(library.read_bytes()).hexdigest())

    @property
    def _sms(self) -> tuple[int, ...]:
        gpu = current_gpu()
        return (gpu.sm,) if gpu is not None and self.builder == "tensorrt-rtx" else ()

    def programs(self, bundle: Bundle, size: Size, precision: Precision) -> Programs:
        """The bundle's streaming graphs for one size.

        Raises:
            BackendError: one cannot be built.
            FailedError: one cannot be loaded.
        """
        engines = build_bundle(
            bundle,
            Shapes.fixed(size),
            precision,
            BuildSettings(builder=self.builder, sms=self._sms),
            self.task.folder / "engines",
            plugin=lambda: plugin_library(self.task),
            report=lambda _: None,
        )
        contexts = load(self.builder, {engine.graph: engine.plan for engine in engines})
        # No frame is unpacked or packed here, so no kernels for that are needed.
        return TensorRtPrograms(f"{precision} by {self.builder}", contexts, cast("Kernels", None))


def load(builder: Builder, plans: Mapping[str, bytes]) -> dict[str, Any]:
    """An execution context for every plan.

    Raises:
        FailedError: TensorRT does not take one.
    """
    package = importlib.import_module(PACKAGES[builder])
    logger = collecting_logger(package)
    runtime = package.Runtime(logger)
    contexts = {}
    for graph, plan in plans.items():
        engine = runtime.deserialize_cuda_engine(plan)
        context = engine and engine.create_execution_context()
        if context is None:
            said = " / ".join(logger.errors[:3]) or "it gave no reason"
            raise FailedError(f"{builder} does not load its own engine of {graph}: {said}")
        contexts[graph] = context
    return contexts


class OnDevice:
    """Runs graphs on numpy arrays: up, once through, down. Slow, and enough for goldens."""

    def __init__(self, device: Device, programs: Programs, layout: Layout) -> None:
        """Nothing is allocated before a graph's first run."""
        self._device, self._programs, self._layout = device, programs, layout
        self._known = signatures(layout.exposures, layout.pyramids)
        self._stream = device.stream("check")
        self._bound: dict[str, tuple[Program, _Memory]] = {}

    def run(self, graph: str, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """See `lrhdr_engines.build.accept.Run`."""
        if graph not in self._bound:
            memory = _Memory(self._device, self._layout, self._known[graph])
            program = self._programs.graph(graph, memory.inputs, memory.outputs)
            self._bound[graph] = program, memory
        program, memory = self._bound[graph]
        for name, buffer in memory.inputs.items():
            memory.staging[name].store(feeds[name])
            self._stream.upload(memory.staging[name], buffer)
        program.enqueue(self._stream)
        for name, buffer in memory.outputs.items():
            self._stream.download(buffer, memory.staging[name])
        self._stream.synchronise()
        return {name: memory.staging[name].load() for name in memory.outputs}


class _Memory:
    """A graph's tensors, on the device and page-locked."""

    def __init__(self, device: Device, layout: Layout, signature: Signature) -> None:
        self.staging: dict[str, Staging] = {}

        def take(tensors: Any) -> dict[str, Buffer]:
            taken = {}
            for tensor in tensors:
                kind = tensor.name, layout.shape(tensor), layout.dtype(tensor)
                taken[tensor.name] = device.buffer(*kind)
                self.staging[tensor.name] = device.staging(*kind)
            return taken

        self.inputs, self.outputs = take(signature.inputs), take(signature.outputs)
