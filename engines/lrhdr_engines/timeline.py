"""The exposures of a whole clip: stretches of frames in which they alternate regularly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Frames `start` to `stop` (exclusive; None: the clip's end) of one scene and one rhythm.

    Attributes:
        ev: exposure values in cycle order from frame `start`; frame t has `ev[(t - start) % Ne]`.
    """

    start: int
    stop: int | None
    ev: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """The rhythm is broken between frame `frame` - 1 and `frame`.

    "dropped": the camera lost frames. "duplicated": `frame` repeats the one before it.
    """

    frame: int
    kind: Literal["dropped", "duplicated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What is known of a clip's exposures.

    Attributes:
        segments: in order, without gaps, from frame 0 on; at least one. A new one begins at
            every cut and slip, and nothing is interpolated across its ends.
        cuts: frames at which a new scene begins.
        slips: frames at which the rhythm is broken within a scene.
        source: what the exposures were read from.
        confidence: 0 to 1; None where they were given.
        note: one line for the user.
        transfer: a camera curve (of `lrhdr.light.CAMERA_CURVES`) that the tones fit clearly better
            than the one the clip was read with; the EVs are those under the latter.
    """

    segments: tuple[Segment, ...]
    cuts: tuple[int, ...] = ()
    slips: tuple[Slip, ...] = ()
    source: Literal["flag", "Exposures.txt", "log", "metadata", "estimate"] = "flag"
    confidence: float | None = None
    note: str = ""
    transfer: str | None = None

    @property
    def ev(self) -> tuple[float, ...]:
        """The cycle from the clip's first frame."""
        return self.segments[0].ev

    def segment_at(self, frame: int) -> Segment:
        """The segment that holds a frame."""
        return next(s for s in reversed(self.segments) if s.start <= frame)

    def ev_of(self, frame: int) -> float:
        """The exposure value of a frame."""
        segment = self.segment_at(frame)
        return segment.ev[(frame - segment.start) % len(segment.ev)]
