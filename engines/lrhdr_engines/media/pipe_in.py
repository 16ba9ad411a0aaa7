"""Video from a pipe: YUV4MPEG2 (y4m) on standard input, 8 to 16 bits.

A pipe is read once and a `Source` again and again, so what came in is kept in
an unnamed temporary file, which ends with the process. Memory stays flat; the
disk holds the uncompressed clip (3 MB a frame of 1080p 4:2:0 at 8 bits), in
the folder that TMPDIR names.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import IO

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from lrhdr.errors import IncompleteError, InputError, OutputError
from lrhdr_engines.media.container import main_video
from lrhdr_engines.media.light_in import BY_TAGS, LightIn
from lrhdr_engines.media.source import Frame
from lrhdr_engines.media.video import VideoSource

STDIN = Path("-")
_MAGIC = b"YUV4MPEG2 "
_FRAME = b"FRAME\n"
_CHUNK = 1 << 20


class PipeSource(VideoSource):
    """y4m from a pipe. See `Source`; a frame is there as soon as it has come through."""

    def __init__(
        self, stream: IO[bytes] | io.RawIOBase | None = None, light: LightIn = BY_TAGS
    ) -> None:
        """Reads as far as the first frame.

        Args:
            stream: the pipe, standard input unless given.
            light: see `VideoSource`.

        Raises:
            InputError: not y4m, a layout that is not understood, or no whole frame.
            OutputError: the temporary file cannot be written.
        """
        self._spool = _Spool(stream or sys.stdin.buffer)
        found = self._spool.read(0, len(_MAGIC))
        if found != _MAGIC:
            raise InputError(
                f"standard input begins with {found!r}" if found else "standard input is empty",
                expected="YUV4MPEG2",
                next_step="Pipe it as ffmpeg -i CLIP -f yuv4mpegpipe -strict -1 - | lrhdr-run -",
            )
        super().__init__(STDIN, light, "cpu")

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Frames from `start` on, waiting for those that have not come yet.

        Raises:
            IncompleteError: the pipe broke off within a frame.
            OutputError: the temporary file is full.
        """
        yield from super().frames(start)
        self._spool.check()
        if not self._closed and self._torn():
            raise IncompleteError(
                "standard input broke off within a frame",
                next_step="Those before it were used; see why the program before the pipe ended",
            )

    def _torn(self) -> bool:
        """Whether what came is no whole number of frames, once all of it has come."""
        head = self._spool.read(0, _CHUNK)
        begin = head.index(b"\n") + 1
        if head[begin : begin + len(_FRAME)] != _FRAME:
            return False  # frames with parameters of their own may be of any size
        with self._open() as container:
            frame = next(container.demux(main_video(container, STDIN))).size + len(_FRAME)
        return (self._spool.size - begin) % frame != 0

    def _open(self, hardware: HWAccel | None = None) -> InputContainer:
        self._spool.check()
        try:
            # The header says it all: FFmpeg need not wait for more to look at.
            return av.open(
                _Reader(self._spool),
                "r",
                format="yuv4mpegpipe",
                container_options={"probesize": "32", "fpsprobesize": "0"},
            )
        except av.FFmpegError as error:
            raise InputError(
                f"the y4m header on standard input is not understood ({error.strerror})",
                expected="4:2:0, 4:2:2, 4:4:4 or mono of 8 to 16 bits",
            ) from None


class _Spool:
    """What came through a pipe, from its beginning on."""

    def __init__(self, stream: IO[bytes] | io.RawIOBase) -> None:
        # Not read(): it would wait for a whole chunk.
        self._take_some = getattr(stream, "read1", stream.read)
        self._lock = Lock()
        self.size = 0
        self._ended = False
        self._error: OSError | None = None
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long)

    def read(self, position: int, size: int) -> bytes:
        """Bytes from `position` on: fewer than `size` only at the pipe's end."""
        with self._lock:
            while self.size < position + size and not self._ended:
                self._take()
            self._file.seek(position)
            return self._file.read(size)

    def _take(self) -> None:
        chunk = self._take_some(_CHUNK)
        try:
            self._file.seek(self.size)
            self._file.write(chunk)
            self._file.flush()
        except OSError as error:
            self._error, self._ended = error, True
            return
        self.size += len(chunk)
        self._ended = not chunk

    def check(self) -> None:
        """Raise OutputError if what came through could not be kept."""
        if self._error is not None:
            raise OutputError(
                f"standard input cannot be kept in {tempfile.gettempdir()} "
                f"({self._error.strerror})",
                next_step="Free space there, or set TMPDIR to a folder on another disk",
            )


class _Reader(io.RawIOBase):
    """One pass over a spool, as FFmpeg reads it."""

    def __init__(self, spool: _Spool) -> None:
        self._spool = spool
        self._position = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._spool.read(self._position, _CHUNK if size < 0 else size)
        self._position += len(data)
        return data
