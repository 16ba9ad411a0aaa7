"""The simulated device catches every misuse, whatever order it happens to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.device.hazards import Hazard
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.device.simulated_handles import SimulatedBuffer, SimulatedStream
from lrhdr_engines.device.simulated_programs import SimulatedProgram

SHAPE, DTYPE = (4,), np.dtype(np.float32)
UNORDERED = "^staging is .*: nothing orders .*host"
ONES = np.ones(SHAPE, np.float32)
seeds = pytest.mark.parametrize("seed", range(8))


def doubling(source: SimulatedBuffer, target: SimulatedBuffer) -> SimulatedProgram:
    def run(reads: Any, writes: Any) -> None:
        writes["y"][:] = 2 * reads["x"]

    return SimulatedProgram("double", {"x": source}, {"y": target}, run)


class Bench:
    """Two streams and three tensors; `a` holds ones and everything is done."""

    def __init__(self, **options: Any) -> None:
        self.device = SimulatedDevice(**options)
        self.one, self.two = self.device.stream("one"), self.device.stream("two")
        self.a, self.b, self.c = (self.device.buffer(n, SHAPE, DTYPE) for n in ("a", "b", "c"))
        self.staging = self.device.staging("staging", SHAPE, DTYPE)
        self.event = self.device.event("event")
        self.staging.store(ONES)
        self.one.upload(self.staging, self.a)
        self.one.synchronise()

    def settle(self) -> None:
        self.one.synchronise()
        self.two.synchronise()

    def fetch(self, stream: SimulatedStream, buffer: SimulatedBuffer) -> Any:
        stream.download(buffer, self.staging)
        stream.synchronise()
        return self.staging.load()


@seeds
def test_a_stream_runs_in_order(seed: int) -> None:
    bench = Bench(seed=seed)
    doubling(bench.a, bench.b).enqueue(bench.one)
    doubling(bench.b, bench.c).enqueue(bench.one)
    np.testing.assert_array_equal(bench.fetch(bench.one, bench.c), 4 * ONES)


@seeds
def test_an_event_orders_two_streams(seed: int) -> None:
    bench = Bench(seed=seed)
    doubling(bench.a, bench.b).enqueue(bench.one)
    bench.one.record(bench.event)
    bench.two.wait(bench.event)
    doubling(bench.b, bench.c).enqueue(bench.two)
    np.testing.assert_array_equal(bench.fetch(bench.two, bench.c), 4 * ONES)


@seeds
def test_a_wait_is_for_the_record_before_it(seed: int) -> None:
    """A later record does not move it: `two` must not wait for what follows."""
    bench = Bench(seed=seed, hangs=lambda operation: operation == "double c")
    doubling(bench.a, bench.b).enqueue(bench.one)
    bench.one.record(bench.event)
    bench.two.wait(bench.event)
    doubling(bench.b, bench.c).enqueue(bench.one)
    bench.one.record(bench.event)
    np.testing.assert_array_equal(bench.fetch(bench.two, bench.b), 2 * ONES)
    with pytest.raises(Hazard, match="deadlock"):
        bench.event.synchronise()


@seeds
def test_work_of_two_streams_that_nothing_orders(seed: int) -> None:
    for first, second, message in (
        (("a", "b"), ("b", "c"), "b is (read while it is written|overwritten)|reads b before"),
        (("a", "b"), ("a", "b"), "b is written twice at once"),
        (("a", "b"), ("c", "a"), "a is (overwritten while it is read|read while it is written)"),
    ):
        bench = Bench(seed=seed)
        doubling(bench.a, bench.c).enqueue(bench.one)
        bench.one.synchronise()
        doubling(getattr(bench, first[0]), getattr(bench, first[1])).enqueue(bench.one)
        with pytest.raises(Hazard, match=message):
            queue_and_settle(bench, second)


def queue_and_settle(bench: Bench, pair: tuple[str, str]) -> None:
    doubling(getattr(bench, pair[0]), getattr(bench, pair[1])).enqueue(bench.two)
    bench.settle()


@seeds
def test_two_readers_are_no_hazard(seed: int) -> None:
    bench = Bench(seed=seed)
    doubling(bench.a, bench.b).enqueue(bench.one)
    doubling(bench.a, bench.c).enqueue(bench.two)
    bench.settle()


def test_memory_that_was_never_written() -> None:
    bench = Bench()
    with pytest.raises(Hazard, match=r"'double c' \(one\) reads b before anything was written"):
        queue_on_one(bench)


def queue_on_one(bench: Bench) -> None:
    doubling(bench.b, bench.c).enqueue(bench.one)
    bench.settle()


@seeds
def test_the_host_must_wait_for_its_staging(seed: int) -> None:
    bench = Bench(seed=seed)
    bench.one.upload(bench.staging, bench.b)
    with pytest.raises(Hazard, match=UNORDERED):
        store_and_settle(bench)
    bench = Bench(seed=seed)
    bench.one.download(bench.a, bench.staging)
    with pytest.raises(Hazard, match=UNORDERED):
        load_and_settle(bench)


def store_and_settle(bench: Bench) -> None:
    bench.staging.store(ONES)
    bench.settle()


def load_and_settle(bench: Bench) -> None:
    bench.staging.load()
    bench.settle()


def test_pageable_memory_is_refused() -> None:
    bench = Bench()
    pageable: Any = ONES
    with pytest.raises(Hazard, match=r"pageable memory \(ndarray\)"):
        bench.one.upload(pageable, bench.a)
    with pytest.raises(Hazard, match="pageable memory"):
        bench.one.download(bench.a, pageable)


def test_copies_are_of_one_kind() -> None:
    bench = Bench()
    with pytest.raises(Hazard, match="half is copied to staging"):
        bench.one.download(bench.device.buffer("half", SHAPE, np.dtype(np.float16)), bench.staging)


def test_nothing_is_allocated_after_the_seal() -> None:
    bench = Bench()
    bench.device.seal()
    allocations: list[Callable[[], object]] = [
        lambda: bench.device.buffer("late", SHAPE, DTYPE),
        lambda: bench.device.staging("late", SHAPE, DTYPE),
        lambda: bench.device.stream("late"),
        lambda: bench.device.event("late"),
    ]
    for allocate in allocations:
        with pytest.raises(Hazard, match="late is allocated after warm-up"):
            allocate()
    with pytest.raises(Hazard, match="a graph of one is allocated after warm-up"):
        bench.one.begin_capture()


def test_freed_memory_is_not_used() -> None:
    bench = Bench(choose=lambda actors: len(actors) - 1)  # nothing runs before it must
    doubling(bench.a, bench.b).enqueue(bench.one)
    bench.b.free()
    with pytest.raises(Hazard, match=r"'double b' \(one\) uses b after it was freed"):
        bench.one.synchronise()


def test_a_closed_device_is_not_used() -> None:
    bench = Bench()
    bench.device.close()
    with pytest.raises(Hazard, match="after it was closed"):
        bench.one.synchronise()
    with pytest.raises(Hazard, match="after it was closed"):
        bench.device.event("late")


def test_memory_is_counted() -> None:
    device = SimulatedDevice(capacity=40)
    buffer = device.buffer("a", SHAPE, DTYPE)
    assert device.memory().free == 24
    assert device.memory().total == 40
    with pytest.raises(BackendError, match="out of memory"):
        device.buffer("b", (7,), DTYPE)
    buffer.free()
    device.buffer("b", (7,), DTYPE)
    assert device.memory().free == 12


@seeds
def test_a_graph_runs_what_was_captured_and_only_when_launched(seed: int) -> None:
    bench = Bench(seed=seed)
    before = bench.device.operations
    bench.one.begin_capture()
    doubling(bench.a, bench.b).enqueue(bench.one)
    doubling(bench.b, bench.c).enqueue(bench.one)
    graph = bench.one.end_capture()
    bench.settle()
    assert bench.device.operations == before
    graph.launch(bench.two)
    np.testing.assert_array_equal(bench.fetch(bench.two, bench.c), 4 * ONES)
    graph.launch(bench.two)
    bench.settle()
    assert graph.launches == 2


def test_only_programs_are_captured() -> None:
    bench = Bench()
    bench.one.record(bench.event)
    queued: list[Callable[[], None]] = [
        lambda: bench.one.record(bench.event),
        lambda: bench.one.wait(bench.event),
        lambda: bench.one.upload(bench.staging, bench.a),
    ]
    for queue in queued:
        bench.one.begin_capture()
        with pytest.raises(Hazard, match="was queued on one while it is captured"):
            queue()
        bench.one.end_capture()
    with pytest.raises(Hazard, match="a capture that it never began"):
        bench.one.end_capture()


def test_handles_of_another_device_are_refused() -> None:
    bench = Bench()
    strange: Any = object()
    with pytest.raises(TypeError, match="object was given where SimulatedEvent is needed"):
        bench.one.record(strange)


def test_the_time_of_an_event_is_known_once_the_host_has_waited() -> None:
    bench = Bench()
    began, ended = (bench.device.event(name, timed=True) for name in ("began", "ended"))
    with pytest.raises(Hazard, match=r"^began is asked for the time before the host has waited"):
        ended.since(began)
    bench.one.record(began)
    doubling(bench.a, bench.b).enqueue(bench.one)
    bench.one.record(ended)
    with pytest.raises(Hazard, match="before the host has waited for it"):
        ended.since(began)
    ended.synchronise()
    assert ended.since(began) == 2.0
    bench.one.record(bench.event)
    bench.one.synchronise()
    with pytest.raises(Hazard, match=r"^event is asked for the time, and is not timed"):
        bench.event.since(began)
