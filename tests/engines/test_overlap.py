from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_engines.overlap import overlapped


@given(st.lists(st.integers(), max_size=8))
def test_it_is_the_plain_loop(items: list[int]) -> None:
    found = list(overlapped(items, lambda x: x + 1, lambda y, x: (y, x)))
    assert found == [(x, (x + 1, x)) for x in items]


def test_the_second_step_runs_beside_the_first_of_the_next() -> None:
    """Each waits for the other: one after the other, neither would end."""
    begun, met = threading.Event(), threading.Event()

    def first(item: int) -> int:
        if item == 1:
            assert begun.wait(10)
            met.set()
        return item

    def second(ready: int, item: int) -> bool:
        if item > 0:
            return True
        begun.set()
        return met.wait(10)

    assert list(overlapped([0, 1], first, second)) == [(0, True), (1, True)]


@pytest.mark.parametrize("fails_at", [0, 1, 2, 3])
@pytest.mark.parametrize("where", ["items", "first"])
def test_what_was_begun_before_a_failure_is_finished(where: str, fails_at: int) -> None:
    def items() -> Iterator[int]:
        for i in range(4):
            if where == "items" and i == fails_at:
                raise ValueError("spent")
            yield i

    def first(item: int) -> int:
        if where == "first" and item == fails_at:
            raise ValueError("spent")
        return item

    results = overlapped(items(), first, lambda y, _: y)
    found = list(islice(results, fails_at))
    with pytest.raises(ValueError, match="spent"):
        next(results)
    assert found == [(i, i) for i in range(fails_at)]


def test_a_failure_of_the_second_step_is_raised_in_its_turn() -> None:
    def second(ready: int, item: int) -> int:
        if item == 1:
            raise OSError("broken")
        return ready

    results = overlapped(range(4), lambda x: x, second)
    assert next(results) == (0, 0)
    with pytest.raises(OSError, match="broken"):
        next(results)


def test_who_leaves_early_leaves_no_thread() -> None:
    before = threading.active_count()
    results = overlapped(range(100), lambda x: x, lambda y, _: y)
    assert next(results) == (0, 0)
    assert threading.active_count() == before + 1
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
