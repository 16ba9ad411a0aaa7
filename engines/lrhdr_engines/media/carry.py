"""What goes along from the input besides its pictures and sound: tags, chapters, time code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.video.stream import VideoStream

from lrhdr.errors import InputError
from lrhdr_engines.media.container import open_container
from lrhdr_engines.media.timing import start_seconds

if TYPE_CHECKING:
    from av.container.core import Chapter

# The input's key, in lower case, to the output's.
_TAGS = {
    "title": "title",
    "com.apple.quicktime.title": "title",
    "creation_time": "creation_time",
    "location": "location",
    "com.apple.quicktime.location.iso6709": "location",
    "make": "make",
    "com.apple.quicktime.make": "make",
    "model": "model",
    "com.apple.quicktime.model": "model",
    "artist": "artist",
    "copyright": "copyright",
    "comment": "comment",
    "description": "description",
}
_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")
_MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Carried:
    """Tags and chapters of the output."""

    tags: dict[str, str] = field(default_factory=dict)
    chapters: list[Chapter] = field(default_factory=list)


def carried(path: Path | None, start: Fraction, seconds: Fraction) -> Carried:
    """What the input says of itself; nothing where there is none, or a folder.

    Args:
        path: the input.
        start: seconds from its frame 0 to the output's first.
        seconds: how long the output is; chapters outside of it are left out.
    """
    if path is None or not path.is_file():
        return Carried()
    try:
        container = open_container(path)
    except InputError:
        return Carried()
    with container:
        video = container.streams.best("video")
        begin = start_seconds(video) if isinstance(video, VideoStream) else 0.0
        found = {_TAGS[k.lower()]: v for k, v in container.metadata.items() if k.lower() in _TAGS}
        chapters = [
            cut
            for chapter in container.chapters()
            if (cut := _cut(chapter, start + Fraction(begin), seconds)) is not None
        ]
    return Carried(found, chapters)


def _cut(chapter: Chapter, start: Fraction, seconds: Fraction) -> Chapter | None:
    """The chapter's part in the output, in milliseconds from the output's begin."""
    base = chapter["time_base"] or Fraction(1, av.time_base)
    begin = max(chapter["start"] * base - start, Fraction(0))
    end = min(chapter["end"] * base - start, seconds)
    if end <= begin:
        return None
    return {
        "id": chapter["id"],
        "start": round(begin / _MILLISECOND),
        "end": round(end / _MILLISECOND),
        "time_base": _MILLISECOND,
        "metadata": chapter["metadata"],
    }


def advance(timecode: str, frames: int, rate: Fraction) -> str | None:
    """The time code `frames` later (SMPTE 12M); None where it is none for this rate.

    Drop-frame time code (";") leaves out the numbers 0 and 1 (of 60: 0 to 3) of every minute
    but each tenth.
    """
    match = _TIMECODE.fullmatch(timecode)
    base = round(rate)
    if match is None or not base:
        return None
    hours, minutes, seconds, number = (int(match[k]) for k in (1, 2, 3, 5))
    drop = match[4] != ":" and base % 30 == 0
    if number >= base or minutes > 59 or seconds > 59:
        return None
    count = ((hours * 60 + minutes) * 60 + seconds) * base + number
    dropped = base // 15 if drop else 0
    if drop:
        count -= dropped * (hours * 54 + minutes - minutes // 10)
    per_day = 24 * (3600 * base - 54 * dropped)
    count = (count + frames) % per_day
    if drop:
        tens, rest = divmod(count, 600 * base - 9 * dropped)
        late = max(0, rest - dropped) // (60 * base - dropped)
        count += dropped * (9 * tens + late)
    total, number = divmod(count, base)
    separator = ";" if drop else ":"
    return f"{total // 3600:02d}:{total // 60 % 60:02d}:{total % 60:02d}{separator}{number:02d}"
