"""What fits in the time and the memory, by what smaller sizes took."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_benchmarks.speed.budget import LEAST_ROUNDS, Budget
from lrhdr_benchmarks.speed.measure import title_of
from lrhdr_benchmarks.speed.record import Case, Row
from tests.benchmarks.speed.results import case, spread

SMALL, LARGE = (640, 360), (1280, 720)
WARM_UP = 2


def row(subject: str, milliseconds: float, megabytes: float | None = None) -> Row:
    """At the small size; opening takes no time, the first output as long as every other."""
    latency = spread(milliseconds)
    return Row(
        case=case(subject, SMALL),
        latency=latency,
        fps=1e3 / milliseconds,
        load_s=0.0,
        first_s=milliseconds / 1e3,
        resident_mb=megabytes,
    )


def budget(*rows: Row) -> Budget:
    """That knows these."""
    made = Budget(WARM_UP)
    made.learn(rows)
    return made


def large(*subjects: str) -> list[Case]:
    """Cases at the large size."""
    return [case(subject, LARGE) for subject in subjects]


def outputs(rounds: int) -> int:
    """Of one case in all: each process's first, those of the trial, the warm-up, the rounds."""
    return 2 + 2 + WARM_UP + rounds


def test_time_grows_with_the_pixels() -> None:
    known = budget(row("merge dis", 100.0))
    assert known.output_s(case("merge dis", LARGE)) == pytest.approx(0.4)
    assert known.output_s(case("merge dis", SMALL)) == pytest.approx(0.1)
    assert known.output_s(case("merge dis", SMALL, 3)) is None
    assert known.output_s(case()) is None


def test_of_the_first_size_nothing_is_left_out() -> None:
    cases = large("merge dis", "openvino fp32")
    fit = Budget(WARM_UP).fit(cases, 20, 0.001, 1.0)
    assert (fit.cases, fit.rounds, fit.skipped) == (cases, 20, {})


def test_without_limits_nothing_is_left_out() -> None:
    known = budget(row("merge dis", 1e6, 1e6))
    fit = known.fit(large("merge dis"), 20, None, None)
    assert (fit.cases, fit.rounds) == (large("merge dis"), 20)


@given(st.integers(LEAST_ROUNDS, 30), st.integers(1, 60))
def test_rounds_are_as_many_as_fit(fitting: int, asked: int) -> None:
    seconds = 0.4 * outputs(fitting) + 0.1  # a bit more than so many, less than one more
    fit = budget(row("merge dis", 100.0)).fit(large("merge dis"), asked, seconds, None)
    assert fit.rounds == min(fitting, asked)
    assert fit.skipped == {}


def test_outputs_in_flight_take_their_time_in_every_round() -> None:
    ahead = replace(row("merge dis", 100.0), in_flight=1)
    seconds = 0.4 * outputs(0) + 10 * 2 * 0.4 + 0.1
    assert budget(ahead).fit(large("merge dis"), 20, seconds, None).rounds == 10


def test_the_slowest_is_left_out_first_and_named() -> None:
    known = budget(row("merge dis", 10.0), row("openvino fp32", 100.0), row("pytorch eager", 900.0))
    cases = large("pytorch eager", "merge dis", "openvino fp32")
    seconds = 0.44 * outputs(10)
    fit = known.fit(cases, 10, seconds + 0.01, None)
    assert fit.cases == large("merge dis", "openvino fp32")
    assert fit.rounds == 10
    (reason,) = fit.skipped.values()
    assert list(fit.skipped) == [title_of(cases[0])]
    assert "3.60 s by what it took at 640x360" in reason


def test_all_may_be_left_out() -> None:
    fit = budget(row("merge dis", 1e5)).fit(large("merge dis"), 10, 1.0, None)
    assert fit.cases == []
    assert len(fit.skipped) == 1


@pytest.mark.parametrize(
    ("available", "kept", "said"),
    [
        (700.0, [], "about 800 MB of memory; 700 MB are available"),
        (1500.0, ["merge dis"], "about 1600 MB of memory; 700 MB are available beside the others"),
        (2400.0, ["merge dis", "openvino fp32"], ""),
    ],
)
def test_what_does_not_fit_in_memory_beside_the_others_is_left_out(
    available: float, kept: list[str], said: str
) -> None:
    """Of what is held, 400 MB do not grow."""
    known = budget(row("merge dis", 1.0, 500.0), row("openvino fp32", 1.0, 700.0))
    fit = known.fit(large("merge dis", "openvino fp32"), 10, None, available)
    assert fit.cases == large(*kept)
    assert len(fit.skipped) == 2 - len(kept)
    assert not said or any(said in why for why in fit.skipped.values())


def test_a_process_smaller_than_that_does_not_shrink() -> None:
    fit = budget(row("merge dis", 1.0, 100.0)).fit(large("merge dis"), 10, None, 99.0)
    (reason,) = fit.skipped.values()
    assert "about 100 MB" in reason
