"""A plan carried out with nothing measured in earnest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from lrhdr_benchmarks.speed import run
from lrhdr_benchmarks.speed.costs import Costs
from lrhdr_benchmarks.speed.measure import Settings
from lrhdr_benchmarks.speed.plan import Options, planned
from lrhdr_benchmarks.speed.record import Result
from lrhdr_benchmarks.speed.run import Bench, settings_of
from lrhdr_engines.build.sizes import Size
from tests.benchmarks.speed.tools import PIXELS_A_MS, Lab

SMALL, LARGE = Size(width=128, height=64), Size(width=256, height=128)
SUBJECTS = ("onnxruntime fp32", "merge dis")


@pytest.fixture(autouse=True, scope="module")
def counted_once() -> Iterator[None]:
    """Graphs are counted once for all tests: counting takes a second for each size."""
    found: dict[Any, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "Costs", lambda: Costs(_found=found))
        yield


def options(**changes: Any) -> Options:
    """Two sizes, an engine and a merge."""
    usual = {"sizes": (SMALL, LARGE), "subjects": SUBJECTS, "rounds": 8, "exposures": (2,)}
    return Options(**{**usual, **changes})


def benched(lab: Lab, **changes: Any) -> tuple[Result, bool, list[str]]:
    """The result, whether it is complete, and what was said."""
    said: list[str] = []
    bench = Bench(planned(options(**changes)), "lrhdr-bench", said.append, tools=lab.tools())
    complete = bench.run()
    assert bench.result is not None
    return bench.result, complete, said


def test_every_case_is_measured_and_has_what_belongs_to_it() -> None:
    lab = Lab()
    result, complete, said = benched(lab)
    assert complete
    assert [(row.case.subject, row.case.width) for row in result.rows] == [
        (subject, size.width) for size in (SMALL, LARGE) for subject in SUBJECTS
    ]
    engine, merge = result.rows[:2]
    assert set(engine.graphs) == {"film_extract", "film_flow", "film_fuse", "lrhdr"}
    assert engine.graphs["lrhdr"].milliseconds == 0.5 * 128 * 64 / PIXELS_A_MS
    assert engine.whole_fps == {"null": 7.0, "hdr10": 7.0}
    assert engine.stages["encode"].median == 3.0
    assert (merge.graphs, merge.whole_fps) == ({}, {})
    assert len(result.ratios) == 2
    assert {bound.case.width for bound in result.bounds} == {128, 256}
    assert result.machine == {"CPU": "a fake"}
    assert "2 cases" in said


def test_the_settings_are_those_that_were_asked_for() -> None:
    lab = Lab()
    benched(lab, threads=3, warm_up=4)
    expected = Settings(warm_up=4, rounds=8, threads=3)
    assert [settings for _, settings in lab.asked] == [expected, expected]


def test_steps_are_as_many_as_were_announced() -> None:
    for changes in ({}, {"entmax": False}, {"exposures": (2, 3)}):
        steps: list[int] = []
        bench = Bench(
            planned(options(**changes)),
            "",
            lambda _: None,
            lambda steps=steps: steps.append(1),  # type: ignore[misc]
            Lab().tools(),
        )
        bench.run()
        assert len(steps) == bench.steps


def test_whole_runs_and_entmax_can_be_left_out() -> None:
    lab = Lab()
    result, _, _ = benched(lab, whole=False, entmax=False)
    assert (lab.wholes, lab.entmaxes) == ([], [])
    assert result.rows[0].whole_fps == {}
    assert result.entmax == []


def test_entmax_is_of_the_masks_of_the_smallest_size() -> None:
    lab = Lab()
    result, _, _ = benched(lab, exposures=(2, 3))
    assert lab.entmaxes == [(6, 128 * 64, 8), (10, 128 * 64, 8)]
    assert len(result.entmax) == 2
    assert result.skipped["entmax: two"] == "no compiler"


def test_a_whole_run_that_fails_is_named_and_the_other_kept() -> None:
    result, complete, _ = benched(Lab(), sizes=(Size(width=129, height=64),))
    assert complete
    assert result.rows[0].whole_fps == {"null": 7.0}
    assert result.skipped["whole run into hdr10: onnxruntime fp32, lite, 2E, 129x64"] == (
        "an odd width."
    )


def test_a_size_that_would_take_too_long_is_left_out() -> None:
    # An output takes 8 ms at the small size and four times that at the large one.
    lab = Lab()
    result, _, _ = benched(lab, seconds=0.1)
    first, second = lab.asked
    assert len(first[0]) == 2
    assert second[0] == []
    assert len([name for name in result.skipped if "256x128" in name]) == 2
    assert "whole run: onnxruntime fp32, lite, 2E, 128x64" in result.skipped
    assert lab.wholes == []


def test_the_time_is_shared_by_the_cycles() -> None:
    both, one = Lab(), Lab()
    benched(both, seconds=1.0, exposures=(2, 3), rounds=100)
    benched(one, seconds=0.5, rounds=100)
    rounds = [settings.rounds for cases, settings in both.asked if cases[0].exposures == 2]
    assert rounds == [settings.rounds for _, settings in one.asked]
    assert rounds[1] < rounds[0]


@pytest.mark.parametrize("part", ["measure", "whole", "entmax"])
def test_what_was_done_before_ctrl_c_is_kept(part: str) -> None:
    def stop(where: str) -> None:
        if where == part and (part != "measure" or len(lab.asked) == 2):
            raise KeyboardInterrupt

    lab = Lab(stop=stop)
    result, complete, _ = benched(lab)
    assert not complete
    assert [row.case.width for row in result.rows][:2] == [128, 128]
    assert result.settings["ended"].startswith("interrupted")


def test_ctrl_c_before_the_ceilings_leaves_nothing() -> None:
    def stop(where: str) -> None:
        raise KeyboardInterrupt

    bench = Bench(planned(options()), "", lambda _: None, tools=Lab(stop=stop).tools())
    assert not bench.run()
    assert bench.result is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be pinned here")
def test_everything_is_pinned_and_unpinned_again() -> None:
    before = os.sched_getaffinity(0)
    one = (min(before),)
    seen = []
    lab = Lab(stop=lambda _: seen.append(os.sched_getaffinity(0)))
    benched(lab, cpus=one)
    assert seen
    assert all(cpus == {*one} for cpus in seen)
    assert os.sched_getaffinity(0) == before
    assert all(settings.cpus == one for _, settings in lab.asked)


def test_settings_are_told_in_words() -> None:
    told = settings_of(options(threads=3, cpus=(0, 2), seconds=60.0))
    assert told["threads"] == "3"
    assert told["pinning"] == "to processors 0, 2"
    assert told["time for a size"] == "about 60 s at most"
    assert told["rounds"].startswith("8,")
    assert settings_of(options())["pinning"] == "none"
