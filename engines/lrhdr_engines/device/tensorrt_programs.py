"""The programs of a GPU: TensorRT's contexts for the graphs, our kernels beside. Not run on a GPU.

It fits TensorRT 10, 11 and TensorRT-RTX, and imports none of them: it is given contexts. One
context serves every binding of its graph, as all its runs are in one stream: each run sets its
tensors' addresses first, and a captured graph keeps those that it was captured with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lrhdr.errors import BackendError
from lrhdr_engines.device.errors import explained
from lrhdr_engines.device.protocol import Buffer, Encoding, Stream

# By the names of tensorrt.DataType.
_TYPES = {"float32": "FLOAT", "float16": "HALF"}


class Kernels(Protocol):
    """Launchers of the two kernels: device pointers, sizes and a CUstream."""

    def unpack(self, raw: Buffer, image: Buffer, stream: int) -> None:
        """See `Programs.unpack`."""

    def pack(
        self, hdr: Buffer, picture: Buffer, statistics: Buffer, encoding: Encoding, stream: int
    ) -> None:
        """See `Programs.pack`."""


class GpuProgram:
    """See `Program`."""

    def __init__(
        self,
        launch: Callable[[int], None],
        capturable: Callable[[int], bool] = lambda _: True,
    ) -> None:
        """`launch` enqueues on a CUstream; `capturable` says whether a CUDA graph may hold that."""
        self._launch = launch
        self._capturable = capturable

    def enqueue(self, stream: Stream) -> None:
        """See `Program`."""
        with explained():
            self._launch(stream.handle)

    def capturable(self, stream: Stream) -> bool:
        """See `capture.MayRefuse`."""
        with explained():
            return self._capturable(stream.handle)


class TensorRtPrograms:
    """See `Programs`."""

    def __init__(
        self,
        name: str,
        contexts: Mapping[str, Any],
        kernels: Kernels,
        warm: Callable[[], None] = lambda: None,
    ) -> None:
        """Wrap what is loaded.

        Args:
            name: precision and backend, for messages.
            contexts: an IExecutionContext by graph, each of an engine of static shapes.
            kernels: of the same device.
            warm: called once, when each context has run for the first time.
        """
        self._name = name
        self._contexts = contexts
        self._kernels = kernels
        self._warm = warm
        self._cold = set(contexts)

    @property
    def name(self) -> str:
        """See `Programs`."""
        return self._name

    def graph(
        self, name: str, inputs: Mapping[str, Buffer], outputs: Mapping[str, Buffer]
    ) -> GpuProgram:
        """See `Programs`.

        Raises:
            BackendError: the engine has a tensor that is not here, or that is of another kind.
        """
        context = self._contexts[name]
        engine = context.engine
        tensors = [engine.get_tensor_name(k) for k in range(engine.num_io_tensors)]
        bound = {tensor: _fitting(name, engine, tensor, inputs, outputs) for tensor in tensors}

        def launch(stream: int) -> None:
            done = all(context.set_tensor_address(t, b.address) for t, b in bound.items())
            if not (done and context.execute_async_v3(stream)):
                raise BackendError(
                    f"TensorRT could not run {name} ({self._name})",
                    next_step="Its own message is above; try --backend auto",
                )
            self._ran(name)

        def capturable(stream: int) -> bool:
            # TensorRT 10 and 11 have no such question: a context of static shapes is capturable.
            ask = getattr(context, "is_stream_capturable", None)
            return ask is None or bool(ask(stream))

        return GpuProgram(launch, capturable)

    def _ran(self, graph: str) -> None:
        if graph in self._cold:
            self._cold.remove(graph)
            if not self._cold:
                self._warm()

    def unpack(self, raw: Buffer, image: Buffer) -> GpuProgram:
        """See `Programs`."""
        return GpuProgram(lambda stream: self._kernels.unpack(raw, image, stream))

    def pack(
        self, hdr: Buffer, picture: Buffer, statistics: Buffer, encoding: Encoding
    ) -> GpuProgram:
        """See `Programs`."""
        return GpuProgram(
            lambda stream: self._kernels.pack(hdr, picture, statistics, encoding, stream)
        )


def _fitting(
    graph: str,
    engine: Any,
    tensor: str,
    inputs: Mapping[str, Buffer],
    outputs: Mapping[str, Buffer],
) -> Buffer:
    shape, kind = tuple(engine.get_tensor_shape(tensor)), engine.get_tensor_dtype(tensor).name
    buffer = inputs.get(tensor) or outputs.get(tensor)
    if buffer is None or buffer.shape != shape or _TYPES.get(buffer.dtype.name) != kind:
        here = "nothing" if buffer is None else f"{buffer.dtype} {buffer.shape}"
        raise BackendError(
            f"the engine of {graph} wants {tensor} as {kind} {shape}, and here it is {here}",
            next_step="Build it for this bundle, size and precision: lrhdr-export engine",
        )
    return buffer
