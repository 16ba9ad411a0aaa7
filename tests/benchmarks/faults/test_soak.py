"""A short soak, and whether a leak would be noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lrhdr_benchmarks.faults import campaign
from lrhdr_benchmarks.faults.soak import Sample, Soak, sample

FLAT = Soak(
    frames=1000,
    model="lite-2e",
    seconds=1.0,
    samples=tuple(Sample(done, 150.0, 12, 3) for done in range(10, 1001, 10)),
    left=(),
)


def test_three_hundred_frames_leave_nothing() -> None:
    found = campaign.soak(300)
    assert found["wrong"] == []
    assert found["model"] == "lite-2e"
    assert found["samples"][-1]["frames"] == 300


def test_flat_is_right() -> None:
    assert FLAT.wrong() == []


@pytest.mark.parametrize(
    ("growth", "found"),
    [
        (Sample(0, 0.05, 0, 0), "resident_mib grew"),
        (Sample(0, 0.0, 1, 0), "descriptors grew"),
        (Sample(0, 0.0, 0, 1), "threads grew"),
    ],
)
def test_what_grows_is_noticed(growth: Sample, found: str) -> None:
    leaks = [
        replace(
            s,
            resident_mib=s.resident_mib + growth.resident_mib * s.frames,
            descriptors=s.descriptors + growth.descriptors * s.frames // 100,
            threads=s.threads + growth.threads * s.frames // 100,
        )
        for s in FLAT.samples
    ]
    (wrong,) = replace(FLAT, samples=tuple(leaks)).wrong()
    assert found in wrong


def test_what_is_left_behind_is_noticed() -> None:
    assert replace(FLAT, left=("a.part",)).wrong() == ["left behind: a.part"]


def test_a_sample_is_of_this_process() -> None:
    now = sample(7)
    assert now.frames == 7
    assert now.resident_mib > 10
    assert now.descriptors >= 3
