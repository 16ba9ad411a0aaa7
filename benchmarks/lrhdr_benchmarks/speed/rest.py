"""Waiting until a process has come to rest: what it has begun disturbs whoever is timed next."""

from __future__ import annotations

import time

_LOOK_S = 0.01
_IDLE = 0.05  # processor time by wall time; a thread that works or spins takes 1


def come_to_rest(limit_s: float = 120.0) -> bool:
    """Wait until no thread of this process works or spins any more.

    Args:
        limit_s: how long to wait at most; some libraries spin for ever.

    Returns:
        Whether it has come to rest.
    """
    ends = time.perf_counter() + limit_s
    while time.perf_counter() < ends:
        began, worked = time.perf_counter(), time.process_time()
        time.sleep(_LOOK_S)
        if time.process_time() - worked < _IDLE * (time.perf_counter() - began):
            return True
    return False
