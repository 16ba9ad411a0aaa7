"""Video of every format: encoded in segments, which outlive the process, and joined at the end."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import av

from lrhdr.errors import OutputError
from lrhdr_engines.media import sei
from lrhdr_engines.media.encoding import choose_codec, encodable, open_encoder, time_base
from lrhdr_engines.media.files import check_target, is_full, unfinished, write_error
from lrhdr_engines.media.join import Joined, join
from lrhdr_engines.media.packets import Encoded
from lrhdr_engines.media.parts import Parts
from lrhdr_engines.media.segment import SegmentWriter
from lrhdr_engines.media.signal import SignalEncoder
from lrhdr_engines.media.sink import OutputSettings, Picture
from lrhdr_engines.media.video_formats import VideoSpec, coded_size

_SEGMENT_SECONDS = 2


class VideoSink:
    """One video file. See `Sink`.

    Every two seconds of frames are encoded on their own and put on the disk, in a
    hidden folder beside the target; `close` joins them. Odd sizes grow by one
    replicated column or row where the chroma needs it.
    """

    def __init__(self, target: Path, spec: VideoSpec, settings: OutputSettings) -> None:
        """Checks everything, opens an encoder, and makes or takes over the folder.

        Raises:
            OutputError: the target exists or cannot be written, its container cannot
                hold the format, the frames are too small, or there is nothing that
                could be resumed by these settings.
        """
        _check(target, spec, settings)
        self._target = target
        self._spec = spec
        self._settings = settings
        self._signal = SignalEncoder(
            spec.kind,
            chroma=spec.chroma,
            bits=spec.bits,
            white_nits=settings.white_nits,
            tone=settings.tone,
        )
        self._codec = choose_codec(spec, settings)
        self._encoder = self._open_encoder()
        self._length = max(1, round(_SEGMENT_SECONDS * settings.frame_rate))
        self._base = time_base(settings)
        self._parts = Parts(target)
        try:
            found = self._parts.begin(
                _job(spec, settings, self._codec),
                resume=settings.resume,
                overwrite=settings.overwrite,
            )
        except (OSError, OutputError) as error:
            self._parts.release()
            if isinstance(error, OSError):
                raise write_error(target, error) from None
            raise
        self._segments = list(found)
        for segment in found:
            self._signal.meter.add(segment.brightest, segment.brightest_mean)
        self._hand: SegmentWriter | None = None
        self._repaired = 0  # of the signal, when the segment in hand began
        self._last = found[-1].last_index if found else settings.first_index - 1
        self._shown = max(found[-1].times) if found else -1
        self._open = True
        self._joined = Joined(audio=[], notes=[])
        self._notes: list[str] = []
        if self._codec == spec.nvenc and spec.kind == "pq":
            self._notes.append("light levels are in the container only: NVENC was told none")

    def _open_encoder(self) -> av.VideoCodecContext:
        return open_encoder(self._spec, self._settings, self._codec, self._signal.pixel_format)

    @property
    def takes_pq(self) -> bool:
        """See `Sink`."""
        return self._signal.takes_pq

    @property
    def next_index(self) -> int:
        """See `Sink`."""
        return self._last + 1

    @property
    def kept(self) -> int:
        """See `Sink`."""
        return self._frames

    def write(self, index: int, picture: Picture, time: Fraction) -> None:
        """One frame. See `Sink`."""
        if index <= self._last:
            raise ValueError(f"frame {index} was written after frame {self._last}")
        frame = self._signal.frame(picture, self._settings)
        place = round((time - self._settings.start) / self._base)
        frame.pts = self._shown = max(place, self._shown + 1)
        frame.time_base = self._base
        try:
            if self._hand is None:
                self._hand = SegmentWriter(self._parts.folder, self._frames, self._encoder)
            self._hand.add(index, encodable(frame, self._codec))
            self._last = index
            # Counted from the first frame, so that an interruption moves no later boundary.
            if (self._frames + self._hand.frames) % self._length == 0:
                self._finish_segment()
                self._encoder = self._open_encoder()
        except (av.FFmpegError, OSError) as error:
            self._end(finish=False)
            raise write_error(self._target, error) from None

    @property
    def _frames(self) -> int:
        """In finished segments."""
        return sum(segment.frames for segment in self._segments)

    def _finish_segment(self) -> None:
        if self._hand is None:
            return
        meter = self._signal.meter
        segment = self._hand.finish(
            brightest=meter.brightest,
            brightest_mean=meter.brightest_mean,
            repaired=self._signal.repaired - self._repaired,
        )
        self._hand = None
        self._repaired = self._signal.repaired
        self._segments.append(segment)

    def close(self, *, complete: bool = True, keep: bool = False) -> dict[str, object]:
        """Join what there is and move it into place. See `Sink`."""
        if self._open:
            try:
                self._finish_segment()
                if self._segments:
                    self._join()
                else:
                    self._notes.append("no frame was written, so no file was made")
            except (av.FFmpegError, OSError) as error:
                self._end(finish=not is_full(error))
                raise write_error(self._target, error) from None
            finally:
                self._end(finish=True)
        if complete and not keep:
            self.tidy()
        return self._facts()

    def _join(self) -> None:
        encoded = Encoded(
            folder=self._parts.folder,
            segments=self._segments,
            spec=self._spec,
            settings=self._settings,
            light=self._light,
        )
        self._joined = join(self._parts.whole, encoded)
        if not (self._settings.overwrite or self._parts.may_replace()):
            kept = unfinished(self._target)
            self._parts.whole.replace(kept)
            self._parts.remove()
            raise OutputError(
                f"{self._target} appeared during the run",
                next_step=f"It is untouched; the result is {kept}",
            )
        self._parts.publish()

    def tidy(self) -> None:
        """Remove the segments. See `Sink`."""
        self._parts.remove()

    def abort(self) -> None:
        """Keep what is encoded for a resumed run; without a frame nothing stays. See `Sink`."""
        self._end(finish=True)

    def _end(self, *, finish: bool) -> None:
        """Let go of the folder, after an attempt to `finish` the segment in hand."""
        if not self._open:
            return
        self._open = False
        if self._hand is not None:
            if finish:
                with contextlib.suppress(av.FFmpegError, OSError, OutputError):
                    self._finish_segment()
            if self._hand is not None:
                self._hand.discard()
                self._hand = None
        if self._segments:
            self._parts.release()
        else:
            self._parts.remove()

    @property
    def _light(self) -> tuple[int, int] | None:
        meter = self._signal.meter
        return (meter.max_cll, meter.max_fall) if self._spec.kind == "pq" else None

    def _facts(self) -> dict[str, object]:
        width, height = coded_size(self._settings.width, self._settings.height, self._spec.chroma)
        facts: dict[str, object] = {
            "kind": self._spec.name,
            "path": str(self._target) if self._segments else None,
            "frames": self._frames,
            "width": width,
            "height": height,
            "encoder": self._codec,
            "white_nits": self._settings.white_nits,
            "audio": self._joined.audio,
            "repaired_values": sum(segment.repaired for segment in self._segments),
            "notes": self._joined.notes + self._notes,
        }
        if self._light is not None:
            facts["max_cll"], facts["max_fall"] = self._light
            facts["mastering_peak_nits"] = sei.mastering_peak(self._light[0])
        return facts


def _check(target: Path, spec: VideoSpec, settings: OutputSettings) -> None:
    if target.suffix.lower() not in spec.suffixes:
        raise OutputError(
            f"{target.name} cannot hold {spec.name}",
            expected="a name that ends in " + " or ".join(spec.suffixes),
        )
    check_target(target, overwrite=True)  # what exists is for `Parts` to judge
    if min(settings.width, settings.height) < spec.least_size:
        raise OutputError(
            f"{spec.name} cannot hold frames of {settings.width}x{settings.height}",
            expected=f"at least {spec.least_size}x{spec.least_size}",
            next_step="Write EXR instead, for example -o frames/",
        )


def _job(spec: VideoSpec, settings: OutputSettings, codec: str) -> dict[str, object]:
    """What a resumed run must have in common with the first."""
    return {
        "format": spec.name,
        "encoder": codec,
        "FFmpeg": av.ffmpeg_version_info,
        "size": [settings.width, settings.height],
        "frame rate": str(settings.frame_rate),
        "variable rate": settings.variable_rate,
        "first frame": settings.first_index,
        "start": str(settings.start),
        "white": settings.white_nits,
        "tone": settings.tone,
        "preset": settings.preset,
        "crf": settings.crf,
        **{f"job {name}": value for name, value in settings.job.items()},
    }
