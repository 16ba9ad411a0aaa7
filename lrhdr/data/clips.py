"""Video files as numbered frames: short runs of them, exact to the frame, without decoding all."""

from __future__ import annotations

import zlib
from collections import Counter
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

# Containers that store when every frame is shown. In the others FFmpeg guesses, and after a
# seek it may guess otherwise.
_TIMED = {"mov", "matroska"}
_TRIED = 4  # keyframes to seek, before decoding from the beginning


@dataclass(frozen=True, slots=True)
class Key:
    """Where decoding can start: frame `index`, sought by `time`, known again by `mark`."""

    index: int
    time: int
    mark: int


@dataclass(frozen=True, slots=True)
class VideoClip:
    """A clip whose frames were counted once, by `open_clip`.

    Attributes:
        path: the file.
        length: how many frames it shows.
        timed: whether a key's mark is its time; otherwise it is a checksum of its picture.
        keys: in order of their index.
    """

    path: Path
    length: int
    timed: bool
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
        # A seek may land behind its target; then the key before it is the next.
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

    def _decode(self, target: Key | None, first: int, count: int) -> list[Codes]:
        """The frames, or fewer: the seek landed too late, or one is broken."""
        frames: list[Codes] = []
        with _opened(self.path) as (container, stream):
            if target is not None:
                container.seek(target.time, stream=stream)
            pictures = container.decode(stream)
            for index, picture in enumerate(pictures) if target is None else self._found(pictures):
                if picture.is_corrupt or (not frames and index > first):
                    break
                if index >= first:
                    frames.append(picture.to_ndarray(format="rgb24").astype(np.uint8, copy=False))
                if len(frames) == count:
                    break
        return frames

    def _found(self, pictures: Iterator[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
        """Pictures with their numbers, from the first keyframe on, if it is known again."""
        first = next((picture for picture in pictures if picture.key_frame), None)
        if first is None:
            return
        mark = first.pts if self.timed else _checksum(first)
        for key in self.keys:
            if key.mark == mark:
                yield key.index, first
                yield from enumerate(pictures, key.index + 1)


def open_clip(path: Path) -> VideoClip:
    """Count a clip's frames: by its packets in MOV, MP4 and MKV, else by decoding it once.

    Raises:
        TrainingError: it is no video that can be read.
    """
    try:
        with _opened(path) as (container, stream):
            times = _times(container, stream)
            if times is None:
                container.seek(0)
                return _counted(path, container.decode(stream))
    except (av.FFmpegError, OSError) as error:
        raise TrainingError(
            f"{path} cannot be read as a video ({error.strerror})", expected="a video file"
        ) from None
    keys = tuple(Key(index, time, time) for index, (time, is_key) in enumerate(times) if is_key)
    return VideoClip(path, len(times), True, keys)


def _times(container: InputContainer, stream: VideoStream) -> list[tuple[int, bool]] | None:
    """(time, whether it is a keyframe) of every frame that is shown, in order; None: unknown."""
    if not _TIMED & set(container.format.name.split(",")):
        return None
    packets = [p for p in container.demux(stream) if p.size and not p.is_discard]
    times = [(p.pts, p.is_keyframe) for p in packets if p.pts is not None]
    return sorted(times) if len(times) == len(packets) else None


def _counted(path: Path, pictures: Iterator[VideoFrame]) -> VideoClip:
    keys, length = [], 0
    for picture in pictures:
        if picture.key_frame and picture.pts is not None:
            keys.append(Key(length, picture.pts, _checksum(picture)))
        length += 1
    marks = Counter(key.mark for key in keys)
    return VideoClip(path, length, False, tuple(k for k in keys if marks[k.mark] == 1))


def _checksum(picture: VideoFrame) -> int:
    return zlib.crc32(picture.to_ndarray(format="gray").tobytes())


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    # "file:" keeps names such as a:b.mov from being taken for a protocol.
    with av.open(f"file:{path}", "r") as container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise TrainingError(f"{path} has no video stream", expected="a video file")
        yield container, stream
