"""What the simulated device hands out: memory, streams, events, captured graphs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lrhdr_engines.device.hazards import HOST, Clock, Hazard, Shadow, Watch
from lrhdr_engines.device.protocol import Buffer, Event, Staging, Stream, own

Arrays = dict[str, NDArray[Any]]


class Runs(Protocol):
    """What the handles ask of their device; see `SimulatedDevice`."""

    @property
    def watch(self) -> Watch:
        """Sees every access."""

    def allocates(self, what: str) -> None:
        """Something is about to be allocated."""

    def release(self, memory: Allocation) -> None:
        """Free a memory."""

    def host_access(self, memory: Shadow, *, write: bool) -> None:
        """The host reads or writes page-locked memory."""

    def host_waits(self, event: SimulatedEvent) -> None:
        """The host waits for an event."""

    def reached(self, event: SimulatedEvent) -> Mark:
        """The latest record of a timed event, which the host must know to be reached."""

    def omits(self, actor: str, event: SimulatedEvent) -> bool:
        """Whether this wait is to be left out."""

    def queue(self, stream: SimulatedStream, operation: Operation) -> None:
        """Queue an operation."""

    def run_until(self, done: Callable[[], bool], what: str) -> None:
        """Run queued work until `done`."""


class Allocation:
    """Memory of the simulated device or page-locked memory of its host."""

    def __init__(
        self, device: Runs, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        """Use `SimulatedDevice.buffer` or `staging`."""
        self._device = device
        self.array: NDArray[Any] = np.zeros(shape, dtype)
        self.name, self.shape, self.dtype = name, shape, dtype
        self.shadow = Shadow(name=name)

    def free(self) -> None:
        """See `Buffer`."""
        self._device.release(self)


class SimulatedBuffer(Allocation):
    """See `Buffer`."""

    @property
    def address(self) -> int:
        """Of the host's array, which is where the device keeps it."""
        return int(self.array.ctypes.data)


class SimulatedStaging(Allocation):
    """See `Staging`."""

    def store(self, source: NDArray[Any]) -> None:
        """See `Staging`."""
        self._device.host_access(self.shadow, write=True)
        np.copyto(self.array, source, casting="no")

    def load(self) -> NDArray[Any]:
        """See `Staging`."""
        self._device.host_access(self.shadow, write=False)
        return self.array.copy()


@dataclass(slots=True)
class Mark:
    """One record of an event; once it was reached, what was known and how much had run by then."""

    known: Clock | None = None
    operations: int = 0


class SimulatedEvent:
    """See `Event`."""

    def __init__(self, device: Runs, name: str, *, timed: bool) -> None:
        """Use `SimulatedDevice.event`."""
        self._device = device
        self.name, self.timed = name, timed
        self.latest: Mark | None = None

    def synchronise(self) -> None:
        """See `Event`."""
        self._device.host_waits(self)

    def since(self, earlier: Event) -> float:
        """See `Event`. A millisecond is an operation, of whichever stream."""
        began, ended = (self._device.reached(e) for e in (own(SimulatedEvent, earlier), self))
        return float(ended.operations - began.operations)


@dataclass(slots=True, kw_only=True)
class Operation:
    """Something to run on a stream, on the arrays by the names given to the memory it uses."""

    name: str
    reads: Mapping[str, Allocation] = field(default_factory=dict)
    writes: Mapping[str, Allocation] = field(default_factory=dict)
    run: Callable[[Arrays, Arrays], None] = lambda _reads, _writes: None
    waits: Mark | None = None
    marks: Mark | None = None
    known: Clock = field(default_factory=dict)  # to the host when it was queued


class SimulatedGraph:
    """See `Graph`."""

    def __init__(self, operations: list[Operation]) -> None:
        """Use `SimulatedStream.end_capture`."""
        self._operations = operations
        self.launches = 0

    def launch(self, stream: Stream) -> None:
        """See `Graph`. Streams may interleave with the operations inside, as on a GPU."""
        self.launches += 1
        for operation in self._operations:
            own(SimulatedStream, stream).submit(operation)


class SimulatedStream:
    """See `Stream`."""

    handle = 0

    def __init__(self, device: Runs, name: str) -> None:
        """Use `SimulatedDevice.stream`."""
        self._device = device
        self.name = name
        self.queue: deque[Operation] = deque()
        self._captured: list[Operation] | None = None

    def submit(self, operation: Operation) -> None:
        """Queue an operation, or note it while capturing."""
        if self._captured is None:
            self._device.queue(self, operation)
            return
        if operation.waits or operation.marks or operation.name.startswith("copy"):
            raise Hazard(f"'{operation.name}' was queued on {self.name} while it is captured")
        self._captured.append(operation)

    def upload(self, source: Staging, target: Buffer) -> None:
        """See `Stream`."""
        self._copy(_staging(source), own(SimulatedBuffer, target))

    def download(self, source: Buffer, target: Staging) -> None:
        """See `Stream`."""
        self._copy(own(SimulatedBuffer, source), _staging(target))

    def record(self, event: Event) -> None:
        """See `Stream`."""
        recorded = own(SimulatedEvent, event)
        recorded.latest = Mark()
        self.submit(Operation(name=f"record {recorded.name}", marks=recorded.latest))

    def wait(self, event: Event) -> None:
        """See `Stream`."""
        awaited = own(SimulatedEvent, event)
        if awaited.latest is None or self._device.omits(self.name, awaited):
            return
        self.submit(Operation(name=f"wait for {awaited.name}", waits=awaited.latest))

    def begin_capture(self) -> None:
        """See `Stream`."""
        self._device.allocates(f"a graph of {self.name}")
        self._captured = []

    def end_capture(self) -> SimulatedGraph:
        """See `Stream`."""
        operations, self._captured = self._captured, None
        if operations is None:
            raise Hazard(f"{self.name} ends a capture that it never began")
        return SimulatedGraph(operations)

    def synchronise(self) -> None:
        """See `Stream`."""
        self._device.run_until(lambda: not self.queue, self.name)
        self._device.watch.learn(HOST, self._device.watch.knowledge(self.name))

    def _copy(self, source: Allocation, target: Allocation) -> None:
        if (source.shape, source.dtype) != (target.shape, target.dtype):
            raise Hazard(f"{source.name} is copied to {target.name}, which is of another kind")
        self.submit(
            Operation(
                name=f"copy {source.name} to {target.name}",
                reads={"": source},
                writes={"": target},
                run=lambda reads, writes: np.copyto(writes[""], reads[""]),
            )
        )


def _staging(memory: object) -> SimulatedStaging:
    if not isinstance(memory, SimulatedStaging):
        raise Hazard(f"an asynchronous copy was given pageable memory ({type(memory).__name__})")
    return memory
