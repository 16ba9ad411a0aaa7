"""The packets of all segments as one stream: their times, and the numbers known at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.stream import Stream

from lrhdr.errors import OutputError
from lrhdr_engines.media import obu
from lrhdr_engines.media.encoding import time_base
from lrhdr_engines.media.segment import Segment
from lrhdr_engines.media.sink import OutputSettings
from lrhdr_engines.media.video_formats import VideoSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """All that is joined.

    Attributes:
        folder: where the segments are.
        segments: at least one.
        spec: their format.
        settings: of the output.
        light: MaxCLL and MaxFALL in cd/m2; None where the format has none.
    """

    folder: Path
    segments: Sequence[Segment]
    spec: VideoSpec
    settings: OutputSettings
    light: tuple[int, int] | None


class Packets:
    """Packets in the encoder's order, with times for the whole output."""

    def __init__(self, encoded: Encoded) -> None:
        """Raises OutputError where the segments do not fit together."""
        self._encoded = encoded
        self._base = time_base(encoded.settings)
        shown = [time for segment in encoded.segments for time in segment.times]
        self._times = sorted(shown)
        # The least delay that lets every packet be decoded before it is shown. An encoder's own
        # decoding times are of its segment alone (and x265's are wrong for up to two frames).
        rank = {time: place for place, time in enumerate(self._times)}
        self._delay = max(place - rank[time] for place, time in enumerate(shown))
        last = max(1, round(1 / encoded.settings.frame_rate / self._base))
        self._durations = {now: after - now for now, after in pairwise(self._times)}
        self._durations[self._times[-1]] = last
        self.seconds: Fraction = (self._times[-1] + last) * self._base
        self.private = self._private()

    def _private(self) -> bytes:
        """The encoder's extradata, or the codec's tag where it has none."""
        first, spec = self._encoded.segments[0], self._encoded.spec
        if spec.codec == "libsvtav1":
            return obu.sequence_header(next(first.packets(self._encoded.folder)))
        if any(segment.private != first.private for segment in self._encoded.segments):
            raise OutputError(
                "the encoder's headers differ between the segments",
                next_step="Start again with --overwrite",
            )
        return self._corrected(bytes.fromhex(first.private)) or (spec.tag or "").encode()

    def timed(self, stream: Stream) -> Iterator[tuple[av.Packet[Stream], float]]:
        """(packet, seconds at which the frame of its place in the order is shown).

        Raises:
            OutputError: a segment is damaged.
        """
        place = 0
        for segment in self._encoded.segments:
            read = segment.packets(self._encoded.folder)
            for data, time, key in zip(read, segment.times, segment.keys, strict=True):
                packet = av.Packet(self._corrected(data) if key else data)
                packet.stream = stream
                packet.time_base = self._base
                packet.pts = time
                packet.dts = self._decoded(place)
                packet.duration = self._durations[time]
                packet.is_keyframe = key
                yield packet, float(self._times[place] * self._base)
                place += 1

    def _corrected(self, data: bytes) -> bytes:
        correct, light = self._encoded.spec.correct, self._encoded.light
        return data if correct is None or light is None else correct(data, *light)

    def _decoded(self, place: int) -> int:
        if place >= self._delay:
            return self._times[place - self._delay]
        step = self._durations[self._times[0]]
        return self._times[0] - (self._delay - place) * step
