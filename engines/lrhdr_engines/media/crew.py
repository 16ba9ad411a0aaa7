"""Threads that write files: a bounded number of them under way, the first failure kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from lrhdr_engines.processors import usable_processors

_MOST_THREADS = 8  # more than any disk keeps up with


def default_threads() -> int:
    """As many as there are cores to use, up to eight."""
    return min(_MOST_THREADS, usable_processors())


class Crew:
    """Runs tasks in threads, in any order.

    At most one task a thread, and one waiting for each, are held: `do` blocks until there is
    room. So a slow disk slows the caller and costs no memory.
    """

    def __init__(self, threads: int | None = None) -> None:
        """Threads start when there is work."""
        self._threads = threads or default_threads()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="writer")
        self._open: set[Future[None]] = set()
        self._failure: BaseException | None = None

    def do(self, task: Callable[[], None]) -> None:
        """Have a task done. Raises what an earlier one raised, each time."""
        self._collect()
        while len(self._open) >= 2 * self._threads:
            wait(self._open, return_when=FIRST_COMPLETED)
            self._collect()
        self._open.add(self._pool.submit(task))

    def finish(self) -> None:
        """Wait for all tasks and end the threads. Raises the first failure."""
        self.stop()
        self._collect()

    def stop(self) -> None:
        """Wait for all tasks and end the threads, whatever came of them. May be repeated."""
        self._pool.shutdown(wait=True)

    def _collect(self) -> None:
        for done in [future for future in self._open if future.done()]:
            self._open.discard(done)
            self._failure = self._failure or done.exception()
        if self._failure is not None:
            raise self._failure
