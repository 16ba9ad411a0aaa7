"""What the GPU stream asks of a device: memory, streams, events, programs, captured graphs.

It is CUDA's model and no more than the stream needs. Work given to one `Stream`
runs in order; between two streams nothing is ordered but what an `Event`
orders. An event stands for the work before its latest `record`: `wait` and
`synchronise` take the record that is the latest when they are called, and
return at once where there is none.

Calls only queue work. Where work fails, this or a later call raises; the device
is lost then, and only `close` may follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

PQ_WHITE = 65535  # the code of signal 1; that of 0 is 0


class Buffer(Protocol):
    """Device memory for one dense tensor."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the tensor."""

    @property
    def address(self) -> int:
        """The device pointer."""

    def free(self) -> None:
        """Give the memory back; no queued work may need it any more."""


class Staging(Protocol):
    """Page-locked host memory for one dense tensor: asynchronous copies take no other."""

    def store(self, source: NDArray[Any]) -> None:
        """Copy an array of this shape and type in; no queued copy may read it any more."""

    def load(self) -> NDArray[Any]:
        """A new array of what is inside; the copy that wrote it must be known to be done."""

    def free(self) -> None:
        """Give the memory back."""


class Event(Protocol):
    """A point in a stream's work."""

    def synchronise(self) -> None:
        """Let the host wait for it."""

    def since(self, earlier: Event) -> float:
        """Milliseconds of the device from the latest record of `earlier` to that of this event.

        Both are timed, of one stream, and the host has waited for this one or a later one.
        """


class Program(Protocol):
    """A compiled graph or a kernel, bound to its buffers."""

    def enqueue(self, stream: Stream) -> None:
        """Queue one run."""


class Graph(Protocol):
    """Captured work, launched as a whole."""

    def launch(self, stream: Stream) -> None:
        """Queue one run of everything that was captured."""


class Stream(Protocol):
    """A queue of work."""

    @property
    def handle(self) -> int:
        """The CUstream, for libraries that enqueue work themselves."""

    def upload(self, source: Staging, target: Buffer) -> None:
        """Queue a copy to the device. Shapes and types are equal."""

    def download(self, source: Buffer, target: Staging) -> None:
        """Queue a copy to the host. Shapes and types are equal."""

    def record(self, event: Event) -> None:
        """Let `event` stand for all work queued here so far."""

    def wait(self, event: Event) -> None:
        """Hold back what is queued here from now on until `event`'s latest record."""

    def begin_capture(self) -> None:
        """From now on programs are noted, not run; nothing but programs may be queued."""

    def end_capture(self) -> Graph:
        """What was noted since `begin_capture`."""

    def synchronise(self) -> None:
        """Let the host wait for all work queued here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Device memory in bytes."""

    free: int
    total: int


class Device(Protocol):
    """One GPU. Every call may raise BackendError, by the table in `errors`."""

    @property
    def name(self) -> str:
        """As the driver names it."""

    def buffer(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Buffer:
        """Allocate device memory; it may be used by any stream."""

    def staging(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Staging:
        """Allocate page-locked host memory."""

    def stream(self, name: str) -> Stream:
        """A new stream, ordered with no other."""

    def event(self, name: str, *, timed: bool = False) -> Event:
        """A new event, not recorded yet. Only one that is `timed` can be asked for the time."""

    def memory(self) -> Memory:
        """What is free now."""

    def close(self) -> None:
        """Release the device. Safe after a failure and when called again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """What a reconstructed frame becomes before its download.

    Attributes:
        gain: from the graphs' radiance to the output's, 2^-(min EV): 1.0 just clips at EV 0.
        white_nits: of radiance 1.0, for PQ codes; None for the radiance itself.
    """

    gain: float
    white_nits: float | None = None


class Programs(Protocol):
    """Makes the programs of one device. Made before capture, they may be captured."""

    @property
    def name(self) -> str:
        """What computes, at which precision: for messages."""

    def graph(
        self, name: str, inputs: Mapping[str, Buffer], outputs: Mapping[str, Buffer]
    ) -> Program:
        """A graph of the bundle on these buffers, by the tensor names of `lrhdr.contract`.

        `inputs` may hold more than the graph takes.
        """

    def unpack(self, raw: Buffer, image: Buffer) -> Program:
        """Codes (H, W, 3) of uint8 or uint16 to a padded float32 image (1, 3, H', W') in [0, 1].

        Each code is divided by the greatest of its type; the last row and column are replicated.
        """

    def pack(self, hdr: Buffer, picture: Buffer, statistics: Buffer, encoding: Encoding) -> Program:
        """Padded radiance (1, 3, H', W') to a picture (H, W, 3), and what was seen on the way.

        The picture is float32 radiance times the gain, or, with `white_nits`, uint16 PQ codes of
        R'G'B' in BT.2020 (ST 2084), 0 to PQ_WHITE, rounded to the nearest, values
        that are not finite as black. So fine that 10-bit Y'CbCr can still be rounded from them.
        `statistics` is (3,) float64: how many values were not finite; then, for PQ codes, the
        greatest and the mean of max(R, G, B) in cd/m2, both 0 for radiance.
        """


def own(kind: type[T], handle: object) -> T:
    """A handle of the device's own kind.

    Raises:
        TypeError: it belongs to another device.
    """
    if not isinstance(handle, kind):
        raise TypeError(f"{type(handle).__name__} was given where {kind.__name__} is needed")
    return handle
