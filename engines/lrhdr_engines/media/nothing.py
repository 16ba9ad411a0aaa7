"""The null output: everything but the writing, for timing and for checks."""

from __future__ import annotations

from fractions import Fraction

from lrhdr_engines.media.signal import Hdr10Encoder, checked
from lrhdr_engines.media.sink import OutputSettings, Picture


class NullSink:
    """Converts and meters like HDR10, then drops the frame. See `Sink`."""

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings
        self._encoder = Hdr10Encoder(settings.white_nits)
        self._frames = 0
        self._repaired = 0

    takes_pq = False

    @property
    def next_index(self) -> int:
        """See `Sink`."""
        return self._settings.first_index

    def write(self, index: int, radiance: Picture, time: Fraction) -> None:
        """One frame. See `Sink`."""
        frame, bad = checked(radiance, self._settings)
        self._encoder.encode(frame)
        self._frames += 1
        self._repaired += bad

    def close(self, *, complete: bool = True) -> dict[str, object]:
        """Facts. See `Sink`."""
        return {
            "kind": "null",
            "path": None,
            "frames": self._frames,
            "max_cll": self._encoder.meter.max_cll,
            "max_fall": self._encoder.meter.max_fall,
            "repaired_values": self._repaired,
            "notes": [],
        }

    def abort(self) -> None:
        """Nothing to undo."""
