"""From options to cases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.errors import InputError, LrhdrError
from lrhdr_benchmarks.speed import plan as planning
from lrhdr_benchmarks.speed.engines import REFERENCE, engine_subjects, missing_engines
from lrhdr_benchmarks.speed.plan import Options, parse_cpus, planned
from lrhdr_engines.build.sizes import Size
from tests.engines.conftest import build

SMALL, LARGE = Size(width=160, height=96), Size(width=256, height=128)


def options(**changes: Any) -> Options:
    """At one small size, unless said otherwise."""
    return Options(**{"sizes": (SMALL,), **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle for two exposures."""
    return build(tmp_path_factory.mktemp("bundles") / "mine-2e", 2).folder


def test_by_default_every_engine_that_opens_here_and_pytorch() -> None:
    plan = planned(options(sizes=(LARGE, SMALL, LARGE)))
    expected = [*engine_subjects(), "pytorch eager"]
    frames = [(g[0].width, g[0].exposures) for g in plan.groups]
    assert frames == [(160, 2), (160, 3), (256, 2), (256, 3)]  # from the smallest, each once
    for group in plan.groups:
        assert [case.subject for case in group] == expected
        assert {case.model for case in group} == {"lite"}
        assert len({(c.width, c.height, c.exposures) for c in group}) == 1
    assert REFERENCE in expected


def test_what_the_others_are_compared_with_comes_first() -> None:
    asked = ("merge dis", "openvino fp32", REFERENCE)
    (group,) = planned(options(subjects=asked, exposures=(2,))).groups
    assert [case.subject for case in group] == [REFERENCE, "openvino fp32", "merge dis"]


def test_without_torch_there_is_no_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "find_spec", lambda _: None)
    subjects = {case.subject for group in planned(options()).groups for case in group}
    assert subjects == {*engine_subjects()}


def test_a_clone_of_hdrflow_is_timed_by_default() -> None:
    group = planned(options(hdrflow=Path("clone"))).groups[0]
    assert [(c.subject, c.model) for c in group][-1] == ("hdrflow eager", "")


def test_what_has_no_model_is_timed_once(folder: Path) -> None:
    plan = planned(
        options(models=("lite", str(folder)), subjects=(REFERENCE, "merge dis"), exposures=(2,))
    )
    found = [(case.subject, case.model) for case in plan.groups[0]]
    assert found == [(REFERENCE, "lite"), (REFERENCE, str(folder)), ("merge dis", "")]


def test_a_bundle_is_timed_with_its_own_exposures_only(folder: Path) -> None:
    plan = planned(options(models=(str(folder),), subjects=(REFERENCE,)))
    assert [group[0].exposures for group in plan.groups] == [2]
    with pytest.raises(LrhdrError, match="is for 2 exposures"):
        planned(options(models=(str(folder),), subjects=(REFERENCE,), exposures=(3,)))


def test_the_paper_is_for_pytorch_alone() -> None:
    plan = planned(options(models=("paper",)))
    assert {case.subject for group in plan.groups for case in group} == {"pytorch eager"}
    for engine in engine_subjects():
        assert "no bundle of it is shipped" in plan.skipped[f"{engine}, paper"]


def test_engines_that_are_not_here_are_named_unless_subjects_were() -> None:
    missing = {k: v for k, v in planned(options()).skipped.items() if "cannot run here" in v}
    assert set(missing) == {*missing_engines()}
    assert planned(options(subjects=(REFERENCE,))).skipped == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subjects": ("nothing",)}, "the subject 'nothing'; expected one of: .*merge debevec"),
        ({"subjects": ("onnxruntime fp8",)}, "the subject 'onnxruntime fp8'"),
        ({"subjects": ("hdrflow eager",)}, "without a clone of HDRFlow"),
        ({"models": ("no-such-folder",)}, "neither a shipped model nor a folder"),
        ({"models": ("lite", "x/lite")}, "two models named 'lite'"),
        ({"models": ("paper",), "subjects": (REFERENCE,)}, "nothing to time"),
        ({"cpus": (10**6,)}, "--pin to processor 1000000"),
    ],
)
def test_what_cannot_be_timed_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LrhdrError, match=message):
        planned(options(**changes))


def test_an_engine_that_cannot_run_here_is_refused_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "missing_engines", lambda: {"tensorrt": "there is no GPU"})
    with pytest.raises(InputError, match="'tensorrt fp16' cannot run here: there is no GPU"):
        planned(options(subjects=("tensorrt fp16",)))


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("0", (0,)), ("2,0", (0, 2)), ("0-3", (0, 1, 2, 3)), ("1-2, 7,2", (1, 2, 7))],
)
def test_processors_are_read_as_taskset_reads_them(text: str, cpus: tuple[int, ...]) -> None:
    assert parse_cpus(text) == cpus


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "3-1", "0,,1", "0x1", "²"])
def test_what_is_no_processor_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--pin"):
        parse_cpus(text)


@given(st.sets(st.integers(0, 200), min_size=1))
def test_any_processors_read_back(cpus: set[int]) -> None:
    assert parse_cpus(",".join(map(str, cpus))) == tuple(sorted(cpus))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned here")
def test_processors_of_this_process_are_taken() -> None:
    cpus = tuple(sorted(os.sched_getaffinity(0)))[:1]
    assert planned(options(cpus=cpus)).options.cpus == cpus
