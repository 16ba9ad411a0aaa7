"""The trials themselves, each in a fresh process (see `probe`).

`import MODULE` imports and gives the version. The others do a little of the real work: they run
or build the shipped model's first graph at 64x64.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import numpy as np

from lrhdr.contract import EXTRACT
from lrhdr.errors import LrhdrError
from lrhdr_engines.backends import Backend, open_backend
from lrhdr_engines.backends.onnxruntime_backend import OnnxRuntimeBackend
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.doctor.probe import MARK, Probed

_SIDE = 64
_SM = 89  # any that TensorRT-RTX builds for


def import_module(name: str) -> str:
    """Import a module; its version."""
    return str(getattr(importlib.import_module(name), "__version__", "")) or _version(name)


def providers() -> str:
    """ONNX Runtime's version and providers: "1.31.1: CPUExecutionProvider"."""
    import onnxruntime

    return f"{onnxruntime.__version__}: {', '.join(onnxruntime.get_available_providers())}"


def tensorrt_rtx() -> str:
    """Import TensorRT-RTX as the builder does, and name its SMs."""
    from lrhdr_engines.build import open_tensorrt

    opened = open_tensorrt("tensorrt-rtx")
    return f"{opened.version}, for SM {', '.join(map(str, opened.sms))}"


def run_backend(name: str) -> str:
    """Run a graph by a backend of --backend."""
    return _run(open_backend(name))


def run_engine(name: str) -> str:
    """Build the engine of a graph without plugins and load it on the GPU; nothing is kept.

    Not run on a GPU.
    """
    from lrhdr_engines.build import Size
    from lrhdr_engines.build.gpu import current_gpu
    from lrhdr_engines.build.settings import BUILDERS
    from lrhdr_engines.device.opening import open_device
    from lrhdr_engines.gpu.loader import PlanLoader
    from lrhdr_engines.gpu.opening import orders

    builder = next(known for known in BUILDERS if known == name)
    gpu = current_gpu()
    if gpu is None:
        raise LrhdrError("the driver does not describe its GPU", next_step="Run: nvidia-smi")
    device = open_device()
    try:
        order = orders(Bundle.open("lite", 2), builder, gpu, Path())
        job = order(EXTRACT, Size(width=_SIDE, height=_SIDE), "fp16")
        PlanLoader.open(builder).load(job, job.build(lambda _: None))
    finally:
        device.close()
    return f"built {EXTRACT} and loaded it on the {gpu.name}"


def run_cpu() -> str:
    """Run a graph by ONNX Runtime on the CPU, whatever else it could use."""
    return _run(OnnxRuntimeBackend(cuda=False))


def run_cuda() -> str:
    """Run a graph by ONNX Runtime on the GPU, with no way out to the CPU."""
    return _run(OnnxRuntimeBackend(cuda=True))


def build_rtx() -> str:
    """Build an engine ahead of time; the graph holds no plugin."""
    from lrhdr_engines.build import BuildSettings, Shapes, Size, build_engine

    began = time.perf_counter()
    plan = build_engine(
        Bundle.open("lite", 2),
        EXTRACT,
        Shapes.fixed(Size(width=_SIDE, height=_SIDE)),
        "fp16",
        BuildSettings(builder="tensorrt-rtx", sms=(_SM,)),
        plugin=Path,  # never asked
        report=lambda _: None,
    )
    seconds = time.perf_counter() - began
    return f"built {EXTRACT} in {seconds:.1f} s ({len(plan) / 1e6:.1f} MB)"


def _run(backend: Backend) -> str:
    model = Bundle.open("lite", 2).graph(EXTRACT, "fp32")
    session = backend.load(model, "fp32", None)
    frame = np.full((1, 3, _SIDE, _SIDE), 0.5, np.float32)
    outputs = session.run({"frame": frame})
    if not outputs or not all(np.isfinite(value).all() for value in outputs.values()):
        raise LrhdrError(f"{EXTRACT} gave values that are no numbers", expected="features")
    return f"ran {EXTRACT} on the {backend.device}"


def _version(module: str) -> str:
    packages = metadata.packages_distributions().get(module.partition(".")[0], [])
    return metadata.version(packages[0]) if packages else "of unknown version"


TRIALS: dict[str, Callable[..., str]] = {
    "import": import_module,
    "providers": providers,
    "tensorrt-rtx": tensorrt_rtx,
    "run": run_backend,
    "run-engine": run_engine,
    "run-cpu": run_cpu,
    "run-cuda": run_cuda,
    "build-rtx": build_rtx,
}


def attempt(trial: Callable[..., str], *arguments: str) -> Probed:
    """Do it; every failure becomes a line."""
    try:
        return Probed(outcome="ok", text=trial(*arguments))
    except ModuleNotFoundError as error:
        # A module that the module needs is another matter than the module itself.
        asked = bool(arguments) and arguments[0].startswith(error.name or "?")
        return Probed(outcome="missing" if asked else "broken", text=_line(error))
    except Exception as error:  # noqa: BLE001 - libraries raise what they like; it is reported
        return Probed(outcome="broken", text=_line(error))


def _line(error: Exception) -> str:
    said = " ".join(str(error).split())[:300]
    return (
        said if isinstance(error, LrhdrError | ImportError) else f"{type(error).__name__}: {said}"
    )


if __name__ == "__main__":
    result = attempt(TRIALS[sys.argv[1]], *sys.argv[2:])
    print(f"\n{MARK}{json.dumps(asdict(result))}", flush=True)
    sys.stdout.flush()
