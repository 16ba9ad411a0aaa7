"""HDR10 video: HEVC Main 10, PQ, BT.2020, with light levels measured from the frames."""

from __future__ import annotations

import contextlib
import os
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from lrhdr.errors import OutputError
from lrhdr_engines.media import sei
from lrhdr_engines.media.audio import AudioCopy
from lrhdr_engines.media.files import check_target, unfinished, write_error
from lrhdr_engines.media.signal import Hdr10Encoder, checked
from lrhdr_engines.media.sink import OutputSettings, Picture

_FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
_PRIMARIES, _TRANSFER, _MATRIX, _LIMITED = 9, 16, 9, 1  # H.273: BT.2020, PQ, BT.2020 NCL
_CRF, _PRESET = 18, "fast"
_LEAST_SIZE = 16  # x265 takes no less
# Below 64 columns x265 4.1's cutree writes past the end of a buffer.
_CUTREE_WIDTH = 64
# Up to this many frames x265 4.1 subtracts memory that it never set from every decoding time:
# it sets it at the frame that is the first to be reordered.
_NO_REORDERING = 2


class Hdr10Sink:
    """One video file. See `Sink`.

    x265, CRF 18, preset "fast". Odd sizes grow by one replicated column or row,
    as 4:2:0 cannot describe them, not even by cropping (H.265, 7.4.3.2.1: the
    conformance window counts chroma samples).
    """

    def __init__(self, target: Path, settings: OutputSettings) -> None:
        """Checks the target, opens the encoder and writes the header beside it.

        Raises:
            OutputError: the target exists or cannot be written, or the frames are
                too small for HEVC.
        """
        check_target(target, overwrite=settings.overwrite)
        if min(settings.width, settings.height) < _LEAST_SIZE:
            raise OutputError(
                f"HEVC cannot hold frames of {settings.width}x{settings.height}",
                expected=f"at least {_LEAST_SIZE}x{_LEAST_SIZE}",
                next_step="Write EXR instead, for example -o frames/",
            )
        self._target = target
        self._settings = settings
        self._part = unfinished(target)
        self._encoder = Hdr10Encoder(settings.white_nits)
        self._frames = 0
        self._repaired = 0
        self._first = 0
        self._last = -1
        self._open = True
        self._notes: list[str] = []
        format_name = _FORMATS[target.suffix.lower()]
        try:
            self._file = self._part.open("w+b")
        except OSError as error:
            raise write_error(target, error) from None
        # Checksums in Matroska's header would no longer hold after `sei.correct`.
        options = {"write_crc32": "0"} if format_name == "matroska" else {}
        self._container = av.open(self._file, "w", format=format_name, options=options)
        self._stream = self._video_stream(format_name)
        self._audio = AudioCopy(settings.carry_from, self._container, float(settings.start))
        try:
            self._container.start_encoding()
        except (av.FFmpegError, OSError) as error:
            self.abort()
            raise write_error(target, error) from None

    def _video_stream(self, format_name: str) -> VideoStream:
        settings = self._settings
        stream = self._container.add_stream("libx265", rate=settings.frame_rate)
        stream.width = settings.width + settings.width % 2
        stream.height = settings.height + settings.height % 2
        stream.pix_fmt = "yuv420p10le"
        context = stream.codec_context
        context.color_primaries = _PRIMARIES
        context.color_trc = _TRANSFER
        context.colorspace = _MATRIX
        context.color_range = _LIMITED
        if format_name != "matroska":
            context.codec_tag = "hvc1"  # Apple's players refuse the default, hev1
        parameters = [
            "log-level=none",
            "info=0",  # the encoder's own message would repeat the placeholders
            "hdr10=1",
            "chromaloc=2",
            sei.x265_parameters(),
        ]
        if stream.width < _CUTREE_WIDTH:
            parameters.append("cutree=0")
        stream.options = {
            "preset": _PRESET,
            "crf": str(_CRF),
            "x265-params": ":".join(parameters),
        }
        return stream

    takes_pq = False

    @property
    def next_index(self) -> int:
        """See `Sink`."""
        return self._settings.first_index

    def write(self, index: int, radiance: Picture, time: Fraction) -> None:
        """One frame. See `Sink`."""
        if self._frames == 0:
            self._first = index
        elif index <= self._last:
            raise ValueError(f"frame {index} was written after frame {self._last}")
        frame, bad = checked(radiance, self._settings)
        picture = av.VideoFrame.from_ndarray(self._encoder.encode(frame), "yuv420p10le")
        picture.pts = index - self._first
        picture.time_base = 1 / self._settings.frame_rate
        picture.color_primaries, picture.color_trc = _PRIMARIES, _TRANSFER
        picture.colorspace, picture.color_range = _MATRIX, _LIMITED
        try:
            self._container.mux(self._stream.encode(picture))
            self._audio.feed(float(picture.pts / self._settings.frame_rate))
        except (av.FFmpegError, OSError) as error:
            self.abort()
            raise write_error(self._target, error) from None
        self._last = index
        self._frames += 1
        self._repaired += bad

    def close(self, *, complete: bool = True) -> dict[str, object]:
        """Finish the file and move it into place. See `Sink`."""
        if self._open and self._frames:
            try:
                self._finish()
            except (av.FFmpegError, OSError) as error:
                self.abort()
                raise write_error(self._target, error) from None
        elif self._open:
            self.abort()
            self._notes.append("no frame was written, so no file was made")
        meter = self._encoder.meter
        return {
            "kind": "hdr10",
            "path": str(self._target) if self._frames else None,
            "frames": self._frames,
            "width": self._stream.width,
            "height": self._stream.height,
            "white_nits": self._settings.white_nits,
            "max_cll": meter.max_cll,
            "max_fall": meter.max_fall,
            "mastering_peak_nits": sei.mastering_peak(meter.max_cll),
            "audio": self._audio.codecs,
            "repaired_values": self._repaired,
            "notes": self._audio.notes + self._notes,
        }

    def _finish(self) -> None:
        packets = self._stream.encode(None)
        if self._frames <= _NO_REORDERING:  # all of them are here still, in display order
            for packet in packets:
                packet.dts = packet.pts
        self._container.mux(packets)
        self._audio.feed(float((self._last - self._first + 1) / self._settings.frame_rate))
        self._container.close()
        self._file.flush()
        meter = self._encoder.meter
        if not sei.correct(self._file, meter.max_cll, meter.max_fall):
            self._notes.append("the encoder wrote no light levels, so MaxCLL is missing")
        os.fsync(self._file.fileno())
        self._release()
        if self._target.exists() and not self._settings.overwrite:
            raise OutputError(
                f"{self._target} appeared during the run",
                next_step=f"It is untouched; the result is {self._part}",
            )
        self._part.replace(self._target)

    def abort(self) -> None:
        """Remove the unfinished file. See `Sink`."""
        if self._open:
            self._release()
            self._part.unlink(missing_ok=True)

    def _release(self) -> None:
        """Close everything; PyAV writes no trailer once its file is closed."""
        self._open = False
        self._audio.close()
        with contextlib.suppress(OSError):  # what could not be flushed is thrown away
            self._file.close()
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()
