"""Video files as numbered frames: short runs of them, exact to the frame, without decoding all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from lrhdr.errors import TrainingError

Codes = NDArray[np.uint8]  # (H, W, 3), R'G'B'

SUFFIXES = (".avi", ".mkv", ".mov", ".mp4", ".mpg")

# Containers that give every packet the time its frame is shown at; others are decoded once.
_TIMED = {"mov", "matroska"}
_TRIED = 3  # keyframes to start from, before decoding from the beginning


@dataclass(frozen=True, slots=True)
class Key:
    """Where decoding can start: frame `index`, shown at `time` in units of the stream."""

    index: int
    time: int


@dataclass(frozen=True, slots=True)
class VideoClip:
    """A clip whose frames were counted once, by `open_clip`: `length` of them, some of them keys."""

    path: Path
    length: int
    keys: tuple[Key, ...] = field(repr=False)

    def __len__(self) -> int:
        return self.length

    def read(self, first: int, count: int) -> list[Codes]:
        """Frames `first` to `first + count - 1` in display order, from a keyframe before them.

        The colours are the decoder's idea of them: whoever trains on SDR video has to
        guess the response anyhow.

        Raises:
            TrainingError: they cannot be decoded.
        """
        keys = [key for key in self.keys if key.index <= first]
        reason = "the clip ends before"
        # A seek may land behind its target; the key before it is the next try.
        for key in (*keys[: -_TRIED - 1 : -1], None):
            try:
                frames = self._decode(key, first, count)
            except (av.FFmpegError, OSError) as error:
                reason = str(error.strerror)
                continue
            if len(frames) == count:
                return frames
        last = first + count - 1
        raise TrainingError(f"frames {first} to {last} of {self.path} cannot be decoded ({reason})")

    def _decode(self, key: Key | None, first: int, count: int) -> list[Codes]:
        """The frames, fewer where the seek landed behind `key` or a frame is broken."""
        frames: list[Codes] = []
        with _opened(self.path) as (container, stream):
            for index, picture in _pictures_from(key, container, stream):
                if index >= first:
                    if picture.is_corrupt:
                        break
                    frames.append(picture.to_ndarray(format="rgb24"))
                if len(frames) == count:
                    break
        return frames


def open_clip(path: Path) -> VideoClip:
    """Count a clip's frames: by its packets in MOV, MP4 and MKV, else by decoding it once.

    Raises:
        TrainingError: it is no video that can be read.
    """
    keys, newest = [], -1
    try:
        with _opened(path) as (container, stream):
            marks = _marks(container, stream)
    except (av.FFmpegError, OSError) as error:
        raise TrainingError(
            f"{path} cannot be read as a video ({error.strerror})", expected="a video file"
        ) from None
    for index, (time, is_key) in enumerate(marks):
        if time is not None:
            if is_key and (not keys or time > newest):  # a time that tells this frame from others
                keys.append(Key(index, time))
            newest = max(newest, time)
    return VideoClip(path, len(marks), tuple(keys))


def _marks(container: InputContainer, stream: VideoStream) -> list[tuple[int | None, bool]]:
    """(time, whether it is a keyframe) of every frame that is shown, in display order."""
    if _TIMED & set(container.format.name.split(",")):
        packets = [p for p in container.demux(stream) if p.size and not p.is_discard]
        timed = [(p.pts, p.is_keyframe) for p in packets if p.pts is not None]
        if len(timed) == len(packets):
            return [*sorted(timed)]
        container.seek(0)
    return [(picture.pts, picture.key_frame) for picture in container.decode(stream)]


def _pictures_from(
    key: Key | None, container: InputContainer, stream: VideoStream
) -> Iterator[tuple[int, VideoFrame]]:
    """Numbered pictures from `key` on (None: from the beginning), none if the seek missed it."""
    pictures = container.decode(stream)
    if key is not None:
        container.seek(key.time, stream=stream)
        for picture in pictures:
            if picture.pts == key.time:
                yield key.index, picture
                break
            if picture.pts is None or picture.pts > key.time:
                return
    begin = 0 if key is None else key.index + 1
    yield from enumerate(pictures, begin)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    # "file:" keeps names such as a:b.mov from being taken for a protocol.
    with av.open(f"file:{path}", "r") as container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise TrainingError(f"{path} has no video stream", expected="a video file")
        yield container, stream
