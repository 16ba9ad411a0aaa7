"""Video files, decoded by PyAV from the first frame on.

Frames are counted, never sought: a seek lands where the container's index and
the codec's references allow, and an exposure off by one frame spoils the clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from lrhdr.errors import IncompleteError, InputError
from lrhdr_engines.media.decode import Decoder, main_video, open_container, promise_of
from lrhdr_engines.media.source import ClipInfo, Frame
from lrhdr_engines.media.yuv import colour_of, to_rgb


class VideoSource:
    """A video file. See `Source`."""

    def __init__(self, path: Path) -> None:
        """Opens the file and converts one frame, to know that it can be done.

        Raises:
            InputError: not a video, without an index, or without one decodable frame.
        """
        self._closed = False
        with open_container(path) as container:
            stream = main_video(container, path)
            self._promise = promise_of(container, stream)
            first = next(Decoder(container, stream, self._promise).pictures(), None)
            if first is None:
                raise InputError(f"{path} has no frame that can be decoded", expected="a video")
            self._colour = colour_of(first, stream.codec_context.name)
            to_rgb(first, self._colour)  # an unknown pixel format is said here, not mid-run
            self.info = ClipInfo(
                path=path,
                width=first.width,
                height=first.height,
                frame_rate=self._promise.rate,
                frames=self._promise.expected,
                bit_depth=first.format.components[0].bits,
                kind="video",
                has_audio=bool(container.streams.audio),
                codec=stream.codec_context.name,
                pixel_format=first.format.name,
                colour=str(self._colour),
            )

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Frames from `start` on; those before it are decoded and dropped.

        Raises:
            IncompleteError: the clip is cut off or damaged. Every frame that
                precedes the damage has been yielded.
        """
        path = self.info.path
        with open_container(path) as container:
            decoder = Decoder(container, main_video(container, path), self._promise)
            for index, picture in enumerate(decoder.pictures()):
                if self._closed:
                    return
                if index >= start:
                    yield Frame(index, to_rgb(picture, self._colour), index / self.info.frame_rate)
        if decoder.damage:
            promised = f" of {self.info.frames}" if self.info.frames else ""
            raise IncompleteError(
                f"{path} is {decoder.damage}: decoded {decoder.count}{promised} frames",
                next_step="They were used; copy the clip from the camera again for the rest",
            )

    def close(self) -> None:
        """Ends every iteration at its next frame."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
