"""Programs as one CUDA graph, where each of them may be captured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from lrhdr_engines.device.protocol import Graph, Program, Stream


@runtime_checkable
class MayRefuse(Protocol):
    """A program that cannot always be captured: TensorRT-RTX says so of a context."""

    def capturable(self, stream: Stream) -> bool:
        """Whether it can be captured on this stream now. It must have run there before."""


class Queued:
    """See `Graph`: the same programs, queued one by one at each launch."""

    def __init__(self, programs: Sequence[Program]) -> None:
        """The programs, in order."""
        self._programs = tuple(programs)

    def launch(self, stream: Stream) -> None:
        """See `Graph`."""
        for program in self._programs:
            program.enqueue(stream)


def captured(stream: Stream, programs: Sequence[Program]) -> Graph:
    """The programs as one captured graph; uncaptured where one of them says no.

    Raises:
        BackendError: the device failed.
    """
    if not all(p.capturable(stream) for p in programs if isinstance(p, MayRefuse)):
        return Queued(programs)
    stream.begin_capture()
    for program in programs:
        program.enqueue(stream)
    return stream.end_capture()
