"""Video files, decoded by PyAV from the first frame on.

Frames are counted, never sought: a seek lands where the container's index and
the codec's references allow, and an exposure off by one frame spoils the clip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from lrhdr.errors import BackendError, IncompleteError, InputError
from lrhdr_engines.media.container import main_video, open_container
from lrhdr_engines.media.decode import Decoder, Shown
from lrhdr_engines.media.hardware import DecoderChoice, nvdec_for
from lrhdr_engines.media.light_in import BY_TAGS, LightIn
from lrhdr_engines.media.source import ClipInfo, ClosedAfterUse, Frame
from lrhdr_engines.media.timing import promise_of, rhythm_of
from lrhdr_engines.media.yuv import colour_of, to_rgb

_TIMECODE = re.compile(r"\d\d:\d\d:\d\d[:;]\d\d")


class VideoSource(ClosedAfterUse):
    """A video file. See `Source`.

    A lost picture between two whole ones is a frame with `damaged`. At most a
    second of them in a row: then, and where the file carries no times by which
    to count them, the clip ends there with IncompleteError.
    """

    def __init__(
        self, path: Path, light: LightIn = BY_TAGS, decoder: DecoderChoice = "auto"
    ) -> None:
        """Opens the file and converts one frame, to know that it can be done.

        Args:
            path: the file.
            light: what is known better than the tags: matrix and range. Its transfer is left
                to `open_source`.
            decoder: "auto" is NVDEC where a GPU is there and takes the clip, else the CPU.

        Raises:
            InputError: not a video, without an index, interlaced, or without one decodable frame.
            BackendError: "nvdec" was asked for and cannot be used.
        """
        self._path = path
        self._decoder = decoder
        self._closed = False
        self._hardware: HWAccel | None = None
        self._strict = True
        with self._open() as container:
            stream = main_video(container, path)
            self._rhythm = rhythm_of(container, stream)
            self._promise = promise_of(container, stream, self._rhythm.rate)
            self._hardware = nvdec_for(stream, decoder)
            pixel_format, codec = stream.codec_context.pix_fmt, stream.codec_context.name
            has_audio, timecode = bool(container.streams.audio), _timecode(container)
        first = self._first_whole()
        if first.interlaced_frame:
            raise InputError(
                f"{path} is interlaced: each frame holds two moments",
                expected="progressive video",
                next_step=f"Deinterlace it first: ffmpeg -i {path.name} -vf bwdif -c:v ffv1 "
                "-c:a copy progressive.mkv",
            )
        self._colour = colour_of(first, codec, light)
        to_rgb(first, self._colour)  # an unknown pixel format is said here, not mid-run
        self.info = ClipInfo(
            path=path,
            width=first.width,
            height=first.height,
            frame_rate=self._rhythm.rate,
            frames=self._frames,
            bit_depth=first.format.components[0].bits,
            kind="video",
            has_audio=has_audio,
            codec=codec,
            pixel_format=pixel_format or first.format.name,
            colour=str(self._colour),
            rotation=-first.rotation % 360,  # FFmpeg's is counterclockwise
            variable_rate=self._rhythm.variable,
            timecode=timecode,
        )

    @property
    def full_range(self) -> bool:
        """Whether the samples are of full range."""
        return self._colour.full_range

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Frames from `start` on; those before it are decoded and dropped.

        Raises:
            IncompleteError: the clip is cut off, or damaged beyond counting. Every
                frame that precedes the damage has been yielded.
        """
        begin: int | None = None
        last: tuple[av.VideoFrame, Frame] | None = None
        for index, shown in enumerate(self._shown()):
            if self._closed:
                return
            begin = shown.pts if begin is None else begin
            if index < start:
                continue
            time = index / self._rhythm.rate
            if self._rhythm.variable and shown.pts is not None and begin is not None:
                time = (shown.pts - begin) * self._rhythm.tick
            held = last is not None and last[0] is shown.picture
            rgb = last[1].rgb if last and held else to_rgb(shown.picture, self._colour)
            frame = Frame(index, rgb, time, shown.damaged)
            last = shown.picture, frame
            yield frame

    def _shown(self) -> Iterator[Shown]:
        """What is shown, in order; raises IncompleteError where it ends early.

        Where several threads find damage, one of them starts anew: only so is it sure which
        pictures are lost.
        """
        done = 0
        for threads in (True, False):
            with self._open(self._hardware if threads else None) as container:
                stream = main_video(container, self._path)
                decoder = Decoder(
                    stream, self._promise, self._rhythm, threads=threads, strict=self._strict
                )
                for index, shown in enumerate(decoder.shown()):
                    if index >= done:
                        yield shown
                        done += 1
                if not decoder.shaken:
                    break
        if decoder.damage:
            promised = f" of {self._frames}" if self._frames else ""
            raise IncompleteError(
                f"{self._path} is {decoder.damage}: decoded {done}{promised} frames",
                next_step="They were used; copy the clip from the camera again for the rest",
            )

    def _first_whole(self) -> av.VideoFrame:
        for self._strict in (True, False):  # some cameras' pictures are never quite right
            try:
                return next(shown.picture for shown in self._shown())
            except (IncompleteError, StopIteration):
                continue
        raise InputError(f"{self._path} has no frame that can be decoded", expected="a video")

    @property
    def _frames(self) -> int | None:
        """Frames to expect; a duration says nothing of them where the rate varies."""
        return self._promise.frames if self._rhythm.variable else self._promise.expected

    def _open(self, hardware: HWAccel | None = None) -> InputContainer:
        if hardware is not None:
            try:
                return open_container(self._path, hardware)
            except InputError as error:
                if self._decoder == "nvdec":
                    raise BackendError(
                        f"NVDEC does not start: {error}", next_step='Use the decoder "cpu"'
                    ) from None
                self._hardware = None
        return open_container(self._path)

    def close(self) -> None:
        """Ends every iteration at its next frame."""
        self._closed = True


def _timecode(container: InputContainer) -> str | None:
    """That of the first frame, from a tmcd track or the container's metadata."""
    tags = [container.metadata, *(stream.metadata for stream in container.streams)]
    stated = [tag["timecode"].strip() for tag in tags if tag.get("timecode")]
    return next((text for text in stated if _TIMECODE.fullmatch(text)), None)
