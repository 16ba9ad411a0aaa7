"""Two steps of a chain beside each other: the second of one item while the first of the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")


def overlapped(
    items: Iterable[T], first: Callable[[T], U], second: Callable[[U, T], V]
) -> Iterator[tuple[T, V]]:
    """Every item with second(first(item), item), in order.

    `first` and `items` run in the calling thread, `second` in one of its own. An item's result
    comes when the next item has been through `first`. If that fails, or `items` does, the results
    of the items before come first, and then the error.
    """
    waiting: deque[tuple[T, Future[V]]] = deque()
    failure: Exception | None = None
    source = iter(items)
    with ThreadPoolExecutor(1, "overlap") as pool:
        while True:
            try:
                item = next(source)
                ready = first(item)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 - it is raised below
                failure = error
                break
            waiting.append((item, pool.submit(second, ready, item)))
            if len(waiting) > 1:
                yield _result(waiting)
        while waiting:
            yield _result(waiting)
    if failure is not None:
        raise failure


def _result(waiting: deque[tuple[T, Future[V]]]) -> tuple[T, V]:
    item, result = waiting.popleft()
    return item, result.result()
