"""A process is at rest when none of its threads works."""

from __future__ import annotations

import threading

from lrhdr_benchmarks.speed.rest import come_to_rest
from tests.benchmarks.speed.fakes import busy


def test_work_is_waited_for() -> None:
    thread = threading.Thread(target=busy, args=(0.3,))
    thread.start()
    assert come_to_rest()
    assert not thread.is_alive()


def test_who_never_rests_is_not_waited_for() -> None:
    thread = threading.Thread(target=busy, args=(1.0,))
    thread.start()
    assert not come_to_rest(0.2)
    assert thread.is_alive()
    thread.join()
