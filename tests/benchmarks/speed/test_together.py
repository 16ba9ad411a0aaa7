"""What is held in memory at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lrhdr_benchmarks.speed.together import groups
from tests.benchmarks.speed.fakes import case_of

sizes = st.lists(st.floats(1.0, 1000.0), min_size=1, max_size=6)


@given(sizes, st.floats(1.0, 4000.0))
def test_all_are_measured_and_what_is_together_fits(peaks: list[float], available: float) -> None:
    by_case = {case_of(str(i)): peak for i, peak in enumerate(peaks)}
    cases, found = list(by_case), groups(by_case, available)
    assert {case for group in found for case in group} == set(cases)
    room = 0.8 * available
    for group in found:
        assert len(group) == 1 or sum(by_case[case] for case in group) <= room
    # Whatever can stand beside the first does.
    for case in cases[1:]:
        beside = any(cases[0] in group and case in group for group in found)
        assert beside == (by_case[cases[0]] + by_case[case] <= room)


def test_pairs_where_nothing_is_known() -> None:
    a, b, c = (case_of(name) for name in "abc")
    assert groups({a: 1.0, b: 1.0, c: 1.0}, None) == [[a, b], [a, c]]
    assert groups({a: 1.0, b: None, c: 1.0}, 100.0) == [[a, b], [a, c]]
    assert groups({a: None}, None) == [[a]]
    assert groups({}, 1.0) == []
