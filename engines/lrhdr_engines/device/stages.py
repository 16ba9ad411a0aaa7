"""How long a stage takes on the device, by timed events before and after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lrhdr_engines.device.protocol import Device, Stream


class Stage:
    """One stage of the latest `slots` frames or windows."""

    def __init__(self, device: Device, name: str, slots: int) -> None:
        """Make the events; nothing is timed yet."""
        self.name = name
        self._events = [
            tuple(device.event(f"{name} {k} {end}", timed=True) for end in ("begins", "ends"))
            for k in range(slots)
        ]

    @contextmanager
    def timed(self, index: int, stream: Stream) -> Iterator[None]:
        """What is queued on the stream inside is the stage of frame or window `index`."""
        began, ended = self._events[index % len(self._events)]
        stream.record(began)
        yield
        stream.record(ended)

    def milliseconds(self, index: int) -> float:
        """Of one of the latest; the host has waited for what was queued after it."""
        began, ended = self._events[index % len(self._events)]
        return ended.since(began)
