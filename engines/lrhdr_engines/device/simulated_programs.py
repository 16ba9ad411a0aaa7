"""The programs of the simulated device: a bundle's graphs by its engine, two kernels by numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from lrhdr import light
from lrhdr_engines.device.protocol import PQ_WHITE, Buffer, Encoding, Stream, own
from lrhdr_engines.device.simulated_handles import (
    Arrays,
    Operation,
    SimulatedBuffer,
    SimulatedStream,
)
from lrhdr_engines.engine import Engine
from lrhdr_engines.padding import crop, pad
from lrhdr_engines.reconstruct import normalised


class SimulatedProgram:
    """See `Program`."""

    def __init__(
        self,
        name: str,
        reads: Mapping[str, Buffer],
        writes: Mapping[str, Buffer],
        run: Callable[[Arrays, Arrays], None],
    ) -> None:
        """A function of arrays that fills the arrays it writes."""
        self._operation = Operation(
            name=f"{name} {', '.join(buffer.name for buffer in writes.values())}",
            reads={key: own(SimulatedBuffer, buffer) for key, buffer in reads.items()},
            writes={key: own(SimulatedBuffer, buffer) for key, buffer in writes.items()},
            run=run,
        )

    def enqueue(self, stream: Stream) -> None:
        """See `Program`."""
        own(SimulatedStream, stream).submit(self._operation)


class SimulatedPrograms:
    """See `Programs`."""

    def __init__(self, engine: Engine) -> None:
        """The engine computes; its results are copied to the device's buffers."""
        self._engine = engine
        self._inputs = {
            name: {tensor.name for tensor in entry.inputs}
            for name, entry in engine.manifest.graphs.items()
        }

    @property
    def name(self) -> str:
        """See `Programs`."""
        return f"{self._engine.precision} by {self._engine.backend.name}"

    def graph(
        self, name: str, inputs: Mapping[str, Buffer], outputs: Mapping[str, Buffer]
    ) -> SimulatedProgram:
        """See `Programs`."""

        def run(reads: Arrays, writes: Arrays) -> None:
            for key, value in self._engine.run(name, reads).items():
                np.copyto(writes[key], value, casting="no")

        taken = {key: buffer for key, buffer in inputs.items() if key in self._inputs[name]}
        return SimulatedProgram(name, taken, outputs, run)

    def unpack(self, raw: Buffer, image: Buffer) -> SimulatedProgram:
        """See `Programs`."""
        multiple = self._engine.manifest.multiple

        def run(reads: Arrays, writes: Arrays) -> None:
            np.copyto(writes["image"], pad(normalised(reads["raw"]), multiple), casting="no")

        return SimulatedProgram("unpack", {"raw": raw}, {"image": image}, run)

    def pack(
        self, hdr: Buffer, picture: Buffer, statistics: Buffer, encoding: Encoding
    ) -> SimulatedProgram:
        """See `Programs`."""
        height, width, _ = picture.shape

        def run(reads: Arrays, writes: Arrays) -> None:
            planes = crop(reads["hdr"][0], height, width)
            radiance = planes.transpose(1, 2, 0) * np.float32(encoding.gain)
            bad = radiance.size - np.count_nonzero(np.isfinite(radiance))
            greatest = mean = 0.0
            if encoding.white_nits is None:
                writes["picture"][:] = radiance
            else:
                codes, greatest, mean = pq_codes(radiance, encoding.white_nits)
                writes["picture"][:] = codes
            writes["statistics"][:] = bad, greatest, mean

        return SimulatedProgram(
            "pack", {"hdr": hdr}, {"picture": picture, "statistics": statistics}, run
        )


def pq_codes(
    radiance: NDArray[np.float32], white_nits: float
) -> tuple[NDArray[np.uint16], float, float]:
    """Radiance (H, W, 3) as PQ codes, with the greatest and the mean max(R, G, B) in cd/m2.

    In float64, as a code is 1.5e-5 of the signal: what the kernels are measured against.
    """
    rgb = np.nan_to_num(radiance.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    nits = np.clip(rgb @ (light.BT709_TO_BT2020.T * white_nits), 0.0, light.PQ_PEAK_NITS)
    codes = np.rint(light.pq_encode(nits) * PQ_WHITE).astype(np.uint16)
    largest = nits.max(axis=2)
    return codes, float(largest.max()), float(largest.mean())
