"""OpenVINO: the faster backend on most CPUs (pip install lrhdr[openvino])."""

from __future__ import annotations

import ctypes
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import BackendError
from lrhdr_engines.backends.arrays import Arrays
from lrhdr_engines.backends.openvino_joined import join
from lrhdr_engines.backends.protocol import Arithmetic, Tensors
from lrhdr_engines.processors import usable_processors

if TYPE_CHECKING:
    import openvino

_DEVICE = "CPU"


class OpenVinoSession:
    """A graph in OpenVINO, compiled for the shapes that it is run with.

    With fixed shapes OpenVINO fuses chains of elementwise operators into one pass over memory
    and plans the memory of the whole graph: `lrhdr` takes 0.6 of the time. A clip has one size,
    so that only the last one is kept.
    """

    def __init__(self, model: openvino.Model, config: dict[str, Any]) -> None:
        """Keep a model; it is compiled when it is first run."""
        self._model, self._config = model, config
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._compiled: openvino.CompiledModel | None = None
        self._outputs: dict[str, Arrays] = {}
        self._layers: list[openvino.ProfilingInfo] = []

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """See `Session.run`."""
        import openvino

        inputs = {name: np.ascontiguousarray(x) for name, x in feeds.items()}
        try:
            compiled = self._ready({name: x.shape for name, x in inputs.items()})
            # A new one each time: an old one would hold on to what it was last given.
            request = compiled.create_infer_request()
            # Into arrays of the caller's, which the next run leaves alone.
            results = {name: arrays.take() for name, arrays in self._outputs.items()}
            for port, array in zip(compiled.outputs, results.values(), strict=True):
                request.set_tensor(port, openvino.Tensor(array, shared_memory=True))
            # Not shared, the outputs would be copied into new arrays for what this call returns.
            request.infer(inputs, share_inputs=True, share_outputs=True)
            if self._config.get("PERF_COUNT"):
                self._layers = list(request.profiling_info)
        except RuntimeError as error:
            raise BackendError(f"OpenVINO failed: {_one_line(error)}") from error
        return results

    def rest(self) -> None:
        """See `Session.rest`."""
        for arrays in self._outputs.values():
            arrays.forget()
        if self._compiled is not None:
            self._compiled.release_memory()

    def profile(self) -> Iterator[tuple[str, str, float]]:
        """Kind, name and milliseconds of every layer in the last run of a backend that profiles."""
        for layer in self._layers:
            if layer.real_time:
                yield layer.node_type, layer.node_name, 1e3 * layer.real_time.total_seconds()

    def _ready(self, shapes: dict[str, tuple[int, ...]]) -> openvino.CompiledModel:
        if self._compiled is None or shapes != self._shapes:
            import openvino

            self._compiled = None  # its memory is given back before more is taken
            self._model.reshape({name: list(shape) for name, shape in shapes.items()})
            with _own_signal_stack():
                self._compiled = openvino.Core().compile_model(self._model, _DEVICE, self._config)
            self._shapes = shapes
            # In compiling, outputs keep their order, and may take on names of what is inside.
            self._outputs = {
                named.get_any_name(): Arrays(tuple(port.shape), port.element_type.to_dtype())
                for named, port in zip(self._model.outputs, self._compiled.outputs, strict=True)
            }
        return self._compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVinoBackend:
    """OpenVINO on the CPU. With `profiles`, sessions time each of their layers."""

    name: str = "openvino"
    device: str = _DEVICE
    fastest: Arithmetic = "fp32"
    profiles: bool = False

    @classmethod
    def open(cls) -> OpenVinoBackend:
        """Check that it is installed.

        Raises:
            BackendError: it is not.
        """
        try:
            import openvino
        except ImportError as error:
            raise BackendError(
                f"--backend openvino: OpenVINO cannot be imported ({error})",
                next_step="Run: pip install 'lrhdr[openvino]', or use --backend auto",
            ) from error
        capabilities = openvino.Core().get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")
        return cls(fastest="bf16" if "BF16" in capabilities else "fp32")

    def load(self, model: Path, arithmetic: Arithmetic, threads: int | None) -> OpenVinoSession:
        """See `Backend.load`."""
        return OpenVinoSession(_read(model), self._config(arithmetic, threads))

    def join(
        self, flow: Path, films: Sequence[Path], fusion: Path, threads: int | None
    ) -> OpenVinoSession:
        """See `Backend.join`."""
        whole = join(_read(flow), [_read(film) for film in films], _read(fusion))
        return OpenVinoSession(whole, self._config("fp32", threads))

    def _config(self, arithmetic: Arithmetic, threads: int | None) -> dict[str, Any]:
        config: dict[str, Any] = {
            # Left to itself OpenVINO computes everything in bfloat16 on CPUs that have it,
            "INFERENCE_PRECISION_HINT": "bf16" if arithmetic == "bf16" else "f32",
            # and pins graphs that have a part of the processors each all to the same ones.
            "ENABLE_CPU_PINNING": threads is None or threads >= usable_processors(),
        }
        if self.profiles:
            config["PERF_COUNT"] = "YES"
        if threads is not None:
            config["INFERENCE_NUM_THREADS"] = threads
        return config


def _read(model: Path) -> openvino.Model:
    import openvino

    try:
        with tempfile.TemporaryDirectory(prefix="lrhdr-") as folder:
            inlined = _inlined(model, Path(folder) / model.name).read_bytes()
        return openvino.Core().read_model(inlined, b"")
    except Exception as error:  # of OpenVINO or ONNX Runtime, which share no narrower base
        raise BackendError(
            f"OpenVINO cannot load {model}: {_one_line(error)}",
            next_step="Use --backend onnxruntime",
        ) from error


def _inlined(model: Path, target: Path) -> Path:
    """Write the graph with its functions inlined: OpenVINO knows no functions of a model's own.

    ONNX Runtime does it on loading and can save what it has loaded.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return target


class _SignalStack(ctypes.Structure):
    """stack_t of sigaltstack(2) on Linux."""

    _fields_ = (
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("size", ctypes.c_size_t),
    )


@contextmanager
def _own_signal_stack() -> Iterator[None]:
    """Give this thread back the signal stack that it had.

    OpenVINO 2026.4 sets another one when it compiles a model and frees it with the model. The
    next Python signal handler, Ctrl-C's or that of a child that ends, would then crash.
    """
    if sys.platform != "linux":
        yield
        return
    libc, stack = ctypes.CDLL(None), _SignalStack()
    libc.sigaltstack(None, ctypes.byref(stack))
    try:
        yield
    finally:
        libc.sigaltstack(ctypes.byref(stack), None)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
