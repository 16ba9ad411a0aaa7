"""A device without a GPU: it runs queued work late, in any order that the events allow.

Device memory is numpy arrays and every stream a queue. Whenever something is
queued, and while the host waits, a choice function picks which streams' heads
run next, so that one program can be driven through many interleavings. All
accesses go through `hazards.Watch`.

As in CUDA, the first failure of queued work is raised by the call that meets it
and by every later one but `close`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from lrhdr_engines.device.errors import explain_code
from lrhdr_engines.device.hazards import HOST, Hazard, Shadow, Watch
from lrhdr_engines.device.protocol import Memory
from lrhdr_engines.device.simulated_handles import (
    Allocation,
    Mark,
    Operation,
    SimulatedBuffer,
    SimulatedEvent,
    SimulatedStaging,
    SimulatedStream,
)

# Which goes on: one of these streams, by its place in the list, or HOST while work is queued.
Choose = Callable[[Sequence[str]], int]


class SimulatedDevice:
    """See `Device`."""

    name = "simulated"

    def __init__(
        self,
        choose: Choose | None = None,
        *,
        seed: int = 0,
        capacity: int = 2**40,
        fault: Callable[[str], None] = lambda _: None,
        hangs: Callable[[str], bool] = lambda _: False,
        omit: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """A device with nothing on it.

        Args:
            choose: picks the interleaving; at random by `seed` if None.
            seed: see `choose`.
            capacity: bytes of device memory.
            fault: called with each operation's name before it runs; what it raises, the operation
                fails with.
            hangs: whether an operation never starts.
            omit: called with each wait for an event ("compute waits for uploaded 3"); if true,
                the wait is left out.
        """
        random = Random(seed)
        self._choose = choose or (lambda actors: random.randrange(len(actors)))
        self._capacity = capacity
        self._fault, self._hangs, self._omit = fault, hangs, omit
        self._streams: list[SimulatedStream] = []
        self._memory: list[Allocation] = []
        self._sealed = self._closed = False
        self._failure: BaseException | None = None
        self.watch = Watch()
        self.operations = 0

    def buffer(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> SimulatedBuffer:
        """See `Device`."""
        self.allocates(name)
        memory = SimulatedBuffer(self, name, shape, dtype)
        if memory.array.nbytes > self.memory().free:
            raise explain_code("CUDA_ERROR_OUT_OF_MEMORY", f"the allocation of {name}")
        self._memory.append(memory)
        return memory

    def staging(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> SimulatedStaging:
        """See `Device`."""
        self.allocates(name)
        return SimulatedStaging(self, name, shape, dtype)

    def stream(self, name: str) -> SimulatedStream:
        """See `Device`. Names must differ."""
        self.allocates(name)
        self._streams.append(SimulatedStream(self, name))
        return self._streams[-1]

    def event(self, name: str, *, timed: bool = False) -> SimulatedEvent:
        """See `Device`."""
        self.allocates(name)
        return SimulatedEvent(self, name, timed=timed)

    def memory(self) -> Memory:
        """See `Device`."""
        used = sum(memory.array.nbytes for memory in self._memory)
        return Memory(free=self._capacity - used, total=self._capacity)

    def seal(self) -> None:
        """From now on an allocation of any kind is a Hazard."""
        self._sealed = True

    def close(self) -> None:
        """See `Device`. What is still queued never runs."""
        self._closed = True
        for stream in self._streams:
            stream.queue.clear()
        for memory in list(self._memory):
            memory.free()

    def allocates(self, what: str) -> None:
        """Something is about to be allocated.

        Raises:
            Hazard: after `seal`.
        """
        self._check()
        if self._sealed:
            raise Hazard(f"{what} is allocated after warm-up")

    def release(self, memory: Allocation) -> None:
        """Free a memory; queued work that uses it will be a Hazard."""
        memory.shadow.freed = True
        if memory in self._memory:
            self._memory.remove(memory)

    def host_access(self, memory: Shadow, *, write: bool) -> None:
        """The host reads or writes page-locked memory."""
        self._check()
        self.watch.step(HOST)
        access = self.watch.writes if write else self.watch.reads
        access(HOST, memory, f"{'store to' if write else 'load from'} {memory.name}")

    def host_waits(self, event: SimulatedEvent) -> None:
        """The host waits for an event."""
        self._check()
        mark = event.latest
        if mark is None or self.omits(HOST, event):
            return
        self.run_until(lambda: mark.known is not None, event.name)
        self.watch.learn(HOST, mark.known or {})

    def reached(self, event: SimulatedEvent) -> Mark:
        """The latest record of a timed event.

        Raises:
            Hazard: it is not timed, or the host cannot know yet that it was reached.
        """
        self._check()
        mark = event.latest
        if not event.timed:
            raise Hazard(f"{event.name} is asked for the time, and is not timed")
        if mark is None or mark.known is None or not self.watch.knows(HOST, mark.known):
            raise Hazard(f"{event.name} is asked for the time before the host has waited for it")
        return mark

    def omits(self, actor: str, event: SimulatedEvent) -> bool:
        """Whether this wait is to be left out."""
        return self._omit(f"{actor} waits for {event.name}")

    def queue(self, stream: SimulatedStream, operation: Operation) -> None:
        """Queue an operation and let the device run as far as `choose` wants."""
        self._check()
        stream.queue.append(replace(operation, known=self.watch.knowledge(HOST)))
        while ready := self._ready():
            picked = self._choose([*(stream.name for stream in ready), HOST])
            if picked == len(ready):
                break
            self._run_head(ready[picked])

    def run_until(self, done: Callable[[], bool], what: str) -> None:
        """Run queued work until `done`.

        Raises:
            Hazard: nothing can run any more.
        """
        self._check()
        while not done():
            ready = self._ready()
            if not ready:
                heads = ", ".join(
                    f"'{s.queue[0].name}' ({s.name})" for s in self._streams if s.queue
                )
                raise Hazard(f"deadlock while the host waits for {what}: blocked at {heads}")
            self._run_head(ready[self._choose([stream.name for stream in ready])])

    def _ready(self) -> list[SimulatedStream]:
        return [
            stream
            for stream in self._streams
            if stream.queue
            and (stream.queue[0].waits is None or stream.queue[0].waits.known is not None)
            and not self._hangs(stream.queue[0].name)
        ]

    def _run_head(self, stream: SimulatedStream) -> None:
        operation, actor = stream.queue.popleft(), stream.name
        self.operations += 1
        try:
            self.watch.learn(actor, operation.known)
            self.watch.step(actor)
            if operation.waits is not None:
                self.watch.learn(actor, operation.waits.known or {})
            for memory in operation.reads.values():
                self.watch.reads(actor, memory.shadow, operation.name)
            for memory in operation.writes.values():
                self.watch.writes(actor, memory.shadow, operation.name)
            self._fault(operation.name)
            operation.run(
                {name: memory.array for name, memory in operation.reads.items()},
                {name: memory.array for name, memory in operation.writes.items()},
            )
            if operation.marks is not None:
                operation.marks.known = self.watch.knowledge(actor)
                operation.marks.operations = self.operations
        except BaseException as failure:
            self._failure = failure
            raise

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise Hazard("the device is used after it was closed")
