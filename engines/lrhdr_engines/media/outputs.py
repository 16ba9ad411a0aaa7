"""Which writer an output means: FORMAT:PATH, or a path whose suffix says it.

Writers are imported when they are asked for: their libraries are heavy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lrhdr.errors import OutputError
from lrhdr_engines.media.sink import VIDEO_SUFFIXES, OutputSettings, Sink

Format = Literal[
    "hdr10",
    "exr",
    "null",
]
_BY_SUFFIX: dict[str, Format] = {
    ".exr": "exr",
    **dict.fromkeys(VIDEO_SUFFIXES, "hdr10"),
}
KINDS = ".mp4, .mov or .mkv for HDR10, a folder or frame_%06d.exr for EXR, null for no output"


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
    `####.exr`) are EXR, one file a frame, and `null` writes nothing.

    Raises:
        OutputError: a suffix that says nothing.
    """
    known: tuple[Format, ...] = get_args(Format)
    name, colon, path = text.partition(":")
    for format_ in known:
        if text == format_ == "null":
            return Target(format_, "")
        if colon and name == format_ and path:
            return Target(format_, path)
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
        case "exr":
            from lrhdr_engines.media.exr import ExrSink

            return ExrSink(Path(target.path), settings)
        case "hdr10":
            from lrhdr_engines.media.hdr10 import Hdr10Sink

            return Hdr10Sink(Path(target.path), settings)
