"""The input's audio, copied packet by packet into the output."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from lrhdr.errors import InputError
from lrhdr_engines.media.container import open_container
from lrhdr_engines.media.timing import start_seconds

# A decoder's run-in may lie before the first frame; an edit list hides it again.
_RUN_IN_SECONDS = 0.2


class AudioCopy:
    """Every audio stream that the output's container can carry, without re-encoding."""

    def __init__(self, path: Path | None, target: OutputContainer, start: float) -> None:
        """Adds the streams to `target`, whose header is not yet written.

        Args:
            path: the input; None, a folder or a file without audio gives none.
            target: the output.
            start: seconds into the video at which the output begins.
        """
        self.notes: list[str] = []
        self._target = target
        self._input = _open(path)
        self._streams: dict[int, AudioStream] = {}
        self._begin = start
        name = target.format.name
        self._lead = _RUN_IN_SECONDS if start == 0 and name in ("mp4", "mov") else 0.0
        if self._input is not None:
            video = self._input.streams.best("video")
            self._begin += start_seconds(video) if isinstance(video, VideoStream) else 0.0
            for stream in self._input.streams.audio:
                self._add(stream)
        self._packets = self._timed()
        self._next = next(self._packets, None)

    def _add(self, stream: AudioStream) -> None:
        name = self._target.format.name
        if _carries(name, stream):
            self._streams[stream.index] = self._target.add_stream_from_template(stream)
        else:
            codec = stream.codec_context.name
            self.notes.append(f"audio left out: {name} cannot hold {codec}, use .mkv or .mov")

    @property
    def codecs(self) -> list[str]:
        """The codec of each copied stream."""
        return [stream.codec_context.name for stream in self._streams.values()]

    def feed(self, until: float) -> None:
        """Write the packets that start before `until` seconds of the output."""
        while self._next is not None and self._next[0] < until:
            self._target.mux(self._next[1])
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Let go of the input."""
        if self._input is not None:
            self._input.close()
        self._next = None

    def _timed(self) -> Iterator[tuple[float, Any]]:
        """(seconds of the output, packet), from the first that is heard on."""
        if self._input is None or not self._streams:
            return
        wanted = [self._input.streams[index] for index in self._streams]
        try:
            for packet in self._input.demux(wanted):
                if packet.pts is None or packet.size == 0 or packet.is_corrupt:
                    continue
                time = float(packet.pts * packet.time_base) - self._begin
                if time < -self._lead:
                    continue
                shift = round(self._begin / packet.time_base)
                packet.pts -= shift
                packet.dts = packet.pts if packet.dts is None else packet.dts - shift
                packet.stream = self._streams[packet.stream_index]
                yield time, packet
        except av.FFmpegError as error:
            self.notes.append(f"audio ends early: the input is damaged ({error.strerror})")


def _open(path: Path | None) -> InputContainer | None:
    if path is None or not path.is_file():
        return None
    try:
        return open_container(path)
    except InputError:
        return None


def _carries(format_name: str, stream: AudioStream) -> bool:
    """Whether a container takes this stream, found by trying it."""
    try:
        with av.open(io.BytesIO(), "w", format=format_name) as scratch:
            scratch.add_stream_from_template(stream)
            scratch.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True
