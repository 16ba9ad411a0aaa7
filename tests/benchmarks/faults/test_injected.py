"""A seeded part of the campaign of injected faults, with a model that costs nothing."""

from __future__ import annotations

import pytest

from lrhdr_benchmarks.faults import campaign
from lrhdr_benchmarks.faults.case import Fault, draw
from lrhdr_benchmarks.faults.lab import make_lab
from lrhdr_benchmarks.faults.trial import Lab, Verdict

FRAMES = 20
SEEDS = range(20)  # every fault once


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return make_lab(tmp_path_factory.mktemp("lab"), FRAMES, stand_in=True)


def test_nothing_is_lost_whatever_happens(lab: Lab) -> None:
    """scripts/campaign has every fault, many times."""
    heard: list[Verdict] = []
    verdicts = campaign.inject(SEEDS, lab, heard.append, jobs=2)
    assert heard == verdicts
    wrong = {campaign.again(v.case.seed, lab): v.wrong + v.lines for v in verdicts if v.wrong}
    assert wrong == {}
    assert sum(verdict.fired for verdict in verdicts) >= 10
    assert "resumed" in {verdict.ending for verdict in verdicts}
    assert not list(lab.folder.glob("case-*"))


def test_a_seed_is_one_case() -> None:
    cases = [draw(seed, FRAMES, campaign.FAULTS) for seed in range(200)]
    assert cases == [draw(seed, FRAMES, campaign.FAULTS) for seed in range(200)]
    assert {case.fault for case in cases} == set(campaign.FAULTS)
    assert any(case.event is not None for case in cases)


def test_a_table_counts_every_run_once(lab: Lab) -> None:
    faults: tuple[Fault, ...] = ("SIGINT", "disk full")
    verdicts = [Verdict(case=draw(seed, FRAMES, faults)) for seed in range(3)]
    verdicts[0].fired = True
    verdicts[1].wrong = ["it hung"]
    rows = campaign.table(verdicts).splitlines()
    assert rows[2:] == [
        "| disk full | 1 | 0 | 0 | 0 | 1 |",
        "| SIGINT | 2 | 1 | 0 | 1 | 0 |",
        "| all | 3 | 1 | 0 | 1 | 1 |",
    ]


def test_a_fault_that_never_takes_hold_is_told() -> None:
    often: Fault = "inference fails"
    once: Fault = "decoder raises"
    verdicts = [Verdict(case=draw(0, FRAMES, [often]), codes=[0]) for _ in range(3)]
    verdicts.append(Verdict(case=draw(0, FRAMES, [once]), codes=[0]))
    assert campaign.without_effect(verdicts) == [often]
    verdicts[0].fired = True
    assert campaign.without_effect(verdicts) == []
