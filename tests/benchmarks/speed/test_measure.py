"""Rounds with subjects that are known: order, figures, faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lrhdr_benchmarks.speed import measure as measuring
from lrhdr_benchmarks.speed.engines import is_engine
from lrhdr_benchmarks.speed.measure import Settings, measure, rotated, title_of
from tests.benchmarks.speed.fakes import STAGES, case_of, level, open_fake

REFERENCE, LONG = "onnxruntime fp32", "a subject with a long name"


def settings(rounds: int = 3) -> Settings:
    return Settings(warm_up=1, rounds=rounds, patience_s=120.0, opener=open_fake)


def test_rows_ratios_and_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("LRHDR_FAKES_LOG", str(log))
    cases = [case_of(LONG), case_of(REFERENCE), case_of("another", model="paper")]
    found = measure(cases, settings())
    assert [row.case for row in found.rows] == cases
    assert not found.skipped
    for row in found.rows:
        assert row.latency.count == 3
        assert row.fps == pytest.approx(1e3 / row.latency.mean)
        assert {name: spread.median for name, spread in row.stages.items()} == STAGES
        assert row.ahead == 1
        assert (row.resident_mb or 0.0) > 10.0
        # One output warms up, so the rounds are outputs 2, 3 and 4, which the fakes count.
        assert found.graphs[row.case] == {"lrhdr": 3.0}
    medians = {row.case: row.latency.median for row in found.rows}
    ours = [case for case in cases if is_engine(case.subject)]
    fastest = min(ours or cases, key=lambda case: medians[case])
    assert {(ratio.slow, ratio.fast) for ratio in found.ratios} | {
        (ratio.fast, ratio.slow) for ratio in found.ratios
    } >= {(case, fastest) for case in cases if case != fastest}
    assert [ratio.pairs for ratio in found.ratios] == [3, 3]
    # Only the same model is compared, and frame 1 of both; EV -3 is the shortest.
    shown = [
        np.log(1 + 5000 * np.float64(np.float32(level(name, 1))) / 8) / np.log(5001)
        for name in (LONG, REFERENCE)
    ]
    apart = abs(shown[0] - shown[1])
    first, *others = found.rows
    assert first.error_max == pytest.approx(apart)
    assert first.error_mean == pytest.approx(apart)
    assert all(row.error_max is None and row.error_mean is None for row in others)
    # Alone first, the reference before all others; then one each, in turn.
    names = [LONG, REFERENCE, "another"]
    alone = [name for name in (REFERENCE, LONG, "another") for _ in range(2)]
    rounds = [names, [*names[1:], names[0]], [names[2], *names[:2]]]
    assert log.read_text().splitlines() == [*alone, *names, *(n for turn in rounds for n in turn)]


def test_a_fault_costs_only_its_own_subject() -> None:
    cases = [case_of(name) for name in ("killed", "plain", "is not installed")]
    found = measure(cases, settings(rounds=4))  # `killed` ends in the third round
    assert [row.case for row in found.rows] == [cases[1]]
    assert found.rows[0].latency.count == 4
    assert found.ratios == []
    assert set(found.skipped) == {title_of(cases[0]), title_of(cases[2])}
    assert "killed" in found.skipped[title_of(cases[0])]
    assert "torch is not installed" in found.skipped[title_of(cases[2])]


def test_pairs_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "available_mb", lambda: None)
    cases = [case_of(name) for name in ("one", "two", "three")]
    found = measure(cases, settings(rounds=2))
    counts = {row.case.subject: row.latency.count for row in found.rows}
    assert counts == {"one": 4, "two": 2, "three": 2}
    assert len(found.ratios) == 2


def test_outputs_in_flight_are_not_timed_and_disturb_nobody() -> None:
    case = case_of("works on")
    found = measure([case], settings())
    assert not found.skipped
    # One output warms up; then every second counts: outputs 3, 5 and 7.
    assert found.graphs[case] == {"lrhdr": 5.0}
    assert found.rows[0].latency.count == 3


def test_the_order_of_each_round() -> None:
    cases = [case_of(name) for name in "abc"]
    orders = ["".join(case.subject for case in rotated(cases, turn)) for turn in range(4)]
    assert orders == ["abc", "bca", "cab", "abc"]
    assert rotated([], 1) == []
