"""The null output: everything but the writing, for timing and for checks."""

from __future__ import annotations

from fractions import Fraction

from lrhdr_engines.media.signal import SignalEncoder
from lrhdr_engines.media.sink import OutputSettings, Picture


class NullSink:
    """Converts and meters like HDR10, then drops the frame. See `Sink`."""

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings
        self._signal = SignalEncoder("pq", chroma="420", bits=10, white_nits=settings.white_nits)
        self._frames = 0

    @property
    def takes_pq(self) -> bool:
        """See `Sink`."""
        return self._signal.takes_pq

    @property
    def next_index(self) -> int:
        """See `Sink`."""
        return self._settings.first_index

    @property
    def kept(self) -> int:
        """See `Sink`."""
        return 0

    def write(self, index: int, picture: Picture, time: Fraction) -> None:
        """One frame. See `Sink`."""
        self._signal.planes(picture, self._settings)
        self._frames += 1

    def close(self, *, complete: bool = True, keep: bool = False) -> dict[str, object]:
        """Facts. See `Sink`."""
        return {
            "kind": "null",
            "path": None,
            "frames": self._frames,
            "max_cll": self._signal.meter.max_cll,
            "max_fall": self._signal.meter.max_fall,
            "repaired_values": self._signal.repaired,
            "notes": [],
        }

    def tidy(self) -> None:
        """Nothing was kept for later. See `Sink`."""

    def abort(self) -> None:
        """Nothing to undo."""
