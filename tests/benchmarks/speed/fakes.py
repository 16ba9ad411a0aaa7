"""Subjects whose pictures and faults are known, for the children of the tests."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

from lrhdr.errors import BackendError
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.subject import Picture, Subject

FAULT_AT = 3  # the output, counted from 0, at which a fault happens
STAGES = {"pre": 1.0, "lrhdr": 2.5}


def case_of(subject: str, model: str = "lite", exposures: int = 2) -> Case:
    """A case of a small size."""
    return Case(subject=subject, model=model, exposures=exposures, width=32, height=16)


def level(subject: str, output: int) -> float:
    """The radiance of every pixel of an output."""
    return 0.01 * len(subject) + 0.1 * output


class Fake:
    """A picture of one level; what goes wrong is the subject's name."""

    def __init__(self, case: Case) -> None:
        self.ahead: int | None = case.exposures - 1
        self.in_flight = 1 if case.subject == "works on" else 0
        self._case, self._made = case, 0
        self._next: threading.Thread | None = None

    def output(self) -> Picture:
        subject, at = self._case.subject, self._made
        self._made += 1
        if subject == "works on":
            if self._next is not None:
                if at % 2 and self._next.is_alive():  # the first warms up
                    raise ValueError("the output in flight was not waited for")
                self._next.join()
            self._next = threading.Thread(target=busy, args=(0.2,))
            self._next.start()
        if at == FAULT_AT:
            _go_wrong(subject)
        if log := os.environ.get("LRHDR_FAKES_LOG"):
            with Path(log).open("a", encoding="utf-8") as stream:
                stream.write(f"{subject}\n")
        return np.full((self._case.height, self._case.width, 3), level(subject, at), np.float32)

    def stages(self) -> dict[str, float]:
        return dict(STAGES)

    def graph_ms(self) -> dict[str, float]:
        return {"lrhdr": float(self._made)}

    def close(self) -> None:
        if self._case.subject == "raises at the end":
            raise ValueError("it does not close")


def busy(seconds: float) -> None:
    """Keep a processor busy."""
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        sum(range(1000))


def _go_wrong(subject: str) -> None:
    match subject:
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crashes":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "raises":
            raise ValueError("of no\nuse")
        case "refuses":
            raise BackendError("a graph failed", next_step="Try another")
        case "has no memory":
            raise MemoryError
        case "exits":
            sys.stderr.write("some library says\nthat it gives up\n")
            os._exit(7)
        case "hangs":
            time.sleep(600.0)
        case "prints":
            print("a line of text", flush=True)
            os.write(1, b"\x80\x04 and bytes")


def open_fake(case: Case, *, threads: int | None, hdrflow: Path | None) -> Subject:
    """See `subjects.open_subject`."""
    if case.subject == "is not installed":
        raise ModuleNotFoundError(name="torch")
    if case.subject == "shows its processors":
        raise BackendError(f"{threads} threads on {sorted(os.sched_getaffinity(0))}")
    return Fake(case)
