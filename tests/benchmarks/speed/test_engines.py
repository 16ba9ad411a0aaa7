"""Our engines as subjects: the same pictures, and stages that add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import BackendError, InputError, LrhdrError
from lrhdr_benchmarks.speed import clips, engines
from lrhdr_benchmarks.speed.engines import (
    REFERENCE,
    EngineSubject,
    _Runs,
    as_run,
    engine_subjects,
    is_engine,
    missing_engines,
)
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.subjects import open_subject
from lrhdr_engines import open_model
from lrhdr_engines.backends import BACKENDS
from lrhdr_engines.backends.protocol import JOINED
from lrhdr_engines.device.layout import IN_FLIGHT
from lrhdr_engines.streaming import Output


def case_of(subject: str, exposures: int = 2, model: str = "lite") -> Case:
    return Case(subject=subject, model=model, exposures=exposures, width=160, height=96)


def test_pictures_are_those_of_the_engine() -> None:
    exposures = 3  # two interpolations an output, and all that two exposures have
    case = case_of(REFERENCE, exposures)
    subject = open_subject(case, threads=None, hdrflow=None)
    stream = open_model("lite", exposures, engine="fp32", backend="onnxruntime").stream(
        islice(clips.frames(160, 96, exposures), 8), clips.ev(exposures)
    )
    for _, exact in zip(range(4), stream, strict=False):
        picture = subject.output()
        assert np.array_equal(picture, exact.hdr)
        stages, graphs = subject.stages(), subject.graph_ms()
        assert list(stages) == ["pre", "extract", "synthesize", "lrhdr", "post"]
        assert list(graphs) == ["film_extract", "film_flow", "film_fuse", "lrhdr"]
        assert stages["synthesize"] == pytest.approx(graphs["film_flow"] + graphs["film_fuse"])
        assert all(taken > 0.0 for taken in stages.values())
    assert subject.ahead == exposures - 1
    subject.close()


@pytest.mark.parametrize("exposures", [2, 3])
def test_a_joined_graph_is_a_stage_of_its_own(
    exposures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setattr("lrhdr_engines.backends.protocol.LARGE", 1)
    subject = open_subject(case_of("openvino fp32", exposures), threads=None, hdrflow=None)
    for _ in range(2):
        subject.output()
    stages, graphs = subject.stages(), subject.graph_ms()
    assert list(stages) == ["pre", "extract", "synthesize and lrhdr", "post"]
    assert list(graphs) == ["film_extract", JOINED]
    assert all(taken > 0.0 for taken in stages.values())
    subject.close()


def test_overlapped_graphs_have_an_output_in_flight() -> None:
    subject = open_subject(case_of(as_run(REFERENCE)), threads=2, hdrflow=None)
    assert (subject.in_flight, subject.ahead) == (1, 2)
    subject.output()
    assert subject.stages() == subject.graph_ms() == {}
    subject.close()


def test_a_gpu_stream_has_the_stages_that_its_device_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = open_model("lite", 2, engine="fp32", backend="onnxruntime")
    timed = {"enqueue": 0.1, "upload": 0.2, "compute": 5.0, "download": 0.3}

    class OnGpu:
        def stream(self, *given: Any) -> Iterator[Output]:
            return (replace(output, stages=timed) for output in model.stream(*given))

    monkeypatch.setattr(engines, "open_model", lambda *_, **__: OnGpu())
    subject = EngineSubject(case_of("tensorrt fp16"), None)
    assert subject.output().shape == (96, 160, 3)
    assert (subject.stages(), subject.graph_ms()) == (timed, {})
    assert (subject.in_flight, subject.ahead) == (IN_FLIGHT - 1, IN_FLIGHT)


def test_stages_add_up_to_the_output() -> None:
    runs = _Runs()
    assert runs.stages() == {}
    assert runs.graph_ms() == {}
    runs.began, runs.ended = 10.0, 11.0
    runs.runs = [
        ("film_extract", 10.1, 10.2),
        ("film_flow", 10.2, 10.3),
        ("film_fuse", 10.4, 10.6),
        ("film_fuse", 10.6, 10.65),
        ("lrhdr", 10.7, 10.9),
    ]
    assert runs.stages() == pytest.approx(
        {"pre": 250.0, "extract": 100.0, "synthesize": 350.0, "lrhdr": 200.0, "post": 100.0}
    )
    assert sum(runs.stages().values()) == pytest.approx(1e3)
    assert runs.graph_ms() == pytest.approx(
        {"film_extract": 100.0, "film_flow": 100.0, "film_fuse": 250.0, "lrhdr": 200.0}
    )


def test_every_backend_is_there_or_missing_with_a_reason() -> None:
    here = {subject.split()[0] for subject in engine_subjects()}
    assert REFERENCE in engine_subjects()
    assert all(is_engine(subject) for subject in engine_subjects())
    assert here | set(missing_engines()) == set(BACKENDS) - {"auto"}
    assert not here & set(missing_engines())
    assert all(reason.endswith(".") for reason in missing_engines().values())


@pytest.mark.parametrize(
    ("case", "error", "words"),
    [
        (case_of("nothing at all"), InputError, "subject 'nothing at all'; expected"),
        (case_of("hdrflow eager", model=""), InputError, "no clone of HDRFlow"),
        (case_of(REFERENCE, model="none"), LrhdrError, "neither a shipped model nor a folder"),
        (case_of(REFERENCE, exposures=4), InputError, "4 exposures; expected 2 or 3"),
    ],
)
def test_what_cannot_be_opened_is_said(case: Case, error: type[LrhdrError], words: str) -> None:
    with pytest.raises(error, match=words):
        open_subject(case, threads=None, hdrflow=None)
    with pytest.raises(BackendError, match="engine 'auto fp32'"):
        EngineSubject(case_of("auto fp32"), None)
