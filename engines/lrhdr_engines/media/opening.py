"""Which reader an input needs, and which writer an output's name means.

Readers and writers are imported when they are asked for: their libraries are heavy.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from lrhdr.errors import InputError, OutputError
from lrhdr_engines.media.sink import VIDEO_SUFFIXES, OutputSettings, Sink
from lrhdr_engines.media.source import Source

FOLDER_FRAME_RATE = Fraction(24)
KINDS = ".mp4, .mov or .mkv for HDR10, a folder or frame_%06d.exr for EXR, null for no output"


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


def open_sink(out: str | Path, settings: OutputSettings) -> Sink:
    """The output that a name means; everything is checked before any work.

    `.mp4`, `.mov` and `.mkv` are HDR10 video. A folder (it exists, ends in "/"
    or has no suffix) and a pattern (`shot/frame_%06d.exr`, `####.exr`) are
    half-float EXR, one file a frame. `null` writes nothing.

    Raises:
        OutputError: an unknown suffix, an existing output without `overwrite`,
            or a place that cannot be written.
        InputError: a single .exr name, where a pattern is needed.
    """
    text = str(out)
    path = Path(out)
    suffix = path.suffix.lower()
    if text == "null":
        from lrhdr_engines.media.nothing import NullSink

        return NullSink(settings)
    if suffix == ".exr" or path.is_dir() or text.endswith("/") or not suffix:
        from lrhdr_engines.media.exr import ExrSink

        return ExrSink(path, settings)
    if suffix in VIDEO_SUFFIXES:
        from lrhdr_engines.media.hdr10 import Hdr10Sink

        return Hdr10Sink(path, settings)
    raise OutputError(f"{out} ends in {suffix}", expected=KINDS)
