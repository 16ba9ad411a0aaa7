"""Backends by the names that --backend takes."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal, get_args

from lrhdr.errors import BackendError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.backends.protocol import Backend

BackendName = Literal["auto", "onnxruntime", "openvino", "tensorrt", "tensorrt-rtx"]
BACKENDS: tuple[str, ...] = get_args(BackendName)

_GPU_PACKAGES = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}


def open_backend(name: str = "auto") -> Backend:
    """The backend of that name; "auto" is ONNX Runtime.

    Raises:
        BackendError: it is unknown, not installed, or cannot run on this machine.
    """
    if name in ("auto", "onnxruntime"):
        from lrhdr_engines.backends.onnxruntime_backend import OnnxRuntimeBackend

        return OnnxRuntimeBackend.open()
    if name == "openvino":
        from lrhdr_engines.backends.openvino_backend import OpenVinoBackend

        return OpenVinoBackend.open()
    if name in _GPU_PACKAGES:
        raise _unavailable(name)
    raise BackendError(f"backend {name}", expected=f"one of: {', '.join(BACKENDS)}")


def _unavailable(name: str) -> BackendError:
    missing = []
    if (gpu := why_no_gpu()) is not None:
        missing.append(gpu)
    if find_spec(_GPU_PACKAGES[name]) is None:
        missing.append(f"the package {name} is not installed")
    missing.append("this version of lrhdr builds no TensorRT engines yet")
    return BackendError(
        f"--backend {name} cannot run here: {', '.join(missing)}",
        next_step="Use --backend auto, which runs on the CPU, "
        "or with onnxruntime-gpu installed on an NVIDIA GPU",
    )
