"""When a clip's frames are shown: its rate, whether that varies, and how much of it there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

import av
from av.container import InputContainer
from av.video.stream import VideoStream

_FALLBACK_RATE = Fraction(24)  # raw streams that say nothing
_LOOK_PACKETS, _LOOK_BYTES = 256, 32 << 20  # how far to look where there is no index
_REORDERED = 16  # of these, the last may still be followed by an earlier one (H.264, DPB size)
_JITTER = 20  # spacings within a 20th of each other are one rate: cameras' clocks are not exact
_FEW = 50  # frames among which damage may have left one gap, where there is no index
_PERIODS = Fraction(3, 2)  # frame periods: more between two pictures, and one is missing
_TERMS = 100_000  # of a measured rate: encoders keep it in 32 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How a clip's frames follow each other.

    Attributes:
        rate: frames a second; the mean of those looked at where it varies.
        variable: the rate varies by more than the container's tick and a camera's jitter.
        dated: packets and pictures carry the times at which they are shown.
        tick: seconds of one unit of those times.
    """

    rate: Fraction
    tick: Fraction
    variable: bool = False
    dated: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a container says about its video before any of it is decoded.

    `frames` is a count; where there is none, `begin` and `end` are seconds. MP4,
    MOV and AVI count frames, Matroska states when its tracks end. Others take
    their duration from what is there, and so promise nothing.
    """

    rate: Fraction
    frames: int | None
    begin: float
    end: float | None

    @property
    def expected(self) -> int | None:
        """Frames to expect, rounded from the duration where they are not counted."""
        if self.frames is not None or self.end is None:
            return self.frames
        return round((self.end - self.begin) * self.rate)

    def kept(self, count: int, last: Fraction | None, longest: Fraction = Fraction(0)) -> bool:
        """Whether `count` frames are all of them.

        Args:
            count: frames seen.
            last: when the last of them is shown, in seconds.
            longest: seconds that one was shown for, if that is more than a period.
        """
        if self.frames is not None:
            return count >= self.frames
        if self.end is None or last is None:
            return True
        return float(last + _PERIODS * max(1 / self.rate, longest)) >= self.end


def start_seconds(stream: VideoStream) -> float:
    """When the stream's first frame is shown."""
    return float((stream.start_time or 0) * (stream.time_base or 0))


def promise_of(container: InputContainer, stream: VideoStream, rate: Fraction) -> Promise:
    """What the container promises; frames that an edit list hides are not counted."""
    hidden = sum(entry.is_discard for entry in stream.index_entries)
    return Promise(
        rate=rate,
        frames=stream.frames - hidden if stream.frames else None,
        begin=start_seconds(stream),
        end=_declared_end(container, stream),
    )


def rhythm_of(container: InputContainer, stream: VideoStream) -> Rhythm:
    """The clip's rhythm, without decoding anything. Reads on in `container`: open it anew after.

    From the index where it has an entry for every frame (MP4, MOV, AVI), otherwise from the
    timestamps of the first 256 packets or 32 MiB. The rate is constant where the frames are
    evenly spaced up to the larger of one tick and a 20th of a period. Without an index one
    spacing in 50 may be several periods: packets are lost there, not slow. Of the rates that the
    container states, the first that fits is taken; if none does, the mean.
    """
    stated = [Fraction(rate) for rate in (stream.guessed_rate, stream.average_rate) if rate]
    stated = stated or [_FALLBACK_RATE]
    tick = stream.time_base
    # AVI counts packets: where their order is not that of the pictures, FFmpeg makes times up.
    reordered = stream.codec_context.has_b_frames and stream.codec_context.name != "mpeg4"
    if not tick or tick < 0 or (container.format.name == "avi" and reordered):
        return Rhythm(rate=stated[0], tick=tick or Fraction(1), dated=False)
    if container.format.name == "yuv4mpegpipe":
        return Rhythm(rate=stated[0], tick=tick)  # has no times; and a pipe may be slow
    if stream.frames and len(stream.index_entries) == stream.frames:
        entries = [e.timestamp for e in stream.index_entries if not e.is_discard]
        rhythm = _rhythm(entries, tick, stated, gaps=0)
        # Decoding times begin with made-up ones: the container's own mean is the better one.
        return replace(rhythm, rate=stated[-1]) if rhythm.variable else rhythm
    times = _first_times(container, stream)
    if times is None:
        return Rhythm(rate=stated[0], tick=tick, dated=False)
    return _rhythm(times, tick, stated, gaps=-(-len(times) // _FEW))


def _rhythm(times: Sequence[int], tick: Fraction, stated: list[Fraction], gaps: int) -> Rhythm:
    """The rhythm of ascending `times`, in ticks."""
    steps = [b - a for a, b in pairwise(times)]
    if len(steps) < 2 or median_low(steps) <= 0:
        return Rhythm(rate=stated[0], tick=tick)
    period = median_low(steps)
    slack = max(Fraction(1), Fraction(period, _JITTER))
    even = [step for step in steps if abs(step - period) <= slack]
    others = [step for step in steps if abs(step - period) > slack]
    lost = all(abs(s - period * round(s / period)) <= slack * (s // period) for s in others)
    if len(others) > gaps or not lost:
        span = times[-1] - times[0]
        mean = Fraction(len(steps)) / (span * tick) if span > 0 else stated[0]
        return Rhythm(rate=mean.limit_denominator(_TERMS) or stated[0], tick=tick, variable=True)
    seconds = sum(even) * tick
    for rate in stated:
        if abs(seconds * rate - len(even)) <= 2 * slack * tick * rate:
            return Rhythm(rate=rate, tick=tick)
    return Rhythm(rate=(len(even) / seconds).limit_denominator(_TERMS) or stated[0], tick=tick)


def _first_times(container: InputContainer, stream: VideoStream) -> list[int] | None:
    """When the first frames are shown, ascending, in ticks; None if packets do not say."""
    times: list[int] = []
    size = 0
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.pts is None:
                return None
            times.append(packet.pts)
            size += packet.size
            if len(times) == _LOOK_PACKETS or size > _LOOK_BYTES:
                break
    except av.FFmpegError:
        pass  # said once decoding gets there
    sure = len(times) - _REORDERED if stream.codec_context.has_b_frames else len(times)
    return sorted(times)[: max(2, sure)]


def _declared_end(container: InputContainer, stream: VideoStream) -> float | None:
    """Seconds: Matroska's tag of the track, or the whole duration where there is no audio."""
    if "matroska" not in container.format.name:
        return None
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    except ValueError:
        alone = container.duration and not container.streams.audio
        return container.duration / av.time_base if alone and container.duration else None
