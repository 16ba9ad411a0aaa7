"""An engine loads what streaming needs, feeds each graph its own inputs, and the rest on demand."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrhdr.contract import EXTRACT, FILM, FLOW, FUSE, LRHDR, LRHDR_MASKS
from lrhdr.errors import BackendError, BundleError
from lrhdr_engines.backends import Session
from lrhdr_engines.backends.protocol import JOINED, Arithmetic, Tensors
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.engine import Engine


class Recorder:
    """A backend that notes what it is asked for."""

    def __init__(self, fastest: Arithmetic = "fp32") -> None:
        self.name, self.device, self.fastest = "recorder", "nothing", fastest
        self.loaded: list[tuple[str, Arithmetic, int | None]] = []
        self.fed: list[list[str]] = []
        self.joins = False

    def load(self, model: Path, arithmetic: Arithmetic, threads: int | None) -> Session:
        self.loaded.append((model.name, arithmetic, threads))
        return self

    def join(
        self, flow: Path, films: Sequence[Path], fusion: Path, threads: int | None
    ) -> Session | None:
        if not self.joins:
            return None
        self.loaded.append((" ".join(f.name for f in [flow, *films, fusion]), "fp32", threads))
        return self

    def run(self, feeds: Tensors) -> dict[str, Any]:
        self.fed.append(list(feeds))
        return {"hdr": np.zeros(1)}

    def rest(self) -> None:
        self.fed.append(["rest"])


UHD = 3840 * 2160


@pytest.fixture
def bundle(tiny: Any) -> Bundle:
    return Bundle.open(tiny.folder, 2)


def test_streaming_needs_four_graphs(bundle: Bundle) -> None:
    backend = Recorder()
    engine = Engine(bundle, backend, threads=3)
    assert engine.precision == "fp32"
    wanted = {f"{name}.fp32.onnx" for name in (EXTRACT, FLOW, FUSE, LRHDR)}
    assert {name for name, _, _ in backend.loaded} == wanted
    assert len(backend.loaded) == 4
    assert {(precision, threads) for _, precision, threads in backend.loaded} == {("fp32", 3)}
    assert engine.manifest is bundle.manifest


@pytest.mark.parametrize("name", [LRHDR_MASKS, FILM])
def test_other_graphs_are_loaded_once_when_asked_for(bundle: Bundle, name: str) -> None:
    backend = Recorder()
    engine = Engine(bundle, backend)
    tensors = dict.fromkeys(engine._inputs[name], np.zeros(1))
    for _ in range(2):
        engine.run(name, tensors)
    assert [file for file, _, _ in backend.loaded[4:]] == [f"{name}.fp32.onnx"]


def test_a_graph_gets_its_inputs_and_no_others(bundle: Bundle) -> None:
    backend = Recorder()
    engine = Engine(bundle, backend)
    engine.run(EXTRACT, {"other": np.zeros(1), "frame": np.zeros(1)})
    assert backend.fed == [["frame"]]
    with pytest.raises(KeyError, match="frame"):
        engine.run(EXTRACT, {"other": np.zeros(1)})


@pytest.mark.parametrize(
    ("choice", "fast", "precision", "warned"),
    [
        ("auto", "fp16", "fp16", False),
        ("auto", "fp32", "fp32", False),
        ("fp16", "fp16", "fp16", False),
        ("fp16", "fp32", "fp16", True),
        ("fp16", "bf16", "fp16", True),
        ("fp32", "fp16", "fp32", False),
        ("fp32", "bf16", "fp32", False),
    ],
)
def test_precision(
    bundle: Bundle,
    choice: Any,
    fast: Arithmetic,
    precision: Arithmetic,
    warned: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = Recorder(fast)
    engine = Engine(bundle, backend, choice)
    assert engine.precision == engine.graph_precision == precision
    assert {used for _, used, _ in backend.loaded} == {precision}
    assert ["slower than fp32" in message for message in caplog.messages] == [True] * warned


@pytest.mark.parametrize("choice", ["auto", "bf16"])
def test_bfloat16_has_fp32_graphs_and_is_for_the_fusion_alone(bundle: Bundle, choice: Any) -> None:
    backend = Recorder("bf16")
    backend.device = "CPU"
    engine = Engine(bundle, backend, choice, threads=2, overlapped=True)
    assert (engine.precision, engine.graph_precision) == ("bf16", "fp32")
    engine.run(LRHDR_MASKS, dict.fromkeys(engine._inputs[LRHDR_MASKS], np.zeros(1)))
    assert {name: used for name, used, _ in backend.loaded} == {
        f"{EXTRACT}.fp32.onnx": "fp32",
        f"{FLOW}.fp32.onnx": "fp32",
        f"{FUSE}.fp32.onnx": "fp32",
        f"{LRHDR}.fp32.onnx": "bf16",
        f"{LRHDR_MASKS}.fp32.onnx": "bf16",
    }
    assert not engine.overlaps
    assert {count for _, _, count in backend.loaded} == {2}


@pytest.mark.parametrize("fastest", ["fp32", "fp16"])
def test_bfloat16_that_is_not_there_is_refused(bundle: Bundle, fastest: Any) -> None:
    with pytest.raises(BackendError, match=r"--engine bf16: recorder has no .*--engine auto"):
        Engine(bundle, Recorder(fastest), "bf16")


def test_nothing_is_loaded_from_a_damaged_bundle(tiny: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny.folder, tmp_path / "bundle"))
    (folder / "lrhdr.fp32.onnx").write_bytes(b"")
    backend = Recorder()
    with pytest.raises(BundleError, match=r"lrhdr\.fp32\.onnx"):
        Engine(Bundle.open(folder, 2), backend)
    assert backend.loaded == []


@pytest.mark.parametrize(("threads", "film", "fusion"), [(2, 1, 1), (5, 3, 2), (8, 4, 4)])
def test_two_parts_that_run_beside_each_other_share_the_threads(
    bundle: Bundle, threads: int, film: int, fusion: int
) -> None:
    backend = Recorder()
    backend.device = "CPU"
    engine = Engine(bundle, backend, threads=threads, overlapped=True)
    engine.arrange(1920 * 1080)
    assert engine.overlaps
    assert {name: count for name, _, count in backend.loaded} == {
        f"{EXTRACT}.fp32.onnx": film,
        f"{FLOW}.fp32.onnx": film,
        f"{FUSE}.fp32.onnx": film,
        f"{LRHDR}.fp32.onnx": fusion,
    }
    # Large frames: one graph at a time, with all threads, from then on.
    for pixels in (UHD, UHD, 64):
        engine.arrange(pixels)
        assert not engine.overlaps
        assert not engine.joined
    assert {count for _, _, count in backend.loaded[4:]} == {threads}
    assert len(backend.loaded) == 8


@pytest.mark.parametrize(
    ("device", "threads", "asked"), [("CPU", 1, True), ("GPU (CUDA)", 8, True), ("CPU", 8, False)]
)
def test_one_after_the_other(bundle: Bundle, device: str, threads: int, asked: bool) -> None:
    backend = Recorder()
    backend.device = device
    engine = Engine(bundle, backend, threads=threads, overlapped=asked)
    for pixels in (64, UHD):  # nothing is loaded twice
        engine.arrange(pixels)
        assert not engine.overlaps
    assert [count for _, _, count in backend.loaded] == [threads] * 4


@pytest.mark.parametrize(
    ("fastest", "large"), [("fp32", "fp32"), ("bf16", "fp32"), ("fp16", "fp16")]
)
def test_large_frames_have_one_graph_where_the_backend_joins(
    bundle: Bundle, fastest: Arithmetic, large: Arithmetic
) -> None:
    backend = Recorder(fastest)
    backend.device, backend.joins = "CPU", True
    engine = Engine(bundle, backend, threads=2, overlapped=True)
    assert (engine.precision_at(64), engine.precision_at(UHD)) == (fastest, large)
    engine.arrange(64)
    assert not engine.joined
    del backend.loaded[:]
    for _ in range(2):
        engine.arrange(UHD)
        assert engine.joined
        assert not engine.overlaps
    assert engine.precision == large
    assert {name for name, _, _ in backend.loaded} == {
        f"{EXTRACT}.{large}.onnx",
        f"{FLOW}.{large}.onnx {FUSE}.{large}.onnx {LRHDR}.{large}.onnx",
    }
    assert len(backend.loaded) == 2
    # What is seldom run holds no memory, and runs while the other holds none.
    inputs = engine._inputs
    for name in (FLOW, LRHDR_MASKS):
        engine.run(name, dict.fromkeys(inputs[name], np.zeros(1)))
        assert backend.fed[-3:] == [["rest"], [*inputs[name]], ["rest"]]
    # All that the two take but for what the one gives the other.
    film = {name for name in inputs[FUSE] + inputs[FLOW] if not name.startswith(("flow", "ref"))}
    wanted = {f"0/{name}" for name in film} | set(inputs[LRHDR]) - {"interpolated_0"}
    engine.run(JOINED, dict.fromkeys([*wanted, "other"], np.zeros(1)))
    assert set(backend.fed[-1]) == wanted
