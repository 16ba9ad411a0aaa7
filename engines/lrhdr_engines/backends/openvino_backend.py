"""OpenVINO: an optional backend for CPUs, chosen explicitly (pip install lrhdr[openvino])."""

from __future__ import annotations

import ctypes
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import Precision
from lrhdr.errors import BackendError
from lrhdr_engines.backends.protocol import Tensors

if TYPE_CHECKING:
    import openvino

_DEVICE = "CPU"


class OpenVinoSession:
    """A graph in OpenVINO."""

    def __init__(self, compiled: openvino.CompiledModel) -> None:
        """Make one request of a compiled model and keep it."""
        self._request = compiled.create_infer_request()
        self._outputs = [port.get_any_name() for port in compiled.outputs]

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """See `Session.run`."""
        try:
            self._request.infer({name: np.ascontiguousarray(x) for name, x in feeds.items()})
        except RuntimeError as error:
            raise BackendError(f"OpenVINO failed: {_one_line(error)}") from error
        # The request owns its outputs and overwrites them in the next call.
        return {name: self._request.get_tensor(name).data.copy() for name in self._outputs}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVinoBackend:
    """OpenVINO on the CPU."""

    name: str = "openvino"
    device: str = _DEVICE
    fast_fp16: bool = False

    @classmethod
    def open(cls) -> OpenVinoBackend:
        """Check that it is installed.

        Raises:
            BackendError: it is not.
        """
        try:
            import openvino  # noqa: F401
        except ImportError as error:
            raise BackendError(
                f"--backend openvino: OpenVINO cannot be imported ({error})",
                next_step="Run: pip install 'lrhdr[openvino]', or use --backend auto",
            ) from error
        return cls()

    def load(self, model: Path, precision: Precision, threads: int | None) -> OpenVinoSession:
        """See `Backend.load`."""
        import openvino

        # Left to itself OpenVINO computes in bfloat16 on CPUs that have it.
        config: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            config["INFERENCE_NUM_THREADS"] = threads
        try:
            with _own_signal_stack(), tempfile.TemporaryDirectory(prefix="lrhdr-") as folder:
                inlined = _inlined(model, Path(folder) / model.name)
                compiled = openvino.Core().compile_model(str(inlined), _DEVICE, config)
        except Exception as error:  # of OpenVINO or ONNX Runtime, which share no narrower base
            raise BackendError(
                f"OpenVINO cannot load {model}: {_one_line(error)}",
                next_step="Use --backend onnxruntime",
            ) from error
        return OpenVinoSession(compiled)


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
