"""The device by cuda-core, NVIDIA's Python for CUDA. Not run on a GPU.

cuda-core is imported when a device is opened. Kernels and TensorRT enqueue on `CudaStream.handle`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import BackendError
from lrhdr_engines.device.errors import explain_code, explained, missing
from lrhdr_engines.device.protocol import Buffer, Event, Memory, Staging, Stream, own

if TYPE_CHECKING:
    # Installed or not, with types that mypy sees or not: all of it happens.
    import cuda.core as core  # type: ignore[import-untyped, import-not-found, unused-ignore]
    import cuda.core.graph as core_graph  # type: ignore[import-untyped, import-not-found, unused-ignore]

PACKAGE = "'cuda-core[cu13]'"


class _Allocation:
    """A cuda-core buffer with a tensor's shape."""

    def __init__(
        self, raw: core.Buffer, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self.raw, self.name, self.shape, self.dtype = raw, name, shape, dtype
        self._freed = False

    @property
    def address(self) -> int:
        """See `Buffer`."""
        return int(self.raw.handle)

    def free(self) -> None:
        """See `Buffer`."""
        if not self._freed:
            self._freed = True
            with explained():
                self.raw.close()


class CudaBuffer(_Allocation):
    """See `Buffer`."""


class CudaStaging(_Allocation):
    """See `Staging`."""

    def store(self, source: NDArray[Any]) -> None:
        """See `Staging`."""
        np.copyto(self._array(), source, casting="no")

    def load(self) -> NDArray[Any]:
        """See `Staging`."""
        return self._array().copy()

    def _array(self) -> NDArray[Any]:
        # A view, made anew each time: one that is kept would keep the memory from being freed.
        flat = np.from_dlpack(self.raw)  # type: ignore[arg-type, unused-ignore]
        return flat.view(self.dtype).reshape(self.shape)


class CudaEvent:
    """See `Event`."""

    def __init__(self, raw: core.Event) -> None:
        """Use `CudaCoreDevice.event`."""
        self.raw = raw

    def synchronise(self) -> None:
        """See `Event`."""
        with explained():
            self.raw.sync()

    def since(self, earlier: Event) -> float:
        """See `Event`."""
        began = own(CudaEvent, earlier).raw
        with explained():
            return float(self.raw - began)


class CudaGraph:
    """See `Graph`."""

    def __init__(self, raw: core_graph.Graph) -> None:
        """Use `CudaStream.end_capture`."""
        self._raw = raw

    def launch(self, stream: Stream) -> None:
        """See `Graph`."""
        where = own(CudaStream, stream).raw
        with explained():
            self._raw.launch(where)


class CudaStream:
    """See `Stream`."""

    def __init__(self, raw: core.Stream) -> None:
        """Use `CudaCoreDevice.stream`."""
        self.raw = raw
        self._builder: core_graph.GraphBuilder | None = None

    @property
    def handle(self) -> int:
        """See `Stream`."""
        return int(self.raw.handle)

    def upload(self, source: Staging, target: Buffer) -> None:
        """See `Stream`."""
        self._copy(own(CudaStaging, source), own(CudaBuffer, target))

    def download(self, source: Buffer, target: Staging) -> None:
        """See `Stream`."""
        self._copy(own(CudaBuffer, source), own(CudaStaging, target))

    def record(self, event: Event) -> None:
        """See `Stream`."""
        recorded = own(CudaEvent, event).raw
        with explained():
            self.raw.record(recorded)

    def wait(self, event: Event) -> None:
        """See `Stream`."""
        awaited = own(CudaEvent, event).raw
        with explained():
            self.raw.wait(awaited)

    def begin_capture(self) -> None:
        """See `Stream`."""
        with explained():
            # Other threads decode and encode meanwhile and may use the GPU.
            self._builder = self.raw.create_graph_builder().begin_building("thread_local")

    def end_capture(self) -> CudaGraph:
        """See `Stream`."""
        builder, self._builder = self._builder, None
        if builder is None:
            raise RuntimeError("a capture is ended that was never begun")
        with explained():
            return CudaGraph(builder.end_building().complete())

    def synchronise(self) -> None:
        """See `Stream`."""
        with explained():
            self.raw.sync()

    def _copy(self, source: _Allocation, target: _Allocation) -> None:
        with explained():
            source.raw.copy_to(target.raw, stream=self.raw)


class CudaCoreDevice:
    """See `Device`."""

    def __init__(self, index: int = 0) -> None:
        """Open a GPU for the calling thread.

        Raises:
            BackendError: cuda-core, the driver or the GPU is missing, or the driver is too old.
        """
        try:
            import cuda.core as core
        except ImportError as error:
            raise missing("cuda.core", PACKAGE, error) from error
        self._core = core
        self._open = WeakSet[_Allocation]()
        with explained():
            self._raw = core.Device(index)
            self._raw.set_current()
            self._pinned = core.LegacyPinnedMemoryResource()

    @property
    def name(self) -> str:
        """See `Device`."""
        return str(self._raw.name)

    def buffer(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> CudaBuffer:
        """See `Device`."""
        with explained():
            stream = self._raw.default_stream
            raw = self._raw.allocate(_size(shape, dtype), stream=stream)
            stream.sync()  # allocation is ordered by its stream, and others will use the memory
        self._open.add(buffer := CudaBuffer(raw, name, shape, dtype))
        return buffer

    def staging(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> CudaStaging:
        """See `Device`."""
        with explained():
            raw = self._pinned.allocate(_size(shape, dtype))
        self._open.add(staging := CudaStaging(raw, name, shape, dtype))
        return staging

    def stream(self, name: str) -> CudaStream:
        """See `Device`."""
        with explained():
            return CudaStream(self._raw.create_stream())

    def event(self, name: str, *, timed: bool = False) -> CudaEvent:
        """See `Device`."""
        with explained():
            options = self._core.EventOptions(timing_enabled=timed)
            return CudaEvent(self._raw.create_event(options))

    def memory(self) -> Memory:
        """See `Device`. cuda-core does not ask for it; its bindings do."""
        from cuda.bindings import driver  # type: ignore[import-untyped, import-not-found, unused-ignore]

        code, free, total = driver.cuMemGetInfo()
        if int(code):
            raise explain_code(code.name, "cuMemGetInfo")
        return Memory(free=int(free), total=int(total))

    def close(self) -> None:
        """See `Device`. The context is the process's and stays."""
        for allocation in list(self._open):
            with suppress(BackendError):  # a lost device frees nothing, and all is lost with it
                allocation.free()


def _size(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    return int(np.prod(shape)) * dtype.itemsize
