"""Pictures out of a container, and an honest account of what is missing from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from lrhdr.errors import InputError
from lrhdr_engines.media.mp4 import index_missing

_FALLBACK_RATE = Fraction(24)  # raw streams that say nothing
_TEXT = {"tty", "bin", "xbin", "adf", "idf"}  # FFmpeg draws text files as pictures
_GAP = Fraction(3, 2)  # frame periods: more between two pictures, and one is missing


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

    def kept(self, count: int, last: Fraction | None) -> bool:
        """Whether `count` frames, the last shown at `last` seconds, are all of them."""
        if self.frames is not None:
            return count >= self.frames
        if self.end is None or last is None:
            return True
        return float(last + _GAP / self.rate) >= self.end


class Decoder:
    """Pictures in display order, up to the end or to the first damage."""

    def __init__(self, container: InputContainer, stream: VideoStream, promise: Promise) -> None:
        stream.thread_type = "AUTO"
        self.count = 0
        # What is wrong with the clip, None while nothing is.
        self.damage: str | None = None
        self._container = container
        self._stream = stream
        self._promise = promise
        self._repeats = 0  # empty packets: AVI's way to show a frame twice
        self._previous: av.VideoFrame | None = None

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Every whole picture before the damage.

        Where a clip breaks off, the decoder still holds pictures that follow a
        lost one in display order. They are left out: taking them would shift
        the exposures by a frame.
        """
        yield from self._whole(self._body())
        tail = self._held()
        last = self._seconds(tail[-1] if tail else self._previous)
        if not self._promise.kept(self.count + len(tail) + self._repeats, last):
            self.damage = self.damage or "cut off"
        yield from self._whole(tail)

    def _body(self) -> Iterator[av.VideoFrame]:
        """What comes out while packets go in."""
        packets = self._container.demux(self._stream)
        while not self.damage:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                if packet.is_corrupt:
                    self.damage = "cut off"
                    return
                if packet.size == 0:  # decoding one would end the stream
                    self._repeats += packet.dts is not None
                    continue
                pictures = packet.decode()
            except av.FFmpegError as error:
                self.damage = f"damaged ({error.strerror})"
                return
            yield from pictures

    def _held(self) -> list[av.VideoFrame]:
        """What the decoder still holds once no more packets go in."""
        try:
            return self._stream.decode(None)
        except av.FFmpegError as error:
            self.damage = self.damage or f"damaged ({error.strerror})"
            return []

    def _whole(self, pictures: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Pictures before the first broken, missing or resized one."""
        for picture in pictures:
            if picture.is_corrupt and self.count == 0:
                continue  # cut from a broadcast: nothing before the first key frame counts
            if picture.is_corrupt:
                self.damage = self.damage or "damaged"
                return
            if self.damage and self._gap(picture):
                return
            if self._previous and _size(picture) != _size(self._previous):
                self.damage = (
                    f"damaged (frame {self.count} is {_size(picture)}, "
                    f"the one before it {_size(self._previous)})"
                )
                return
            self.count += 1
            self._previous = picture
            yield picture

    def _gap(self, picture: av.VideoFrame) -> bool:
        before, now = self._seconds(self._previous), self._seconds(picture)
        if before is None or now is None:
            return False
        return now - before > _GAP / self._promise.rate

    def _seconds(self, picture: av.VideoFrame | None) -> Fraction | None:
        # Not picture.time: pictures that a flush brings have no time base of their own.
        if picture is None or picture.pts is None or self._stream.time_base is None:
            return None
        return picture.pts * self._stream.time_base


def _size(picture: av.VideoFrame) -> str:
    return f"{picture.width}x{picture.height}"


def open_container(path: Path) -> InputContainer:
    """The file, opened by FFmpeg.

    Raises:
        InputError: it cannot be opened, with the reason.
    """
    try:
        # "file:" keeps names such as a:b.mov from being taken for a protocol.
        return av.open(f"file:{path}", "r")
    except (av.FFmpegError, OSError) as error:
        if isinstance(error, av.InvalidDataError) and index_missing(path):
            raise InputError(
                f"{path} has no index (moov box): the recording or copy was cut off, "
                "and without an index nothing can be decoded",
                next_step="Copy the clip again, or rebuild its index with a repair tool "
                "and an intact clip of the same camera",
            ) from None
        raise InputError(
            f"{path} cannot be opened as a video ({error.strerror})",
            expected="a video file such as .mov, .mp4, .mkv or .avi, or a folder of images",
        ) from None


def main_video(container: InputContainer, path: Path) -> VideoStream:
    """The main video stream.

    Raises:
        InputError: the file holds none.
    """
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or container.format.name in _TEXT:
        raise InputError(f"{path} has no video stream", expected="a video")
    return stream


def start_seconds(stream: VideoStream) -> float:
    """When the stream's first frame is shown."""
    return float((stream.start_time or 0) * (stream.time_base or 0))


def promise_of(container: InputContainer, stream: VideoStream) -> Promise:
    """What the container promises; frames that an edit list hides are not counted."""
    hidden = sum(entry.is_discard for entry in stream.index_entries)
    return Promise(
        rate=Fraction(stream.guessed_rate or stream.average_rate or _FALLBACK_RATE),
        frames=stream.frames - hidden if stream.frames else None,
        begin=start_seconds(stream),
        end=_declared_end(container, stream),
    )


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
