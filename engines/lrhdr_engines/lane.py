"""A bounded queue between two workers, which ends cleanly for every reason there is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from threading import Condition, Event
from typing import Generic, TypeVar

T = TypeVar("T")

# A waiting worker looks this often whether it should stop; items wake it at once.
_POLL_SECONDS = 0.1


class Abandoned(Exception):
    """Nobody needs this worker's items any more, or nobody will send it another."""


class Lane(Generic[T]):
    """Hands items from one thread to another, at most `depth` of them at a time.

    The sender calls `put` and at the end `close`; the receiver iterates. Setting any of the
    `stops` makes both raise `Abandoned` where they wait, so a failure on either side frees the
    other.
    """

    def __init__(self, depth: int, *stops: Event) -> None:
        """An empty lane."""
        self._depth = depth
        self._stops = stops
        self._items: deque[T] = deque()
        self._changed = Condition()
        self._closed = False
        self.blocked_seconds = 0.0  # spent by the sender waiting for room
        self.starved_seconds = 0.0  # spent by the receiver waiting for an item

    def put(self, item: T) -> None:
        """Wait for room and add an item.

        Raises:
            Abandoned: a stop was set.
        """
        began = time.perf_counter()
        with self._changed:
            while len(self._items) >= self._depth:
                self._wait()
            self._check()
            self._items.append(item)
            self._changed.notify_all()
        self.blocked_seconds += time.perf_counter() - began

    def close(self) -> None:
        """No more items will come; those inside still go out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Take items until the lane is closed and empty.

        Raises:
            Abandoned: a stop was set.
        """
        while True:
            began = time.perf_counter()
            with self._changed:
                while not self._items and not self._closed:
                    self._wait()
                self._check()
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            self.starved_seconds += time.perf_counter() - began
            yield item
            del item  # so that a frame is not kept alive while its successor is awaited

    def _wait(self) -> None:
        self._check()
        self._changed.wait(_POLL_SECONDS)

    def _check(self) -> None:
        if any(stop.is_set() for stop in self._stops):
            raise Abandoned
