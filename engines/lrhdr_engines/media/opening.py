"""Which reader an input needs. Readers are imported when they are asked for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from lrhdr.errors import InputError
from lrhdr_engines.media.hardware import DecoderChoice
from lrhdr_engines.media.light_in import BY_TAGS, Curve, CurvedSource, LightIn
from lrhdr_engines.media.source import Source

FOLDER_FRAME_RATE = Fraction(24)
STDIN = Path("-")


def open_source(
    path: Path,
    frame_rate: Fraction | None = None,
    light: LightIn = BY_TAGS,
    decoder: DecoderChoice = "auto",
) -> Source:
    """A video file, a folder of images, or y4m on standard input, in gamma 2.2.

    Args:
        path: the file or folder; "-" is standard input.
        frame_rate: that of a folder, 24 unless given. A video has its own.
        light: how its codes are to be read.
        decoder: what decodes a video, see `VideoSource`.

    Raises:
        InputError: there is nothing at `path` that can be decoded, or that can be so read.
        BackendError: "nvdec" was asked for and cannot be used.
    """
    source, limited = _decoded(path, frame_rate, light, decoder)
    curve = Curve(light.transfer, limited=limited)
    return source if curve.is_identity else CurvedSource(source, curve)


def _decoded(
    path: Path, frame_rate: Fraction | None, light: LightIn, decoder: DecoderChoice
) -> tuple[Source, bool]:
    """The clip as it is coded, and whether that is in limited range."""
    if path == STDIN:
        if frame_rate is not None:
            raise InputError(
                f"a frame rate of {frame_rate} was given for standard input",
                expected="a frame rate only with a folder of images: y4m has its own",
            )
        from lrhdr_engines.media.pipe_in import PipeSource

        pipe = PipeSource(light=light)
        return pipe, not pipe.full_range
    if path.is_dir():
        from lrhdr_engines.media.folder import FolderSource

        if (light.matrix, light.range) != ("auto", "auto"):
            raise InputError(
                f"matrix {light.matrix}, range {light.range} were given for the images of {path}",
                expected="a matrix or range only with a video: images are RGB in full range",
            )
        return FolderSource(path, frame_rate or FOLDER_FRAME_RATE), False
    if not path.exists():
        raise InputError(f"{path} does not exist", expected="a video or a folder of images")
    if frame_rate is not None:
        raise InputError(
            f"a frame rate of {frame_rate} was given for {path}",
            expected="a frame rate only with a folder of images: a video has its own",
        )
    from lrhdr_engines.media.video import VideoSource

    video = VideoSource(path, light, decoder)
    return video, not video.full_range
