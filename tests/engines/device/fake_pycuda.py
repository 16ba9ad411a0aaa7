"""pycuda and the driver's capture, as far as they are used, over the host's memory."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.engines.device.fakes import CAPTURES, TICKS, Calls, act, array_at, elapsed

_TIMED = 0  # CU_EVENT_DEFAULT


class _PycudaStream:
    def __init__(self, flags: int) -> None:
        assert flags == 1
        self.handle = id(self)

    def synchronize(self) -> None:
        assert self.handle not in CAPTURES

    def wait_for_event(self, event: _PycudaEvent) -> None:
        assert event.recorded


class _PycudaEvent:
    def __init__(self, flags: int) -> None:
        self.recorded, self.timed = 0, flags == _TIMED

    def record(self, stream: _PycudaStream) -> None:
        assert isinstance(stream, _PycudaStream)
        self.recorded = next(TICKS)

    def synchronize(self) -> None:
        assert self.recorded

    def time_since(self, event: _PycudaEvent) -> float:
        return elapsed(event, self)


class _PycudaMemory:
    """A DeviceAllocation, or what a page-locked array is based on."""

    def __init__(self, calls: Calls, size: int) -> None:
        self._calls, self._memory = calls, calls.allocate(size)
        self.__array_interface__: dict[str, Any] = self._memory.__array_interface__

    def __int__(self) -> int:
        return self._memory.ctypes.data

    def free(self) -> None:
        self._calls.alive -= 1


def modules(calls: Calls) -> dict[str, ModuleType]:
    """Modules that stand for pycuda."""
    driver = ModuleType("pycuda.driver")

    def pagelocked_empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        memory = _PycudaMemory(calls, int(np.prod(shape)) * dtype.itemsize)
        memory.__array_interface__ |= {"shape": shape, "typestr": dtype.str, "descr": None}
        return np.asarray(memory)

    def to_device(dest: _PycudaMemory, src: NDArray[Any], stream: _PycudaStream) -> None:
        target = array_at(int(dest), src.shape, src.dtype)
        act(stream.handle, lambda: np.copyto(target, src))

    def to_host(dest: NDArray[Any], src: _PycudaMemory, stream: _PycudaStream) -> None:
        source = array_at(int(src), dest.shape, dest.dtype)
        act(stream.handle, lambda: np.copyto(dest, source))

    context = SimpleNamespace(push=lambda: calls.note("push"), pop=lambda: calls.note("pop"))
    driver.__dict__.update(
        init=lambda: calls.note("init"),
        Device=lambda index: SimpleNamespace(
            name=lambda: "fake", retain_primary_context=lambda: context
        ),
        mem_alloc=lambda size: _PycudaMemory(calls, size),
        pagelocked_empty=pagelocked_empty,
        memcpy_htod_async=to_device,
        memcpy_dtoh_async=to_host,
        mem_get_info=lambda: (60, 100),
        Stream=_PycudaStream,
        Event=_PycudaEvent,
        event_flags=SimpleNamespace(DEFAULT=_TIMED, DISABLE_TIMING=2),
    )
    return {"pycuda": ModuleType("pycuda"), "pycuda.driver": driver}


class DriverLibrary:
    """The driver's functions for graphs. `failing` maps a function to the code it returns."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.failing: dict[str, int] = {}
        self._graphs: list[list[Callable[[], None]]] = [[]]

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("cu") and (code := self.failing.get(name)):
            return lambda *_: code
        return super().__getattribute__(name)

    def cuStreamBeginCapture_v2(self, stream: Any, mode: Any) -> int:
        assert mode.value == 1
        CAPTURES[stream.value] = []
        return 0

    def cuStreamEndCapture(self, stream: Any, graph: Any) -> int:
        self._graphs.append(CAPTURES.pop(stream.value))
        graph._obj.value = len(self._graphs) - 1
        return 0

    def cuGraphInstantiateWithFlags(self, launchable: Any, graph: Any, flags: Any) -> int:
        assert flags.value == 0
        launchable._obj.value = graph.value
        return 0

    def cuGraphDestroy(self, graph: Any) -> int:
        self.calls.note(f"destroy {graph.value}")
        return 0

    def cuGraphLaunch(self, launchable: Any, stream: Any) -> int:
        assert stream.value not in CAPTURES
        self.calls.note("launch graph")
        for work in self._graphs[launchable.value]:
            work()
        return 0

    def cuGetErrorName(self, code: int, name: Any) -> int:
        name._obj.value = {2: b"CUDA_ERROR_OUT_OF_MEMORY"}.get(code)
        return 0
