"""Single graphs on a device with numpy arrays in and out: slow, and enough for the goldens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import Precision, signatures
from lrhdr.manifest import Manifest
from lrhdr_engines.backends.protocol import Tensors
from lrhdr_engines.build.sizes import Size
from lrhdr_engines.device.protocol import Buffer, Device, Programs, Staging


class OnArrays:
    """Its `run` is a `lrhdr_engines.build.accept.Run`."""

    def __init__(
        self,
        device: Device,
        programs: Programs,
        manifest: Manifest,
        size: Size,
        precisions: Mapping[str, Precision],
    ) -> None:
        """Nothing stays allocated between runs.

        Args:
            device: what it runs on; it stays the caller's.
            programs: of that device, at that size and those precisions.
            manifest: of the bundle.
            size: of the frames, padded.
            precisions: of every graph.
        """
        self._device, self._programs = device, programs
        self._size, self._precisions = size, precisions
        self._known = signatures(manifest.exposures, manifest.pyramids)
        self._stream = device.stream("single graphs")

    def run(self, graph: str, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """Every output of a graph from every input, each of the type that its precision has.

        Raises:
            BackendError: the device failed.
        """
        with ExitStack() as memory:

            def take(name: str, shape: tuple[int, ...], kind: np.dtype[Any]) -> Buffer:
                buffer = self._device.buffer(name, shape, kind)
                memory.callback(buffer.free)
                return buffer

            def stage(buffer: Buffer) -> Staging:
                staging = self._device.staging(
                    f"staging of {buffer.name}", buffer.shape, buffer.dtype
                )
                memory.callback(staging.free)
                return staging

            inputs = {name: take(name, x.shape, x.dtype) for name, x in feeds.items()}
            outputs = {
                t.name: take(
                    t.name,
                    self._size.of(t),
                    np.dtype(t.type_at(self._precisions[graph])),
                )
                for t in self._known[graph].outputs
            }
            for name, buffer in inputs.items():
                staging = stage(buffer)
                staging.store(feeds[name])
                self._stream.upload(staging, buffer)
            self._programs.graph(graph, inputs, outputs).enqueue(self._stream)
            results = {name: stage(buffer) for name, buffer in outputs.items()}
            for name, staging in results.items():
                self._stream.download(outputs[name], staging)
            self._stream.synchronise()
            return {name: staging.load() for name, staging in results.items()}
