"""The golden window, with ONNX Runtime in the place of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, Precision
from lrhdr.errors import BackendError
from lrhdr.manifest import Manifest
from lrhdr_engines.backends import open_backend
from lrhdr_engines.build.accept import TOGETHER, Candidate, Goldens, Run, judge
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.fallback import FALLBACKS, precisions_of, settle
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.engine import Engine
from lrhdr_engines.reconstruct import Reconstructor
from lrhdr_engines.window import FilledWindow

Arrays = dict[str, NDArray[Any]]


class OnnxRuntime:
    """Runs the shipped graphs, and can be told to spoil what one gives."""

    def __init__(self, bundle: Bundle) -> None:
        backend = open_backend("onnxruntime")
        self._sessions: dict[tuple[str, Precision], Any] = {
            (graph, precision): backend.load(bundle.graph(graph, precision), precision, None)
            for graph in STREAMING
            for precision in ("fp32", "fp16")
        }

    def run(
        self, precisions: Mapping[str, Precision], spoil: Mapping[tuple[str, Precision], float]
    ) -> Run:
        """`spoil` is added to every output of a graph at a precision."""

        def run(graph: str, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
            key = (graph, precisions[graph])
            amount = spoil.get(key, 0.0)
            outputs: Arrays = self._sessions[key].run(feeds)
            return {n: v + np.asarray(amount, v.dtype) for n, v in outputs.items()}

        return run


class Golden:
    """A bundle's graphs, and a golden window of it."""

    def __init__(self, bundle: Bundle, arrays: Goldens) -> None:
        self.manifest: Manifest = bundle.manifest
        self.arrays = arrays
        self.runtime = OnnxRuntime(bundle)
        self.trusted = self.runtime.run(precisions_of("as built", "fp32", set()), {})

    def judge(self, precision: Precision, spoil: Mapping[tuple[str, Precision], float]) -> Any:
        precisions = precisions_of("as built", precision, set())
        candidate = Candidate(run=self.runtime.run(precisions, spoil), precisions=precisions)
        rows = judge(candidate, self.trusted, self.arrays, self.manifest)
        return {row.graph: row for row in rows}

    def settle(
        self, precision: Precision, spoil: Mapping[tuple[str, Precision], float]
    ) -> tuple[Any, list[str]]:
        lines: list[str] = []
        accepted = settle(
            precision,
            lambda precisions: self.runtime.run(precisions, spoil),
            self.trusted,
            self.arrays,
            self.manifest,
            lines.append,
        )
        return accepted, lines


@pytest.fixture(scope="module", params=[2, 3])
def golden(request: pytest.FixtureRequest, tiny_models: Any) -> Golden:
    """The tiny model: its HDR frame is worked out in float64, its interpolated frames in FP32."""
    exposures: int = request.param
    tiny = tiny_models[exposures]
    bundle = Bundle.open(tiny.folder, exposures)
    ev = [0.0, 1.0, 2.0][:exposures]
    rng = np.random.default_rng(0)
    frames = [rng.integers(60, 256, (24, 32, 3), np.uint8) for _ in range(2 * exposures - 1)]
    engine = Engine(bundle, open_backend("onnxruntime"), "fp32")
    window = FilledWindow(
        index=exposures - 1, slots=tuple(range(len(frames))), frames=tuple(frames)
    )
    films = Reconstructor(engine, ev).reconstruct(window)
    arrays = {
        "frames": np.stack(frames),
        "exposures": np.array([2.0 ** ev[i % exposures] for i in range(len(frames))], np.float32),
        "interpolated": np.stack(films.interpolated),
        "hdr": tiny.expected(frames, ev, exposures - 1).transpose(2, 0, 1),
    }
    return Golden(bundle, arrays)


def test_the_shipped_model_is_accepted() -> None:
    bundle = Bundle.open("lite", 2)
    assert bundle.manifest.goldens is not None
    with np.load(bundle.manifest.goldens.verified(bundle.folder)) as stored:
        rows = Golden(bundle, dict(stored)).judge("fp16", {})
    for row in rows.values():
        assert row.passed, str(row)
        assert row.decibels > 70


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_what_is_right_is_accepted(golden: Golden, precision: Precision) -> None:
    rows = golden.judge(precision, {})
    assert [*rows] == [EXTRACT, FLOW, FUSE, LRHDR, TOGETHER]
    for row in rows.values():
        assert row.passed, str(row)


@pytest.mark.parametrize(
    ("graph", "amount"), [(EXTRACT, 2.0), (FLOW, 2.0), (FUSE, 0.1), (LRHDR, 0.1)]
)
def test_the_graph_that_is_wrong_is_named(golden: Golden, graph: str, amount: float) -> None:
    rows = golden.judge("fp16", {(graph, "fp16"): amount})
    assert [name for name, row in rows.items() if not row.passed] == [graph, TOGETHER]
    assert "REFUSED (>= 55 dB)" in str(rows[graph])


@pytest.mark.parametrize("amount", [np.nan, np.inf])
def test_what_is_no_number_is_refused(golden: Golden, amount: float) -> None:
    rows = golden.judge("fp32", {(LRHDR, "fp32"): amount})
    assert rows[LRHDR].largest == np.inf
    assert not rows[LRHDR].passed
    assert rows[FUSE].passed


def test_fp32_is_held_to_a_finer_bound(golden: Golden) -> None:
    spoiled = 2e-4  # some 1e-3 in T: an error that half precision is allowed
    assert not golden.judge("fp32", {(LRHDR, "fp32"): spoiled})[LRHDR].passed
    assert golden.judge("fp16", {(LRHDR, "fp16"): spoiled})[LRHDR].passed


def test_no_fallback_where_none_is_needed(golden: Golden) -> None:
    accepted, lines = golden.settle("fp16", {})
    assert accepted.fallback == "as built"
    assert lines[0] == "golden window, as built:"
    assert len(lines) == 6


def test_the_graph_that_failed_is_taken_in_fp32(golden: Golden) -> None:
    accepted, _ = golden.settle("fp16", {(FUSE, "fp16"): 0.1})
    assert accepted.fallback == "fp32 for the graphs that failed"
    assert accepted.precisions == {EXTRACT: "fp16", FLOW: "fp16", FUSE: "fp32", LRHDR: "fp16"}


def test_what_stays_wrong_is_refused_with_its_figures(golden: Golden) -> None:
    spoil: Any = {(LRHDR, "fp16"): 0.1, (LRHDR, "fp32"): 0.1}
    with pytest.raises(BackendError) as refusal:
        golden.settle("fp16", spoil)
    for fallback in FALLBACKS:
        assert f"{fallback}: {LRHDR} fp" in str(refusal.value) or TOGETHER in str(refusal.value)
    assert str(refusal.value).count("max ") >= len(FALLBACKS)


def test_nothing_is_tried_twice(golden: Golden) -> None:
    tried: list[Any] = []

    def prepare(precisions: Mapping[str, Precision]) -> Run:
        tried.append(dict(precisions))
        return golden.runtime.run(precisions, {(LRHDR, "fp32"): 0.1})

    with pytest.raises(BackendError, match="does not reproduce the golden window"):
        settle("fp32", prepare, golden.trusted, golden.arrays, golden.manifest, lambda _: None)
    assert tried == [dict.fromkeys(STREAMING, "fp32")]


def test_the_order_of_fallbacks() -> None:
    assert precisions_of(FALLBACKS[0], "fp16", {FUSE}) == dict.fromkeys(STREAMING, "fp16")
    assert precisions_of(FALLBACKS[1], "fp16", {FUSE})[FUSE] == "fp32"
    assert precisions_of(FALLBACKS[2], "fp16", set()) == dict.fromkeys(STREAMING, "fp32")
