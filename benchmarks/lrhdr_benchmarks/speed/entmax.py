"""Four ways to compute our entmax of the same logits, in turn: times and errors.

All in FP32 on one thread of the CPU, since the kernels' build for the host has but one. The
greatest error is that of a sample of the pixels, against float64 by bisection.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import ENTMAX_OP, PLUGIN_DOMAIN, PLUGIN_VERSION
from lrhdr.errors import BackendError, LrhdrError
from lrhdr_benchmarks.evaluate.extras import need
from lrhdr_benchmarks.gpu_check import oracle
from lrhdr_benchmarks.speed.record import Entmax, Spread
from lrhdr_engines.backends.onnxruntime_backend import OnnxRuntimeBackend
from lrhdr_engines.plugin.sources import source_folder

ALPHA = 1.75  # of every network of ours
_SPREAD = 2.0  # of the logits: some two thirds of the masks are zero then
_CHECKED = 20_000  # pixels: the reference takes a microsecond for each bisection of each
_SOURCE = Path(__file__).with_name("entmax_host.cpp")
_COMPILE_S = 300.0

Logits = NDArray[np.float32]  # (1, N, pixels), as the masks
Run = Callable[[], NDArray[np.float32]]


def compare(candidates: int, pixels: int, rounds: int) -> tuple[list[Entmax], dict[str, str]]:
    """Time every way that runs here, round by round, after one round that is not counted.

    Args:
        candidates: N.
        pixels: of a plane.
        rounds: at least 1.

    Returns:
        What was found, and by name why something was left out.
    """
    rng = np.random.default_rng(candidates)
    logits = _SPREAD * rng.standard_normal((1, candidates, pixels), np.float32)
    skipped: dict[str, str] = {}
    ways: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as folder, _one_thread():
        for name, open_way in _WAYS.items():
            try:
                ways[name] = open_way(logits, Path(folder))
            except LrhdrError as error:
                skipped[name] = str(error)
        checked = np.linspace(0, pixels - 1, min(pixels, _CHECKED), dtype=np.int64)
        exact = oracle.masks(logits[0][:, checked], ALPHA)
        errors = {
            name: float(np.abs(run()[0][:, checked] - exact).max()) for name, run in ways.items()
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, run in ways.items():
                began = time.perf_counter()
                run()
                times[name].append(1e3 * (time.perf_counter() - began))
    found = [
        Entmax(
            name=name,
            candidates=candidates,
            pixels=pixels,
            time=Spread.of(times[name]),
            error=errors[name],
        )
        for name in ways
    ]
    return found, skipped


@contextmanager
def _one_thread() -> Iterator[None]:
    """Of torch, where it is installed."""
    try:
        import torch
    except ModuleNotFoundError:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)


def _package(logits: Logits, _: Path) -> Run:
    """The package that the authors of entmax publish: bisection for any alpha."""
    need("torch", "train")
    need("entmax", "dev")
    import torch
    from entmax import entmax_bisect

    given = torch.from_numpy(logits)
    return lambda: np.asarray(entmax_bisect(given, ALPHA, dim=1))


def _newton(logits: Logits, _: Path) -> Run:
    """Ours, by PyTorch's operators."""
    need("torch", "train")
    import torch

    from lrhdr.model.entmax import entmax

    given = torch.from_numpy(logits)
    return lambda: np.asarray(entmax(given, ALPHA))


def _body(logits: Logits, folder: Path) -> Run:
    """Ours, as the function body of the node that export writes."""
    need("torch", "export")
    need("onnx", "export")
    import onnx
    from onnx import helper, parser

    from lrhdr_export.entmax_node import entmax_function
    from lrhdr_export.onnx_export import OPSET

    candidates = logits.shape[1]
    shape = ", ".join(map(str, logits.shape))
    layout = helper.find_min_ir_version_for([helper.make_opsetid("", OPSET)])
    model = parser.parse_model(f"""
        <ir_version: {layout}, opset_import: ["" : {OPSET}, "{PLUGIN_DOMAIN}" : 1]>
        one_node (float[{shape}] logits) => (float[{shape}] masks) {{
            masks = {PLUGIN_DOMAIN}.{ENTMAX_OP} <
                alpha: float = {ALPHA}, axis: int = 1,
                plugin_namespace: string = "{PLUGIN_DOMAIN}",
                plugin_version: string = "{PLUGIN_VERSION}"> (logits)
        }}""")
    model.functions.append(entmax_function(ALPHA, candidates, OPSET))
    file = folder / "entmax.onnx"
    onnx.save(model, file)
    session = OnnxRuntimeBackend(cuda=False).load(file, "fp32", 1)
    return lambda: session.run({"logits": logits})["masks"]


def _kernel(logits: Logits, folder: Path) -> Run:
    """The kernels' own source, by the host's compiler."""
    _, candidates, pixels = logits.shape
    entmax = ctypes.CDLL(str(_compiled(folder, candidates))).lrhdr_host_entmax
    entmax.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_float]
    entmax.restype = None

    def run() -> NDArray[np.float32]:
        masks = np.empty_like(logits)
        entmax(logits.ctypes.data, masks.ctypes.data, pixels, ALPHA)
        return masks

    return run


_WAYS: dict[str, Callable[[Logits, Path], Run]] = {
    "entmax package, bisection": _package,
    "Newton, PyTorch": _newton,
    "Newton, ONNX body by ONNX Runtime": _body,
    "Newton, kernel compiled for the CPU": _kernel,
}


def _compiled(folder: Path, candidates: int) -> Path:
    compiler = os.environ.get("CXX") or "c++"
    if shutil.which(compiler) is None:
        raise BackendError(
            f"the C++ compiler {compiler} was not found",
            next_step="Install one, or name it in CXX",
        )
    library = folder / "entmax_host.so"
    command = [
        *(compiler, "-std=c++17", "-O3", "-march=native", "-shared", "-fPIC"),
        *(f"-DLRHDR_CANDIDATES={candidates}", "-I", str(source_folder())),
        *(str(_SOURCE), "-o", str(library)),
    ]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=_COMPILE_S)
    except subprocess.CalledProcessError as error:
        wrong = [line for line in error.stderr.splitlines() if "error" in line]
        raise BackendError(f"{compiler} failed ({(wrong or ['no word'])[0][:300]})") from error
    except subprocess.TimeoutExpired as error:
        raise BackendError(f"{compiler} took longer than {_COMPILE_S:g} s") from error
    return library
