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
from lrhdr_engines.build.fallback import FALLBACKS, Forms, fall_back, settle
from lrhdr_engines.build.forms import FORMS, Form, precision_of
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.engine import Engine
from lrhdr_engines.reconstruct import Reconstructor
from lrhdr_engines.window import FilledWindow

Arrays = dict[str, NDArray[Any]]
Spoil = Mapping[tuple[str, Form], float]


class OnnxRuntime:
    """Runs the shipped graphs, and can be told to spoil what one gives."""

    def __init__(self, bundle: Bundle) -> None:
        backend = open_backend("onnxruntime")
        self._sessions: dict[tuple[str, Precision], Any] = {
            (graph, precision): backend.load(bundle.graph(graph, precision), precision, None)
            for graph in STREAMING
            for precision in ("fp32", "fp16")
        }

    def run(self, forms: Forms, spoil: Spoil) -> Run:
        """`spoil` is added to every output of a graph in a form."""

        def run(graph: str, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
            form = forms[graph]
            amount = spoil.get((graph, form), 0.0)
            outputs: Arrays = self._sessions[graph, precision_of(form)].run(feeds)
            return {n: v + np.asarray(amount, v.dtype) for n, v in outputs.items()}

        return run


class Golden:
    """A bundle's graphs, and a golden window of it."""

    def __init__(self, bundle: Bundle, arrays: Goldens) -> None:
        self.manifest: Manifest = bundle.manifest
        self.arrays = arrays
        self.runtime = OnnxRuntime(bundle)
        self.trusted = self.runtime.run(dict.fromkeys(STREAMING, "fp32"), {})

    def judge(self, precision: Precision, spoil: Spoil) -> Any:
        precisions = dict.fromkeys(STREAMING, precision)
        candidate = Candidate(run=self.runtime.run(precisions, spoil), precisions=precisions)
        rows = judge(candidate, self.trusted, self.arrays, self.manifest)
        return {row.graph: row for row in rows}

    def settle(self, precision: Precision, spoil: Spoil) -> tuple[Any, list[str]]:
        lines: list[str] = []
        accepted = settle(
            precision,
            lambda forms: self.runtime.run(forms, spoil),
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


@pytest.mark.parametrize("graph", [EXTRACT, FLOW, FUSE, LRHDR])
def test_what_only_wide_islands_cure_is_cured_by_them(golden: Golden, graph: str) -> None:
    # In FP32 it is just as wrong, so no later fallback could.
    spoil: Spoil = {(graph, "fp16"): 2.0, (graph, "fp32"): 2.0}
    accepted, lines = golden.settle("fp16", spoil)
    assert accepted.fallback == "wide fp32 islands for the graphs that failed"
    assert accepted.forms == dict.fromkeys(STREAMING, "fp16") | {graph: "fp16-wide"}
    assert all(row.passed for row in accepted.judgements)
    headings = [line for line in lines if line.startswith("golden")]
    assert headings == [f"golden window, {fallback}:" for fallback in FALLBACKS[:2]]


def test_the_graph_that_failed_is_taken_in_fp32(golden: Golden) -> None:
    accepted, _ = golden.settle("fp16", {(FUSE, "fp16"): 0.1, (FUSE, "fp16-wide"): 0.1})
    assert accepted.fallback == "fp32 for the graphs that failed"
    assert accepted.forms == {EXTRACT: "fp16", FLOW: "fp16", FUSE: "fp32", LRHDR: "fp16"}


def test_each_graph_gets_what_cured_it(golden: Golden) -> None:
    spoil: Spoil = {(FUSE, "fp16"): 0.1, (LRHDR, "fp16"): 0.1, (LRHDR, "fp16-wide"): 0.1}
    accepted, _ = golden.settle("fp16", spoil)
    assert accepted.forms == {EXTRACT: "fp16", FLOW: "fp16", FUSE: "fp16-wide", LRHDR: "fp32"}


def test_a_fallback_that_cannot_be_built_is_passed_over(golden: Golden) -> None:
    lines: list[str] = []

    def prepare(forms: Forms) -> Run:
        if "fp16-wide" in forms.values():
            raise BackendError("no tactics")
        return golden.runtime.run(forms, {(LRHDR, "fp16"): 0.1})

    given = golden.trusted, golden.arrays, golden.manifest
    accepted = settle("fp16", prepare, *given, lines.append)
    assert accepted.forms[LRHDR] == "fp32"
    assert "wide fp32 islands for the graphs that failed: no tactics." in lines


def test_engines_that_cannot_be_built_as_asked_are_an_error(golden: Golden) -> None:
    def prepare(forms: Forms) -> Run:
        raise BackendError("no compiler")

    with pytest.raises(BackendError, match=r"^no compiler"):
        settle("fp16", prepare, golden.trusted, golden.arrays, golden.manifest, print)


def test_what_stays_wrong_is_refused_with_its_figures(golden: Golden) -> None:
    spoil: Spoil = {(LRHDR, form): 0.1 for form in FORMS}
    with pytest.raises(BackendError) as refusal:
        golden.settle("fp16", spoil)
    for fallback in FALLBACKS:
        assert f"{fallback}: {LRHDR} fp" in str(refusal.value) or TOGETHER in str(refusal.value)
    assert str(refusal.value).count("max ") >= len(FALLBACKS)


def test_nothing_is_tried_twice(golden: Golden) -> None:
    tried: list[Any] = []

    def prepare(forms: Forms) -> Run:
        tried.append(dict(forms))
        return golden.runtime.run(forms, {(LRHDR, "fp32"): 0.1})

    with pytest.raises(BackendError, match="does not reproduce the golden window"):
        settle("fp32", prepare, golden.trusted, golden.arrays, golden.manifest, lambda _: None)
    assert tried == [dict.fromkeys(STREAMING, "fp32")]


def test_the_order_of_fallbacks() -> None:
    half: Forms = dict.fromkeys(STREAMING, "fp16")
    forms = [half]
    for fallback in FALLBACKS:
        forms.append(fall_back(fallback, forms[-1], {FUSE}))
    assert forms[1:] == [
        half,
        {**half, FUSE: "fp16-wide"},
        {**half, FUSE: "fp32"},
        dict.fromkeys(STREAMING, "fp32"),
    ]


def test_there_are_no_wider_islands_than_fp32() -> None:
    full: Forms = dict.fromkeys(STREAMING, "fp32")
    for fallback in FALLBACKS:
        assert fall_back(fallback, full, set(STREAMING)) == full
