"""An engine loads what streaming needs, feeds each graph its own inputs, and the rest on demand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrhdr.contract import EXTRACT, FILM, FLOW, FUSE, LRHDR, LRHDR_MASKS, Precision
from lrhdr.errors import BundleError
from lrhdr_engines.backends import Session
from lrhdr_engines.backends.protocol import Tensors
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.engine import Engine


class Recorder:
    """A backend that notes what it is asked for."""

    def __init__(self, *, fast_fp16: bool) -> None:
        self.name, self.device, self.fast_fp16 = "recorder", "nothing", fast_fp16
        self.loaded: list[tuple[str, Precision, int | None]] = []
        self.fed: list[list[str]] = []

    def load(self, model: Path, precision: Precision, threads: int | None) -> Session:
        self.loaded.append((model.name, precision, threads))
        return self

    def run(self, feeds: Tensors) -> dict[str, Any]:
        self.fed.append(list(feeds))
        return {"hdr": np.zeros(1)}


@pytest.fixture
def bundle(tiny: Any) -> Bundle:
    return Bundle.open(tiny.folder, 2)


def test_streaming_needs_four_graphs(bundle: Bundle) -> None:
    backend = Recorder(fast_fp16=False)
    engine = Engine(bundle, backend, threads=3)
    assert engine.precision == "fp32"
    wanted = {f"{name}.fp32.onnx" for name in (EXTRACT, FLOW, FUSE, LRHDR)}
    assert {name for name, _, _ in backend.loaded} == wanted
    assert len(backend.loaded) == 4
    assert {(precision, threads) for _, precision, threads in backend.loaded} == {("fp32", 3)}
    assert engine.manifest is bundle.manifest


@pytest.mark.parametrize("name", [LRHDR_MASKS, FILM])
def test_other_graphs_are_loaded_once_when_asked_for(bundle: Bundle, name: str) -> None:
    backend = Recorder(fast_fp16=False)
    engine = Engine(bundle, backend)
    tensors = {tensor.name: np.zeros(1) for tensor in engine._inputs[name]}
    for _ in range(2):
        engine.run(name, tensors)
    assert [file for file, _, _ in backend.loaded[4:]] == [f"{name}.fp32.onnx"]


def test_a_graph_gets_its_inputs_and_no_others(bundle: Bundle) -> None:
    backend = Recorder(fast_fp16=False)
    engine = Engine(bundle, backend)
    engine.run(EXTRACT, {"other": np.zeros(1), "frame": np.zeros(1)})
    assert backend.fed == [["frame"]]
    with pytest.raises(KeyError, match="frame"):
        engine.run(EXTRACT, {"other": np.zeros(1)})


@pytest.mark.parametrize(
    ("choice", "fast", "precision", "warned"),
    [
        ("auto", True, "fp16", False),
        ("auto", False, "fp32", False),
        ("fp16", True, "fp16", False),
        ("fp16", False, "fp16", True),
        ("fp32", True, "fp32", False),
        ("fp32", False, "fp32", False),
    ],
)
def test_precision(
    bundle: Bundle,
    choice: Any,
    fast: bool,
    precision: Precision,
    warned: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = Recorder(fast_fp16=fast)
    assert Engine(bundle, backend, choice).precision == precision
    assert {used for _, used, _ in backend.loaded} == {precision}
    assert ["slower than fp32" in message for message in caplog.messages] == [True] * warned


def test_nothing_is_loaded_from_a_damaged_bundle(tiny: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny.folder, tmp_path / "bundle"))
    (folder / "lrhdr.fp32.onnx").write_bytes(b"")
    backend = Recorder(fast_fp16=False)
    with pytest.raises(BundleError, match=r"lrhdr\.fp32\.onnx"):
        Engine(Bundle.open(folder, 2), backend)
    assert backend.loaded == []


@pytest.mark.parametrize(("threads", "film", "fusion"), [(2, 1, 1), (5, 3, 2), (8, 4, 4)])
def test_two_parts_that_run_beside_each_other_share_the_threads(
    bundle: Bundle, threads: int, film: int, fusion: int
) -> None:
    backend = Recorder(fast_fp16=False)
    backend.device = "CPU"
    engine = Engine(bundle, backend, threads=threads, overlapped=True)
    assert engine.overlaps(1920 * 1080)
    assert {name: count for name, _, count in backend.loaded} == {
        f"{EXTRACT}.fp32.onnx": film,
        f"{FLOW}.fp32.onnx": film,
        f"{FUSE}.fp32.onnx": film,
        f"{LRHDR}.fp32.onnx": fusion,
    }
    # Large frames: one graph at a time, with all threads, from then on.
    assert not engine.overlaps(3840 * 2160)
    assert {count for _, _, count in backend.loaded[4:]} == {threads}
    assert len(backend.loaded) == 8
    assert not engine.overlaps(64)


@pytest.mark.parametrize(
    ("device", "threads", "asked"), [("CPU", 1, True), ("GPU (CUDA)", 8, True), ("CPU", 8, False)]
)
def test_one_after_the_other(bundle: Bundle, device: str, threads: int, asked: bool) -> None:
    backend = Recorder(fast_fp16=False)
    backend.device = device
    engine = Engine(bundle, backend, threads=threads, overlapped=asked)
    assert not engine.overlaps(64)
    assert {count for _, _, count in backend.loaded} == {threads}
