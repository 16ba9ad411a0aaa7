"""cuda-core as far as it is used, over the host's memory; and what every fake shares.

The fakes run everything at once, so they say nothing about order: that is the
simulated device's part. They say that the real devices call what they should,
with what, in which direction.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from itertools import count
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

CAPTURES: dict[int, list[Callable[[], None]]] = {}  # by the stream's handle
TICKS = count(1)  # the time of a fake: one more at every record of an event


def array_at(address: int, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """The tensor at an address of the host."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer((ctypes.c_byte * size).from_address(address), dtype).reshape(shape)


def act(stream: int, work: Callable[[], None]) -> None:
    """Do it now, or note it while the stream is captured."""
    if stream in CAPTURES:
        CAPTURES[stream].append(work)
    else:
        work()


def elapsed(began: Any, ended: Any) -> float:
    """Between the records of two events of a fake."""
    if not (began.timed and ended.timed):
        raise RuntimeError("CUDA_ERROR_INVALID_HANDLE: an event that is not timed")
    return float(ended.recorded - began.recorded)


class Calls:
    """What was asked of a fake, and what it has handed out."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.alive = 0
        self.failure: Exception | None = None  # raised by the next allocation

    def note(self, what: str) -> None:
        self.log.append(what)

    def allocate(self, size: int) -> NDArray[np.uint8]:
        if self.failure is not None:
            raise self.failure
        self.alive += 1
        return np.zeros(size, np.uint8)


class _CoreBuffer:
    def __init__(self, calls: Calls, size: int) -> None:
        self._calls, self._memory, self.size = calls, calls.allocate(size), size
        self.handle = self._memory.ctypes.data

    def copy_to(self, dst: _CoreBuffer, *, stream: _CoreStream) -> None:
        assert dst.size == self.size
        act(stream.handle, lambda: np.copyto(dst._memory, self._memory))

    def close(self) -> None:
        self._calls.alive -= 1

    def __dlpack__(self, **options: Any) -> Any:
        return self._memory.view(np.int8).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._memory.__dlpack_device__()


class _CoreStream:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.handle = id(self)

    def record(self, event: Any) -> None:
        event.recorded = next(TICKS)

    def wait(self, event: Any) -> None:
        self._calls.note("wait")
        assert event.recorded

    def sync(self) -> None:
        assert self.handle not in CAPTURES

    def create_graph_builder(self) -> _CoreBuilder:
        return _CoreBuilder(self)


class _CoreEvent:
    def __init__(self, *, timed: bool) -> None:
        self.recorded, self.timed = 0, timed

    def sync(self) -> None:
        pass

    def __sub__(self, other: _CoreEvent) -> float:
        return elapsed(other, self)


class _CoreBuilder:
    def __init__(self, stream: _CoreStream) -> None:
        self._stream = stream
        self._work: list[Callable[[], None]] = []

    def begin_building(self, mode: str) -> _CoreBuilder:
        assert mode == "thread_local"
        CAPTURES[self._stream.handle] = self._work
        return self

    def end_building(self) -> _CoreBuilder:
        del CAPTURES[self._stream.handle]
        return self

    def complete(self) -> Any:
        return SimpleNamespace(launch=self._launch)

    def _launch(self, stream: _CoreStream) -> None:
        stream._calls.note("launch graph")
        for work in self._work:
            work()


def cuda_core(calls: Calls) -> dict[str, ModuleType]:
    """Modules that stand for cuda-core and its bindings."""
    core, cuda, bindings = ModuleType("cuda.core"), ModuleType("cuda"), ModuleType("cuda.bindings")

    class Device:
        name = "fake"

        def __init__(self, index: int) -> None:
            self.default_stream = _CoreStream(calls)

        def set_current(self) -> None:
            calls.note("current")

        def allocate(self, size: int, *, stream: _CoreStream) -> _CoreBuffer:
            return _CoreBuffer(calls, size)

        def create_stream(self) -> _CoreStream:
            return _CoreStream(calls)

        def create_event(self, options: Any) -> _CoreEvent:
            return _CoreEvent(timed=options.timing_enabled)

    pinned = SimpleNamespace(allocate=lambda size: _CoreBuffer(calls, size))
    core.__dict__.update(
        Device=Device, EventOptions=SimpleNamespace, LegacyPinnedMemoryResource=lambda: pinned
    )
    bindings.__dict__.update(driver=SimpleNamespace(cuMemGetInfo=lambda: (0, 60, 100)))
    cuda.__dict__.update(core=core, bindings=bindings)
    return {"cuda": cuda, "cuda.core": core, "cuda.bindings": bindings}
