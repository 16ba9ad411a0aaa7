"""The queue between workers. Waiting has a timeout everywhere: a defect fails, it cannot hang."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Event, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr_engines.lane import Abandoned, Lane

PATIENCE = 20.0  # seconds; reached only by a defect


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[Queue[object]]:
    """Run `work` in a thread; its result or its exception comes out of the queue."""
    results: Queue[object] = Queue()

    def run() -> None:
        try:
            results.put(work())
        except BaseException as error:  # noqa: BLE001 - handed to the test
            results.put(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    yield results
    thread.join(PATIENCE)
    assert not thread.is_alive(), "the worker hangs"


def fill(lane: Lane[int], count: int) -> None:
    for item in range(count):
        lane.put(item)
    lane.close()


@settings(max_examples=20)
@given(depth=st.integers(1, 5), count=st.integers(0, 40))
def test_every_item_once_in_order(depth: int, count: int) -> None:
    lane = Lane[int](depth)
    with beside(lambda: fill(lane, count)) as sender:
        received = list(lane)
        assert sender.get(timeout=PATIENCE) is None
    assert received == list(range(count))


@pytest.mark.parametrize("depth", [1, 3])
def test_the_sender_waits_for_room(depth: int) -> None:
    lane = Lane[int](depth)
    sent: Queue[int] = Queue()

    def send() -> None:
        for item in range(depth + 3):
            lane.put(item)
            sent.put(item)
        lane.close()

    with beside(send) as result:
        for item in range(depth):
            assert sent.get(timeout=PATIENCE) == item
        items = iter(lane)
        for taken in range(3):
            # One more can be sent for each that was taken, and no more than that.
            assert len(lane._items) <= depth
            assert next(items) == taken
            assert sent.get(timeout=PATIENCE) == depth + taken
        assert list(items) == list(range(3, depth + 3))
        assert result.get(timeout=PATIENCE) is None
    assert lane.blocked_seconds > 0.0


def test_what_is_inside_still_comes_out_after_closing() -> None:
    lane = Lane[int](4)
    fill(lane, 3)
    assert list(lane) == [0, 1, 2]
    assert list(lane) == []


def test_closing_frees_a_receiver_that_waits() -> None:
    lane = Lane[int](1)
    with beside(lambda: list(lane)) as received:
        lane.close()
        assert received.get(timeout=PATIENCE) == []


@pytest.mark.parametrize("which", [0, 1])
def test_either_stop_frees_a_receiver_that_waits(which: int) -> None:
    stops = Event(), Event()
    lane = Lane[int](1, *stops)
    with beside(lambda: list(lane)) as received:
        stops[which].set()
        assert isinstance(received.get(timeout=PATIENCE), Abandoned)


@pytest.mark.parametrize("which", [0, 1])
def test_either_stop_frees_a_sender_that_waits(which: int) -> None:
    stops = Event(), Event()
    lane = Lane[int](1, *stops)
    lane.put(0)
    with beside(lambda: lane.put(1)) as sent:
        stops[which].set()
        assert isinstance(sent.get(timeout=PATIENCE), Abandoned)


def test_after_a_stop_nothing_goes_in_or_out() -> None:
    stop = Event()
    lane = Lane[int](4, stop)
    lane.put(0)
    stop.set()
    with pytest.raises(Abandoned):
        lane.put(1)
    with pytest.raises(Abandoned):
        next(iter(lane))


def test_a_stop_wins_over_the_end() -> None:
    stop = Event()
    lane = Lane[int](1, stop)
    lane.close()
    stop.set()
    with pytest.raises(Abandoned):
        list(lane)


def test_an_item_taken_is_let_go() -> None:
    class Frame:
        pass

    lane = Lane[Frame](2)
    frame = Frame()
    seen = weakref.ref(frame)
    lane.put(frame)
    lane.put(Frame())
    del frame
    items = iter(lane)
    assert next(items) is seen()
    next(items)
    gc.collect()
    assert seen() is None
