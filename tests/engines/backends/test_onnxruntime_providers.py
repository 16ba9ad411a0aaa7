"""Which providers ONNX Runtime is asked for, by a stand-in for its module: there is no GPU here."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.backends import onnxruntime_backend
from lrhdr_engines.backends.onnxruntime_backend import OnnxRuntimeBackend

TENSORRT, CUDA, CPU = (f"{name}ExecutionProvider" for name in ("Tensorrt", "CUDA", "CPU"))


class FakeOrt:
    """Takes note of the providers asked for; starts those in `starts`."""

    def __init__(self, available: list[str], starts: list[str]) -> None:
        self.available, self.starts, self.asked = available, starts, []  # type: ignore[var-annotated]

    def get_available_providers(self) -> list[str]:
        return self.available

    class SessionOptions:
        def add_session_config_entry(self, name: str, value: str) -> None:
            pass

    def InferenceSession(self, model: str, options: Any, providers: list[Any]) -> Any:
        self.asked = providers
        names = [p if isinstance(p, str) else p[0] for p in providers]
        started = [name for name in names if name in self.starts]
        return SimpleNamespace(get_outputs=list, get_providers=lambda: started)


@pytest.fixture
def ort(monkeypatch: pytest.MonkeyPatch) -> Any:
    def install(available: list[str], starts: list[str], no_gpu: str | None = None) -> FakeOrt:
        fake = FakeOrt(available, starts)
        monkeypatch.setitem(sys.modules, "onnxruntime", fake)
        monkeypatch.setattr(onnxruntime_backend, "why_no_gpu", lambda: no_gpu)
        return fake

    return install


MODEL = Path("film.fp16.onnx")


def test_tensorrt_comes_before_cuda_and_keeps_its_engines(
    ort: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRHDR_CACHE", str(tmp_path))
    fake = ort([TENSORRT, CUDA, CPU], [TENSORRT, CUDA, CPU])
    backend = OnnxRuntimeBackend.open(tensorrt=True)
    assert (backend.name, backend.device) == ("onnxruntime-tensorrt", "GPU (TensorRT)")
    assert backend.fastest == "fp16"
    backend.load(MODEL, "fp16", None)
    (name, options), *rest = fake.asked
    assert (name, *rest) == (TENSORRT, CUDA, CPU)
    assert options["trt_engine_cache_enable"] is True
    assert Path(options["trt_engine_cache_path"]).is_relative_to(tmp_path)


def test_tensorrt_that_does_not_start_leaves_cuda_and_says_so(
    ort: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ort([TENSORRT, CUDA, CPU], [CUDA, CPU])
    backend = OnnxRuntimeBackend.open(tensorrt=True)
    with caplog.at_level(logging.WARNING):
        backend.load(MODEL, "fp16", None)
    assert "TensorRT did not start" in caplog.text
    assert "CUDA runs film.fp16.onnx instead" in caplog.text


@pytest.mark.parametrize("tensorrt", [False, True])
def test_cuda_that_does_not_start_is_an_error(ort: Any, tensorrt: bool) -> None:
    ort([TENSORRT, CUDA, CPU], [CPU])
    with pytest.raises(BackendError, match="could not start CUDA, although a GPU is there"):
        OnnxRuntimeBackend.open(tensorrt=tensorrt).load(MODEL, "fp16", None)


def test_without_being_asked_for_tensorrt_is_left_alone(ort: Any) -> None:
    fake = ort([TENSORRT, CUDA, CPU], [CUDA, CPU])
    OnnxRuntimeBackend.open().load(MODEL, "fp32", None)
    assert fake.asked == [CUDA, CPU]


@pytest.mark.parametrize(
    ("available", "no_gpu", "why"),
    [
        ([CUDA, CPU], None, "built without TensorRT"),
        ([TENSORRT, CUDA, CPU], "the NVIDIA driver sees no GPU", "sees no GPU"),
    ],
)
def test_tensorrt_that_is_not_there_is_refused(
    ort: Any, available: list[str], no_gpu: str | None, why: str
) -> None:
    ort(available, available, no_gpu)
    with pytest.raises(BackendError, match=rf"{why}.*lrhdr-doctor"):
        OnnxRuntimeBackend.open(tensorrt=True)


def test_a_machine_without_a_gpu_takes_the_cpu(ort: Any) -> None:
    fake = ort([CUDA, CPU], [CPU], "no NVIDIA driver was found")
    backend = OnnxRuntimeBackend.open()
    backend.load(MODEL, "fp32", None)
    assert fake.asked == [CPU]
    assert (backend.name, backend.device, backend.fastest) == ("onnxruntime", "CPU", "fp32")
