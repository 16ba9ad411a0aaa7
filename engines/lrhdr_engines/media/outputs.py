"""Which writer an output means: FORMAT:PATH, or a path whose suffix says it.

Writers are imported when they are asked for: their libraries are heavy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lrhdr.errors import OutputError
from lrhdr_engines.media.sink import STANDARD_OUTPUT, VIDEO_SUFFIXES, OutputSettings, Sink

Format = Literal[
    "hdr10",
    "hlg",
    "av1",
    "prores",
    "prores4444",
    "ffv1",
    "sdr",
    "exr",
    "aces",
    "hdr",
    "ultrahdr",
    "y4m",
    "raw",
    "null",
]
_BY_SUFFIX: dict[str, Format] = {
    ".exr": "exr",
    ".hdr": "hdr",
    ".y4m": "y4m",
    **dict.fromkeys(VIDEO_SUFFIXES, "hdr10"),
}
KINDS = (
    ".mp4, .mov or .mkv for HDR10, a folder or frame_%06d.exr for EXR, %06d.hdr for Radiance, "
    ".y4m, y4m:- or raw:- for a pipe, null for no output"
)


@dataclass(frozen=True, slots=True)
class Target:
    """One output: its format, and the file, folder, pattern or "-" that it goes to."""

    format: Format
    path: str

    def __str__(self) -> str:
        return f"{self.format}:{self.path}"


def parse_output(text: str) -> Target:
    """What the user wrote after -o.

    `FORMAT:PATH` names the format. Without it `.mp4`, `.mov` and `.mkv` are HDR10 video, a
    folder (it exists, ends in "/" or has no suffix) and a pattern (`shot/frame_%06d.exr`,
    `####.exr`) are EXR, one file a frame, likewise `.hdr`; `.y4m` is one, and `null` writes
    nothing. "-" is standard output, for y4m and raw.

    Raises:
        OutputError: a suffix that says nothing, or standard output for another format.
    """
    known: tuple[Format, ...] = get_args(Format)
    name, colon, path = text.partition(":")
    for format_ in known:
        if text == format_ == "null":
            return Target(format_, "")
        if colon and name == format_ and path:
            if path == STANDARD_OUTPUT and format_ not in ("y4m", "raw"):
                raise OutputError(f"{text}: {format_} cannot be piped", expected="y4m:- or raw:-")
            return Target(format_, path)
    if text == STANDARD_OUTPUT:
        raise OutputError("standard output without a format", expected="y4m:- or raw:-")
    suffix = Path(text).suffix.lower()
    if suffix in _BY_SUFFIX:
        return Target(_BY_SUFFIX[suffix], text)
    if Path(text).is_dir() or text.endswith("/") or not suffix:
        return Target("exr", text)
    raise OutputError(f"{text} ends in {suffix}", expected=KINDS)


def open_sink(target: Target, settings: OutputSettings) -> Sink:
    """Open an output; everything is checked before any work.

    Raises:
        OutputError: an existing output without `overwrite`, a container that cannot hold the
            format, or a place that cannot be written.
        InputError: a single image's name, where a pattern is needed.
    """
    match target.format:
        case "null":
            from lrhdr_engines.media.nothing import NullSink

            return NullSink(settings)
        case "exr" | "aces":
            from lrhdr_engines.media.exr import ExrFormat
            from lrhdr_engines.media.image_sink import ImageSink

            image = ExrFormat(settings, aces=target.format == "aces")
            return ImageSink(Path(target.path), image, settings)
        case "hdr":
            from lrhdr_engines.media.image_sink import ImageSink
            from lrhdr_engines.media.radiance_hdr import RadianceFormat

            return ImageSink(Path(target.path), RadianceFormat(settings), settings)
        case "ultrahdr":
            from lrhdr_engines.media.ultrahdr import open_ultrahdr

            return open_ultrahdr(Path(target.path), settings)
        case "y4m" | "raw":
            from lrhdr_engines.media.pipe import PipeSink

            return PipeSink(target.path, target.format, settings)
        case "hdr10" | "hlg" | "av1" | "prores" | "prores4444" | "ffv1" | "sdr":
            from lrhdr_engines.media.video_formats import VIDEO_FORMATS
            from lrhdr_engines.media.video_sink import VideoSink

            return VideoSink(Path(target.path), VIDEO_FORMATS[target.format], settings)
