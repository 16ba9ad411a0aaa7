"""Backends by the names that --backend takes."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal, get_args

from lrhdr.errors import BackendError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.backends.protocol import Backend

BackendName = Literal[
    "auto", "onnxruntime", "onnxruntime-tensorrt", "openvino", "tensorrt", "tensorrt-rtx"
]
BACKENDS: tuple[str, ...] = get_args(BackendName)

# The packages of the backends that stream on a GPU, by their modules.
_GPU_PACKAGES = {"tensorrt-rtx": "tensorrt_rtx", "tensorrt": "tensorrt"}
_DEVICE_MODULES = ("cuda", "pycuda")
# Compute capabilities that TensorRT-RTX is made for and "auto" takes it on.
RTX_SMS = frozenset({75, 80, 86, 89, 120})


def open_backend(name: str = "auto") -> Backend:
    """The backend of that name that runs single graphs; "auto" is ONNX Runtime.

    Raises:
        BackendError: it is unknown, not installed, cannot run on this machine, or streams only.
    """
    if name in ("auto", "onnxruntime", "onnxruntime-tensorrt"):
        from lrhdr_engines.backends.onnxruntime_backend import OnnxRuntimeBackend

        return OnnxRuntimeBackend.open(tensorrt=name == "onnxruntime-tensorrt")
    if name == "openvino":
        from lrhdr_engines.backends.openvino_backend import OpenVinoBackend

        return OpenVinoBackend.open()
    if name in _GPU_PACKAGES:
        require_gpu(name)
        raise BackendError(
            f"{name} streams clips and runs no single graphs",
            next_step="Use lrhdr_engines.open_model",
        )
    raise BackendError(f"backend {name}", expected=f"one of: {', '.join(BACKENDS)}")


def resolve_backend(name: BackendName) -> BackendName:
    """What "auto" stands for on this machine; any other name as it is."""
    if name != "auto":
        return name
    if why_no_gpu() is not None:
        return on_cpu(platform.machine())
    from lrhdr_engines.build.gpu import current_gpu

    gpu = current_gpu()
    installed = [backend for backend, module in _GPU_PACKAGES.items() if find_spec(module)]
    return "onnxruntime" if gpu is None else preferred(gpu.sm, installed)


def preferred(sm: int, installed: Sequence[str]) -> BackendName:
    """What runs a GPU of compute capability `sm` (89 for 8.9) with these packages installed."""
    if sm in RTX_SMS and "tensorrt-rtx" in installed:
        return "tensorrt-rtx"
    return "tensorrt" if "tensorrt" in installed else "onnxruntime"


def on_cpu(machine: str) -> BackendName:
    """What runs on a CPU of this architecture, as `platform.machine` names it.

    OpenVINO where it is installed and was measured: docs/performance.md.
    """
    known = machine.lower() in ("x86_64", "amd64")
    return "openvino" if known and find_spec("openvino") else "onnxruntime"


def check_backend(name: BackendName) -> None:
    """Refuse a backend that cannot run here, before any work.

    Raises:
        BackendError: as `open_backend` and `require_gpu` do.
    """
    if name in _GPU_PACKAGES:
        require_gpu(name)
    elif name != "auto":
        open_backend(name)


def require_gpu(name: str) -> None:
    """See to it that a backend that streams on a GPU has what it needs.

    Raises:
        BackendError: the GPU, its driver or a package is missing; all that is missing is named.
    """
    missing = []
    if (gpu := why_no_gpu()) is not None:
        missing.append(gpu)
    if find_spec(_GPU_PACKAGES[name]) is None:
        missing.append(f"the package {name} is not installed")
    if not any(find_spec(module) for module in _DEVICE_MODULES):
        missing.append("neither cuda-core nor pycuda is installed")
    if missing:
        raise BackendError(
            f"--backend {name} cannot run here: {', '.join(missing)}",
            next_step="Run lrhdr-doctor, which says what to install, or use --backend auto, "
            "which runs without",
        )
