"""Opening a file with FFmpeg, and finding its video."""

from __future__ import annotations

from pathlib import Path

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.video.stream import VideoStream

from lrhdr.errors import InputError
from lrhdr_engines.media.mp4 import index_missing

_TEXT = {"tty", "bin", "xbin", "adf", "idf"}  # FFmpeg draws text files as pictures


def open_container(path: Path, hardware: HWAccel | None = None) -> InputContainer:
    """The file, opened by FFmpeg.

    Raises:
        InputError: it cannot be opened, with the reason.
    """
    try:
        # "file:" keeps names such as a:b.mov from being taken for a protocol.
        return av.open(f"file:{path}", "r", hwaccel=hardware)
    except (av.FFmpegError, OSError, UnicodeDecodeError) as error:
        if isinstance(error, av.InvalidDataError) and index_missing(path):
            raise InputError(
                f"{path} has no index (moov box): the recording or copy was cut off, "
                "and without an index nothing can be decoded",
                next_step="Copy the clip again, or rebuild its index with a repair tool "
                "and an intact clip of the same camera",
            ) from None
        raise InputError(
            f"{path} cannot be opened as a video ({getattr(error, 'strerror', error)})",
            expected="a video file such as .mov, .mp4, .mkv or .avi, or a folder of images",
        ) from None


def main_video(container: InputContainer, path: Path) -> VideoStream:
    """The main video stream.

    Raises:
        InputError: the file holds none, or nothing here can decode it.
    """
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or container.format.name in _TEXT:
        raise InputError(f"{path} has no video stream", expected="a video")
    if stream.codec_context is None:
        raise InputError(f"{path} holds video that no decoder here knows", expected="a video")
    return stream
