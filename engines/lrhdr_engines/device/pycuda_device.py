"""The device by pycuda, written from its documentation (2026.1). Not run on a GPU.

pycuda has no stream capture: `driver_graph` does that. It is untyped, and imported when a device
is opened.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import BackendError
from lrhdr_engines.device.driver_graph import Driver, DriverGraph
from lrhdr_engines.device.errors import explained, missing
from lrhdr_engines.device.protocol import Buffer, Event, Memory, Staging, own

_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: not ordered with the default stream


class PycudaBuffer:
    """See `Buffer`."""

    def __init__(self, raw: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Use `PycudaDevice.buffer`."""
        self.raw, self.name, self.shape, self.dtype = raw, name, shape, dtype
        self._freed = False

    @property
    def address(self) -> int:
        """See `Buffer`."""
        return int(self.raw)

    def free(self) -> None:
        """See `Buffer`."""
        if not self._freed:
            self._freed = True
            with explained():
                self.raw.free()


class PycudaStaging:
    """See `Staging`."""

    def __init__(self, array: NDArray[Any]) -> None:
        """Use `PycudaDevice.staging`."""
        self.array = array
        self._freed = False

    def store(self, source: NDArray[Any]) -> None:
        """See `Staging`."""
        np.copyto(self.array, source, casting="no")

    def load(self) -> NDArray[Any]:
        """See `Staging`."""
        return self.array.copy()

    def free(self) -> None:
        """See `Staging`."""
        if not self._freed:
            self._freed = True
            memory: Any = self.array.base  # a PagelockedHostAllocation
            with explained():
                memory.free()


class PycudaEvent:
    """See `Event`."""

    def __init__(self, raw: Any) -> None:
        """Use `PycudaDevice.event`."""
        self.raw = raw

    def synchronise(self) -> None:
        """See `Event`."""
        with explained():
            self.raw.synchronize()

    def since(self, earlier: Event) -> float:
        """See `Event`."""
        began = own(PycudaEvent, earlier).raw
        with explained():
            return float(self.raw.time_since(began))


class PycudaStream:
    """See `Stream`."""

    def __init__(self, cuda: Any, driver: Driver) -> None:
        """Use `PycudaDevice.stream`."""
        self._cuda, self._driver = cuda, driver
        self.raw = cuda.Stream(_NON_BLOCKING)

    @property
    def handle(self) -> int:
        """See `Stream`."""
        return int(self.raw.handle)

    def upload(self, source: Staging, target: Buffer) -> None:
        """See `Stream`."""
        array, memory = own(PycudaStaging, source).array, own(PycudaBuffer, target).raw
        with explained():
            self._cuda.memcpy_htod_async(memory, array, self.raw)

    def download(self, source: Buffer, target: Staging) -> None:
        """See `Stream`."""
        array, memory = own(PycudaStaging, target).array, own(PycudaBuffer, source).raw
        with explained():
            self._cuda.memcpy_dtoh_async(array, memory, self.raw)

    def record(self, event: Event) -> None:
        """See `Stream`."""
        recorded = own(PycudaEvent, event).raw
        with explained():
            recorded.record(self.raw)

    def wait(self, event: Event) -> None:
        """See `Stream`."""
        awaited = own(PycudaEvent, event).raw
        with explained():
            self.raw.wait_for_event(awaited)

    def begin_capture(self) -> None:
        """See `Stream`."""
        self._driver.begin_capture(self.handle)

    def end_capture(self) -> DriverGraph:
        """See `Stream`."""
        return self._driver.end_capture(self.handle)

    def synchronise(self) -> None:
        """See `Stream`."""
        with explained():
            self.raw.synchronize()


class PycudaDevice:
    """See `Device`."""

    def __init__(self, index: int = 0, *, driver: Driver | None = None) -> None:
        """Open a GPU for the calling thread, in the process's primary context.

        Raises:
            BackendError: pycuda, the driver or the GPU is missing, or the driver is too old.
        """
        try:
            self._cuda: Any = import_module("pycuda.driver")
        except ImportError as error:
            raise missing("pycuda.driver", "pycuda", error) from error
        self._open = WeakSet[PycudaBuffer | PycudaStaging]()
        with explained():
            self._cuda.init()
            self._raw = self._cuda.Device(index)
            self._context = self._raw.retain_primary_context()
            self._context.push()
        self._driver = driver or Driver()

    @property
    def name(self) -> str:
        """See `Device`."""
        return str(self._raw.name())

    def buffer(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> PycudaBuffer:
        """See `Device`."""
        with explained():
            raw = self._cuda.mem_alloc(int(np.prod(shape)) * dtype.itemsize)
        self._open.add(buffer := PycudaBuffer(raw, name, shape, dtype))
        return buffer

    def staging(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> PycudaStaging:
        """See `Device`."""
        with explained():
            staging = PycudaStaging(self._cuda.pagelocked_empty(shape, dtype))
        self._open.add(staging)
        return staging

    def stream(self, name: str) -> PycudaStream:
        """See `Device`."""
        with explained():
            return PycudaStream(self._cuda, self._driver)

    def event(self, name: str, *, timed: bool = False) -> PycudaEvent:
        """See `Device`."""
        flags = self._cuda.event_flags
        with explained():
            return PycudaEvent(self._cuda.Event(flags.DEFAULT if timed else flags.DISABLE_TIMING))

    def memory(self) -> Memory:
        """See `Device`."""
        with explained():
            free, total = self._cuda.mem_get_info()
        return Memory(free=int(free), total=int(total))

    def close(self) -> None:
        """See `Device`."""
        for allocation in list(self._open):
            with suppress(BackendError):  # a lost device frees nothing, and all is lost with it
                allocation.free()
        if self._context is not None:
            context, self._context = self._context, None
            with suppress(BackendError), explained():
                context.pop()
