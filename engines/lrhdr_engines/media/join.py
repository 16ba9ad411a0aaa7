"""Finished segments to one file: packets are copied, nothing is encoded again."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from lrhdr_engines.media.audio import AudioCopy
from lrhdr_engines.media.carry import advance, carried
from lrhdr_engines.media.encoding import time_base
from lrhdr_engines.media.matroska import describe
from lrhdr_engines.media.packets import Encoded, Packets
from lrhdr_engines.media.video_formats import CONTAINERS, coded_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What went along: the codec of each audio stream, and sentences for the user."""

    audio: list[str]
    notes: list[str]


def join(part: Path, encoded: Encoded) -> Joined:
    """Write all segments into a new file, whose suffix is the container's, and wait for the disk.

    Raises:
        OutputError: a segment is damaged; nothing is left.
        OSError, FFmpegError: it cannot be written; nothing is left.
    """
    try:
        with part.open("w+b") as file:
            joined = _write(file, CONTAINERS[part.suffix.lower()], encoded)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return joined


def _write(file: IO[bytes], format_name: str, encoded: Encoded) -> Joined:
    settings = encoded.settings
    packets = Packets(encoded)
    along = carried(settings.carry_from, settings.start, packets.seconds)
    # Bit-exact muxers write no version and no random number.
    options = {"fflags": "+bitexact"}
    if format_name == "mp4" and {"make", "model"} & set(along.tags):
        options["movflags"] = "use_metadata_tags"  # iTunes' list has no place for cameras
    container = av.open(file, "w", format=format_name, container_options=options)
    audio: AudioCopy | None = None
    try:
        stream = _video_stream(container, encoded, packets.private)
        audio = AudioCopy(settings.carry_from, container, float(settings.start))
        container.metadata.update(along.tags)
        container.set_chapters(along.chapters)
        container.start_encoding()
        for packet, seconds in packets.timed(stream):
            audio.feed(seconds)
            container.mux(packet)
        audio.feed(float(packets.seconds))
        container.close()
    except BaseException:
        _drop(container, file)
        raise
    finally:
        if audio is not None:
            audio.close()
    return Joined(audio=audio.codecs, notes=audio.notes)


def _drop(container: OutputContainer, file: IO[bytes]) -> None:
    """Close; PyAV writes no trailer once its file is closed."""
    with contextlib.suppress(OSError):
        file.close()
    with contextlib.suppress(av.FFmpegError, OSError, ValueError):
        container.close()


def _video_stream(container: OutputContainer, encoded: Encoded, private: bytes) -> VideoStream:
    spec, settings = encoded.spec, encoded.settings
    size = coded_size(settings.width, settings.height, spec.chroma)
    with describe(spec, size, private, encoded.light) as described:
        stream = container.add_stream_from_template(described.streams.video[0], opaque=True)
    stream.time_base = time_base(settings)
    if not settings.variable_rate:
        stream.codec_context.framerate = settings.frame_rate
    if spec.tag is not None and container.format.name != "matroska":
        stream.codec_context.codec_tag = spec.tag
    if settings.rotation:
        stream.set_display_rotation(-settings.rotation)  # PyAV counts counter-clockwise
    if settings.timecode is not None:
        skipped = round(settings.start * settings.frame_rate)
        timecode = advance(settings.timecode, skipped, settings.frame_rate)
        if timecode is not None:
            stream.metadata["timecode"] = timecode
    return stream
