"""Both ceilings on small sizes. Nothing here is about how fast the machine is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import BackendError
from lrhdr_benchmarks.speed import ceilings
from lrhdr_benchmarks.speed.ceilings import measure, measure_here
from lrhdr_engines.processors import usable_processors

SIDE, COPY_BYTES, REPEATS = 64, 100_003, 3


def test_it_measures_in_a_process_of_its_own() -> None:
    found = measure(2, side=SIDE, copy_bytes=COPY_BYTES, repeats=REPEATS)
    assert found.gflops > 0.0
    assert found.copy_gb_s > 0.0
    assert found.noise >= 0.0


@pytest.mark.parametrize("threads", [1, 3, None])
def test_that_process_is_told_its_threads(
    threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        asked.append((command, options["env"]))
        answer = '{"gflops": 1.0, "copy_gb_s": 2.0, "noise": 0.5}'
        return SimpleNamespace(returncode=0, stdout=answer, stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    found = measure(threads, side=SIDE, copy_bytes=COPY_BYTES, repeats=REPEATS)
    assert (found.gflops, found.copy_gb_s, found.noise) == (1.0, 2.0, 0.5)
    [(command, environment)] = asked
    wanted = str(threads or usable_processors())
    assert command[0] == sys.executable
    assert command[-4:] == [wanted, str(SIDE), str(COPY_BYTES), str(REPEATS)]
    assert environment["OPENBLAS_NUM_THREADS"] == environment["OMP_NUM_THREADS"] == wanted
    assert environment["PATH"] == os.environ["PATH"]


def test_a_process_that_fails_is_an_error_in_one_line() -> None:
    with pytest.raises(
        BackendError, match=r"could not be measured \(.*Unable to allocate"
    ) as caught:
        measure(1, side=10**7, copy_bytes=COPY_BYTES, repeats=REPEATS)
    assert "\n" not in str(caught.value)


def scripted(times: list[float]) -> Callable[[], float]:
    """A clock by which the work takes `times`, one after the other."""
    ticks = iter([tick for taken in times for tick in (0.0, taken)])
    return lambda: next(ticks)


def test_figures_are_of_the_best_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    products = [4.0, 2.0, 3.0, 2.5, 3.5]
    copies = [1.0, 0.5, 2.0, 1.0, 1.0]
    monkeypatch.setattr(time, "perf_counter", scripted(products + copies))
    found = measure_here(1, SIDE, COPY_BYTES, len(products))
    assert found.gflops == pytest.approx(2 * SIDE**3 / 2.0 / 1e9)
    assert found.copy_gb_s == pytest.approx(2 * COPY_BYTES / 0.5 / 1e9)
    # Of 2, 2.5, 3, 3.5, 4: the deciles lie at 2.2 and 3.8.
    assert found.noise == pytest.approx((3.8 - 2.2) / 3.0)


def test_one_thread_may_copy_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[int, list[float]] = {1: [0.25], 4: [1.0]}
    monkeypatch.setattr(ceilings, "_copy_times", lambda threads, *_: found[threads])
    assert measure_here(4, SIDE, 1000, 1).copy_gb_s == pytest.approx(2 * 1000 / 0.25 / 1e9)
    found[4] = [0.125]
    assert measure_here(4, SIDE, 1000, 1).copy_gb_s == pytest.approx(2 * 1000 / 0.125 / 1e9)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_every_byte_is_copied(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = []
    copyto = np.copyto

    def watched(target: Any, source: Any) -> None:
        copyto(target, source)
        copied.append((len(target), int(target.sum())))

    monkeypatch.setattr(np, "copyto", watched)
    ceilings._copy_times(threads, COPY_BYTES, repeats=1)
    assert len(copied) == 2 * threads  # the repeat, and one before it
    for each in (0, 1):
        assert sum(part[each] for part in copied) == 2 * COPY_BYTES
