"""A subject in its own process: what it answers, and how it may end."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from lrhdr_benchmarks.speed.child import Child, ChildError
from lrhdr_benchmarks.speed.messages import Open, Turn
from tests.benchmarks.speed.fakes import FAULT_AT, STAGES, case_of, level, open_fake


def started(subject: str, patience_s: float = 120.0) -> Child:
    return Child(Open(case=case_of(subject), opener=open_fake), patience_s=patience_s)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_outputs_come_in_order_whatever_is_printed() -> None:
    with started("prints") as child:
        assert child.open().ahead == 1
        first = child.turn(Turn(outputs=2))
        later = child.turn(Turn(lead=1, outputs=2, keep=True))
        ended = child.end()
    assert first.picture is None
    assert [output.graphs["lrhdr"] for output in first.outputs] == [1.0, 2.0]
    assert [output.graphs["lrhdr"] for output in later.outputs] == [4.0, 5.0]
    assert all(output.stages == STAGES for output in later.outputs)
    assert later.picture is not None
    assert np.all(later.picture == np.float32(level("prints", 4)))
    assert ended.resident_mb is not None
    assert ended.resident_mb > 10.0
    assert not alive(child.pid)


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("killed", "its process was killed, as where memory runs out"),
        ("crashes", "its process was ended by SIGSEGV"),
        ("raises", "ValueError: of no use"),
        ("refuses", "a graph failed. Try another"),
        ("has no memory", "there is not enough memory"),
        ("exits", "its process ended with code 7: that it gives up"),
    ],
)
def test_a_fault_is_a_reason_in_one_line(subject: str, reason: str) -> None:
    with started(subject) as child:
        child.open()
        child.turn(Turn(outputs=FAULT_AT))
        with pytest.raises(ChildError) as caught:
            child.turn(Turn())
        assert not alive(child.pid)
    assert str(caught.value) == f"{reason}."


def test_a_subject_that_fails_to_open_or_to_close() -> None:
    with (
        started("is not installed") as child,
        pytest.raises(ChildError, match="the package torch is not installed"),
    ):
        child.open()
    with started("raises at the end") as child:
        child.open()
        with pytest.raises(ChildError, match="it does not close"):
            child.end()


def test_one_that_hangs_is_ended() -> None:
    with started("hangs") as child:
        child.open()
        child.turn(Turn(outputs=FAULT_AT))
        child.patience_s = 0.2
        with pytest.raises(ChildError, match=r"no answer within 0\.2 s"):
            child.turn(Turn())
        assert not alive(child.pid)


def test_one_that_died_while_nobody_asked() -> None:
    with started("plain") as child:
        child.open()
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(ChildError, match="was killed"):
            child.turn(Turn())


def test_ctrl_c_leaves_no_process() -> None:
    pids = []

    def interrupted() -> None:
        with started("hangs") as child:
            pids.append(child.pid)
            child.open()
            os.kill(child.pid, signal.SIGINT)  # a terminal sends it to both; the child stays
            assert len(child.turn(Turn(outputs=FAULT_AT)).outputs) == FAULT_AT
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            child.turn(Turn())

    # A shell starts background jobs with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert not alive(pids[0])
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_child_ends_with_its_parent() -> None:
    with started("plain") as child:
        child.open()
        child.hang_up()
        deadline = time.monotonic() + 60.0
        while child.exit_code is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert child.exit_code == 0


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity here")
def test_threads_and_processors_are_passed_on() -> None:
    cpu = min(os.sched_getaffinity(0))
    opening = Open(case=case_of("shows its processors"), opener=open_fake, threads=3, cpus=(cpu,))
    with (
        Child(opening, patience_s=120.0) as child,
        pytest.raises(ChildError, match=rf"3 threads on \[{cpu}\]"),
    ):
        child.open()
