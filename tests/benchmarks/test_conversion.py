"""The benchmark times what it says, and its figures are a frame's."""

from __future__ import annotations

import cv2
import numpy as np

from conversion import SIGNALS, Case, best, cases, measure


def test_every_case_runs_and_is_named_once() -> None:
    timed = [case for threads in (1, 2) for case in cases(64, 48, True, threads)]
    assert len({(case.name, case.threads) for case in timed}) == len(timed)
    assert len(timed) == 2 * (len(SIGNALS) + 3)
    for cost in best(timed, rounds=2):
        assert 0 < cost.wall < 10
        assert 0 < cost.copy < 1


def test_a_call_of_several_frames_counts_as_several() -> None:
    def work() -> None:
        calls.append(cv2.getNumThreads())
        total = 0
        for i in range(200_000):
            total += i

    calls: list[int] = []
    before = cv2.getNumThreads()
    source = np.zeros(1000)
    one = Case(name="", threads=1, source=source, work=work)
    ten = Case(name="", threads=1, frames=10, source=source, work=work)
    assert measure(one).wall > 3 * min(measure(ten).wall for _ in range(3))
    assert set(calls) == {1}
    assert cv2.getNumThreads() == before
