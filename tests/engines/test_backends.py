from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import BackendError
from lrhdr.tolerances import FP16_IMAGE_DB, FP32_IMAGE_MAX
from lrhdr_engines import open_model
from lrhdr_engines.backends import BACKENDS, nvidia, open_backend, registry
from lrhdr_engines.backends.onnxruntime_backend import OnnxRuntimeBackend
from lrhdr_engines.backends.registry import RTX_SMS, preferred, require_gpu, resolve_backend
from lrhdr_engines.build import gpu as build_gpu
from lrhdr_engines.build.accept import FILM_GRAPHS, Candidate, judge
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.gpu import Gpu
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.engine import Engine

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="openvino is not installed"
)


def test_auto_is_onnxruntime() -> None:
    assert open_backend("auto").name == "onnxruntime"


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(BackendError, match=", ".join(BACKENDS)):
        open_backend("onnx")


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt-rtx"])
@pytest.mark.parametrize("opened", [open_backend, lambda name: open_model(backend=name)])
def test_tensorrt_says_what_is_missing(name: str, opened: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(registry, "why_no_gpu", lambda: "no NVIDIA driver was found")
    monkeypatch.setattr(registry, "find_spec", lambda package: None)
    with pytest.raises(BackendError) as caught:
        opened(name)
    message = str(caught.value)
    assert "no NVIDIA driver was found" in message
    assert f"the package {name} is not installed" in message
    assert "neither cuda-core nor pycuda is installed" in message
    assert "lrhdr-doctor" in message
    assert "--backend auto" in message
    assert "\n" not in message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt-rtx"])
def test_only_what_is_missing_is_named(name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(registry, "why_no_gpu", lambda: None)
    monkeypatch.setattr(registry, "find_spec", lambda module: module != "cuda" or None)
    require_gpu(name)  # pycuda will do
    with pytest.raises(BackendError, match=r"runs no single graphs.*open_model"):
        open_backend(name)
    monkeypatch.setattr(registry, "find_spec", lambda module: module.startswith("tensor") or None)
    with pytest.raises(BackendError, match=r"cannot run here: neither cuda-core nor pycuda is"):
        require_gpu(name)


RTX, PLAIN, BOTH = ["tensorrt-rtx"], ["tensorrt"], ["tensorrt-rtx", "tensorrt"]


@pytest.mark.parametrize(
    ("sm", "installed", "wanted"),
    [
        *((sm, BOTH, "tensorrt-rtx") for sm in (75, 80, 86, 89, 120)),
        *((sm, RTX, "tensorrt-rtx") for sm in (75, 80, 86, 89, 120)),
        *((sm, PLAIN, "tensorrt") for sm in (75, 80, 86, 89, 90, 100, 120)),
        *((sm, BOTH, "tensorrt") for sm in (90, 100)),
        *((sm, RTX, "onnxruntime") for sm in (61, 70, 90, 100)),
        *((sm, [], "onnxruntime") for sm in (75, 89, 90)),
    ],
)
def test_what_auto_takes_on_a_gpu(
    sm: int, installed: list[str], wanted: str, monkeypatch: Any
) -> None:
    assert preferred(sm, installed) == wanted
    modules = {name.replace("-", "_") for name in installed}
    monkeypatch.setattr(registry, "why_no_gpu", lambda: None)
    monkeypatch.setattr(registry, "find_spec", lambda module: module in modules or None)
    monkeypatch.setattr(build_gpu, "current_gpu", lambda: Gpu(name="any", sm=sm))
    assert resolve_backend("auto") == wanted
    assert resolve_backend("openvino") == "openvino"


def test_auto_knows_the_sms_that_tensorrt_rtx_builds_for() -> None:
    real = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    known = {int(name[2:]) for name in real.ComputeCapability.__members__ if name[2:].isdigit()}
    assert known >= RTX_SMS


def test_auto_is_onnxruntime_where_a_gpu_does_not_answer(monkeypatch: Any) -> None:
    monkeypatch.setattr(registry, "why_no_gpu", lambda: None)
    monkeypatch.setattr(registry, "find_spec", lambda module: True)
    monkeypatch.setattr(build_gpu, "current_gpu", lambda: None)
    assert resolve_backend("auto") == "onnxruntime"


@pytest.mark.parametrize(
    ("machine", "installed", "wanted"),
    [
        ("x86_64", True, "openvino"),
        ("AMD64", True, "openvino"),
        ("x86_64", False, "onnxruntime"),
        ("arm64", True, "onnxruntime"),
    ],
)
def test_what_auto_takes_without_a_gpu(
    machine: str, installed: bool, wanted: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(registry, "why_no_gpu", lambda: "no driver")
    monkeypatch.setattr(registry, "find_spec", lambda module: installed or None)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert resolve_backend("auto") == wanted


def test_auto_goes_on_without_an_openvino_that_fails(
    tiny: Any, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr("lrhdr_engines.api.resolve_backend", lambda name: "openvino")

    def broken(name: str) -> Any:
        if name == "openvino":
            raise BackendError("OpenVINO is broken")
        return open_backend(name)

    monkeypatch.setattr("lrhdr_engines.api.open_backend", broken)
    assert open_model(tiny.folder).engine.backend.name == "onnxruntime"
    assert "OpenVINO is broken" in caplog.text
    with pytest.raises(BackendError, match="OpenVINO is broken"):
        open_model(tiny.folder, backend="openvino")


def test_without_a_driver_there_is_no_gpu(monkeypatch: Any) -> None:
    def absent(name: str) -> None:
        raise OSError(name)

    nvidia.why_no_gpu.cache_clear()
    monkeypatch.setattr("ctypes.CDLL", absent)
    assert "no NVIDIA driver" in str(nvidia.why_no_gpu())
    nvidia.why_no_gpu.cache_clear()


def test_openvino_that_is_not_installed(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(BackendError, match=r"pip install 'lrhdr\[openvino\]'"):
        open_backend("openvino")


def test_auto_precision_follows_the_device(tiny: Any, monkeypatch: Any) -> None:
    for fastest in ("fp32", "fp16"):  # the second as on a GPU: the same graphs
        monkeypatch.setattr(OnnxRuntimeBackend, "fastest", fastest)
        assert open_model(tiny.folder, backend="onnxruntime").engine.precision == fastest


@pytest.mark.parametrize("name", ["onnxruntime", pytest.param("openvino", marks=needs_openvino)])
def test_a_file_that_is_no_graph(name: str, tmp_path: Any) -> None:
    file = tmp_path / "broken.onnx"
    file.write_bytes(b"no graph")
    with pytest.raises(BackendError, match=r"broken\.onnx") as caught:
        open_backend(name).load(file, "fp32", None)
    assert "\n" not in str(caught.value)


def test_a_run_that_fails_is_a_backend_error(tiny: Any) -> None:
    session = open_backend("onnxruntime").load(tiny.folder / "lrhdr.fp32.onnx", "fp32", 1)
    with pytest.raises(BackendError, match="ONNX Runtime failed"):
        session.run({"frame_0": np.zeros((1, 3, 4, 4), np.float32)})


@needs_openvino
@pytest.mark.parametrize("engine", ["fp32", "fp16"])
@pytest.mark.parametrize("exposures", [2, 3])
def test_openvino_agrees(tiny_models: Any, make_frames: Any, exposures: int, engine: Any) -> None:
    tiny = tiny_models[exposures]
    frames = make_frames(4)
    ev = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}[exposures]
    model = open_model(tiny.folder, exposures, backend="openvino", engine=engine)
    tolerance = {"fp32": 1e-4, "fp16": 1e-2}[engine]
    for out in model.stream(frames, ev):
        expected = tiny.expected(frames, ev, out.index)
        assert np.abs(out.hdr - expected).max() < tolerance * expected.max()


@needs_openvino
@pytest.mark.parametrize("exposures", [2, 3])
def test_bfloat16_reproduces_the_golden_window_where_the_cpu_has_it(exposures: int) -> None:
    backend = open_backend("openvino")
    if backend.fastest != "bf16":
        pytest.skip("this CPU has no bfloat16")
    bundle = Bundle.open("lite", exposures)
    engine, trusted = Engine(bundle, backend), Engine(bundle, open_backend("onnxruntime"), "fp32")
    assert engine.precision == "bf16"
    # Judged as halves are; the graphs take and give FP32.
    candidate = Candidate(run=engine.run, precisions=dict.fromkeys(STREAMING, "fp32"))
    rows = judge(candidate, trusted.run, bundle.goldens(), bundle.manifest)
    assert [row.graph for row in rows if row.largest <= FP32_IMAGE_MAX] == list(FILM_GRAPHS)
    fused = [row for row in rows if row.graph not in FILM_GRAPHS]
    assert min(row.decibels for row in fused) > FP16_IMAGE_DB + 25.0


@needs_openvino
@pytest.mark.parametrize("ev", [(0.0, -3.0), (0.0, 2.0, 4.0)])
@pytest.mark.parametrize("large", [1, 10**9])
def test_openvino_at_one_size_and_then_another(
    tiny_models: Any, make_frames: Any, ev: tuple[float, ...], large: int, monkeypatch: Any
) -> None:
    """Also as large frames have it. No result is written over by a later one."""
    monkeypatch.setattr("lrhdr_engines.backends.protocol.LARGE", large)
    tiny = tiny_models[len(ev)]
    model = open_model(tiny.folder, len(ev), backend="openvino", engine="fp32")
    for size in ((24, 32), (48, 16), (24, 32)):
        frames = [frame[: size[0], : size[1]] for frame in make_frames(6, height=48, width=32)]
        outputs = list(model.stream(frames, ev, masks=True))
        assert model.engine.joined == (large == 1)
        for out in outputs:
            expected = tiny.expected(frames, ev, out.index)
            assert np.abs(out.hdr - expected).max() < 1e-4 * expected.max()
            assert out.masks is not None
            assert np.abs(out.masks.sum(axis=-1) - 1.0).max() < 1e-5


@needs_openvino
def test_openvino_copies_no_output(tiny: Any) -> None:
    session = open_backend("openvino").load(tiny.folder / "film_extract.fp32.onnx", "fp32", 1)
    frame = np.ones((1, 3, 256, 256), np.float32)
    first = session.run({"frame": frame})
    tracemalloc.start()
    try:
        second = session.run({"frame": frame})  # takes arrays of its own, as `first` is held
        taken = sum(array.nbytes for array in second.values())
        assert taken <= tracemalloc.get_traced_memory()[1] < 1.5 * taken
        del first, second
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        session.run({"frame": frame})  # and those again
        assert tracemalloc.get_traced_memory()[1] - before < 0.1 * taken
    finally:
        tracemalloc.stop()


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@needs_openvino
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_an_openvino_session_gives_back_what_it_holds(tiny: Any) -> None:
    """And computes the same after it."""
    session = open_backend("openvino").load(tiny.folder / "film_extract.fp32.onnx", "fp32", 1)
    session.rest()  # there is nothing yet
    frame = np.random.default_rng(0).random((1, 3, 1024, 1024), np.float32)
    first = session.run({"frame": frame})
    held = resident()
    session.rest()
    assert resident() < held - frame.nbytes
    second = session.run({"frame": frame})
    assert all(np.array_equal(second[name], array) for name, array in first.items())


@needs_openvino
def test_an_openvino_run_that_fails_is_a_backend_error(tiny: Any) -> None:
    session = open_backend("openvino").load(tiny.folder / "lrhdr.fp32.onnx", "fp32", 1)
    with pytest.raises(BackendError, match="OpenVINO failed"):
        session.run({"frame_0": np.zeros((1, 5, 4, 4), np.float32)})


@needs_openvino
@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs POSIX signals")
def test_signals_are_handled_after_openvino_has_gone(tiny: Any, make_frames: Any) -> None:
    """In a process of its own: what is tested for is a crash."""
    code = f"""
import gc, os, signal
import numpy as np
from lrhdr_engines import open_model
model = open_model({str(tiny.folder)!r}, 2, backend="openvino")
assert len(list(model.stream([np.zeros((8, 8, 3), np.uint8)] * 3, [0, -3]))) == 3
del model
gc.collect()
signal.signal(signal.SIGUSR1, lambda *_: print("handled", flush=True))
os.kill(os.getpid(), signal.SIGUSR1)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=120,
    )
    assert (found.returncode, found.stdout) == (0, "handled\n"), found.stderr


def test_nothing_is_reported_to_anyone() -> None:
    """ONNX Runtime is told so before it is imported, and not imported before it is needed."""
    code = (
        "import os, sys; os.environ.pop('ORT_DISABLE_TELEMETRY', None); import lrhdr_engines; "
        "print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1", "False"]
