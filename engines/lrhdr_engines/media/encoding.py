"""Encoders, opened for a format: on the CPU, or NVENC where there is a GPU."""

from __future__ import annotations

import os
from fractions import Fraction

import av
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from lrhdr.errors import OutputError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.media.sink import OutputSettings
from lrhdr_engines.media.video_formats import COLOUR, LIMITED, VideoSpec, coded_size

# Of a variable rate: finer than any frame rate, and what MPEG's systems count in.
TICKS_PER_SECOND = 90000
# Below 64 columns x265 4.1's cutree writes past the end of a buffer.
_CUTREE_WIDTH = 64
_NVENC = (("preset", "p5"), ("tune", "hq"), ("rc", "vbr"))
_NVENC_FORMAT = "p010le"


def time_base(settings: OutputSettings) -> Fraction:
    """Seconds that one unit of a frame's time is."""
    return Fraction(1, TICKS_PER_SECOND) if settings.variable_rate else 1 / settings.frame_rate


def choose_codec(spec: VideoSpec, settings: OutputSettings) -> str:
    """The encoder's name, by `settings.encoder`.

    Raises:
        OutputError: NVENC was asked for, and there is none for this format or it does not open.
    """
    if settings.encoder == "cpu" or (settings.encoder == "auto" and spec.nvenc is None):
        return spec.codec
    missing = "the format has no GPU encoder" if spec.nvenc is None else why_no_gpu()
    if missing is None and spec.nvenc is not None:
        try:
            _context(spec, settings, spec.nvenc, _NVENC_FORMAT).open()
        except (av.FFmpegError, OSError, ValueError) as error:
            missing = f"{spec.nvenc} does not open ({error})"
        else:
            return spec.nvenc
    if settings.encoder == "auto":
        return spec.codec
    raise OutputError(
        f"{spec.name} cannot be encoded on the GPU: {missing}",
        expected="an NVIDIA GPU whose driver offers NVENC",
        next_step="Use --encoder cpu",
    )


def open_encoder(
    spec: VideoSpec, settings: OutputSettings, codec: str, pixel_format: str
) -> VideoCodecContext:
    """An encoder that starts with a key frame.

    Args:
        spec: the format.
        settings: size, rate, preset and quality.
        codec: what `choose_codec` gave.
        pixel_format: of the frames.

    Raises:
        OutputError: it refuses a setting, or knows no such preset or quality.
    """
    # SVT-AV1 takes it from nowhere else, and tells much.
    os.environ.setdefault("SVT_LOG", "-1")
    _check(spec, settings)
    context = _context(spec, settings, codec, pixel_format)
    try:
        context.open()
    except (av.FFmpegError, OSError, ValueError) as error:
        raise OutputError(
            f"{codec} does not take {settings.width}x{settings.height} at "
            f"{settings.frame_rate} frames/s ({getattr(error, 'strerror', None) or error})",
            next_step="Try another format",
        ) from None
    return context


def encodable(frame: av.VideoFrame, codec: str) -> av.VideoFrame:
    """The frame as the encoder takes it: NVENC wants its 10 bits on top, and chroma in pairs."""
    if not codec.endswith("_nvenc"):
        return frame
    out = av.VideoFrame(frame.width, frame.height, _NVENC_FORMAT)
    luma, blue, red = (_plane(frame, k) for k in range(3))
    _fill(out, 0, luma)
    _fill(out, 1, np.stack([blue, red], axis=-1).reshape(len(blue), -1))
    out.pts, out.time_base = frame.pts, frame.time_base
    out.color_primaries, out.color_trc = frame.color_primaries, frame.color_trc
    out.colorspace, out.color_range = frame.colorspace, frame.color_range
    return out


def _plane(frame: av.VideoFrame, number: int) -> NDArray[np.uint16]:
    plane = frame.planes[number]
    rows = np.frombuffer(memoryview(plane), np.uint16).reshape(-1, plane.line_size // 2)
    codes: NDArray[np.uint16] = rows[: plane.height, : plane.width] << np.uint16(6)
    return codes


def _fill(frame: av.VideoFrame, number: int, codes: NDArray[np.uint16]) -> None:
    plane = frame.planes[number]
    rows = np.zeros((plane.buffer_size // plane.line_size, plane.line_size // 2), np.uint16)
    rows[: codes.shape[0], : codes.shape[1]] = codes
    plane.update(rows.tobytes())


def _check(spec: VideoSpec, settings: OutputSettings) -> None:
    if spec.presets and settings.preset is not None and settings.preset not in spec.presets:
        raise OutputError(
            f"{spec.name} has no preset {settings.preset}",
            expected="one of " + ", ".join(dict.fromkeys(spec.presets[1:])),
        )
    if spec.crf and settings.crf is not None and not spec.crf[1] <= settings.crf <= spec.crf[2]:
        raise OutputError(
            f"{spec.name} has no quality {settings.crf}",
            expected=f"{spec.crf[1]} (best) to {spec.crf[2]}",
        )


def _context(
    spec: VideoSpec, settings: OutputSettings, codec: str, pixel_format: str
) -> VideoCodecContext:
    context = av.CodecContext.create(codec, "w")
    if not isinstance(context, VideoCodecContext):
        raise OutputError(f"{codec} is no video encoder")
    context.width, context.height = coded_size(settings.width, settings.height, spec.chroma)
    context.pix_fmt = pixel_format
    context.framerate = settings.frame_rate
    context.time_base = time_base(settings)
    context.color_primaries, context.color_trc, context.colorspace = COLOUR[spec.kind]
    context.color_range = LIMITED
    context.flags |= Flags.global_header | Flags.closed_gop
    context.options = _options(spec, settings, codec, context.width)
    return context


def _options(spec: VideoSpec, settings: OutputSettings, codec: str, width: int) -> dict[str, str]:
    quality = None
    if spec.crf is not None:
        quality = str(spec.crf[0] if settings.crf is None else settings.crf)
    if codec == spec.nvenc:
        return dict(_NVENC) | ({"cq": quality} if quality else {})
    options = dict(spec.options)
    if spec.presets:
        options["preset"] = settings.preset or spec.presets[0]
    if quality is not None:
        options["crf"] = quality
    if spec.private is not None:
        name, value = spec.private
        narrow = codec == "libx265" and width < _CUTREE_WIDTH
        options[name] = f"{value}:cutree=0" if narrow else value
    return options
