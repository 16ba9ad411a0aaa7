"""Which reader an input needs. Readers are imported when they are asked for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from lrhdr.errors import InputError
from lrhdr_engines.media.source import Source

FOLDER_FRAME_RATE = Fraction(24)


def open_source(path: Path, frame_rate: Fraction | None = None) -> Source:
    """A video file, or a folder of images.

    Args:
        path: the file or folder.
        frame_rate: that of a folder, 24 unless given. A video has its own.

    Raises:
        InputError: there is nothing at `path` that can be decoded.
    """
    if path.is_dir():
        from lrhdr_engines.media.folder import FolderSource

        return FolderSource(path, frame_rate or FOLDER_FRAME_RATE)
    if not path.exists():
        raise InputError(f"{path} does not exist", expected="a video or a folder of images")
    if frame_rate is not None:
        raise InputError(
            f"a frame rate of {frame_rate} was given for {path}",
            expected="a frame rate only with a folder of images: a video has its own",
        )
    from lrhdr_engines.media.video import VideoSource

    return VideoSource(path)
