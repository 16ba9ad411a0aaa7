"""Decoding by NVDEC where a GPU is there and its pictures are those of the CPU's decoder.

H.264, HEVC, VP9 and AV1 define every sample, so NVDEC's 4:2:0 pictures of 8 and
10 bits are the same ones, as nv12 and p010le. Other formats come out of it with
other sample depths and stay with the CPU. Not run on a GPU.
"""

from __future__ import annotations

from typing import Literal

from av.codec.hwaccel import HWAccel, HWConfig
from av.video.stream import VideoStream

from lrhdr.errors import BackendError
from lrhdr_engines.backends.nvidia import why_no_gpu

DecoderChoice = Literal["auto", "cpu", "nvdec"]

_CODECS = {"h264", "hevc", "vp9", "av1", "libdav1d"}
_FORMATS = {"yuv420p", "yuv420p10le"}


def nvdec_for(stream: VideoStream, choice: DecoderChoice) -> HWAccel | None:
    """What to open the file again with to decode this stream by NVDEC; None for the CPU.

    FFmpeg still falls back to the CPU by itself where the GPU has no decoder for the profile.

    Raises:
        BackendError: "nvdec" was asked for and cannot be used.
    """
    if choice == "cpu":
        return None
    why = why_no_gpu() or _why_not(stream)
    if why is None:
        return HWAccel("cuda", allow_software_fallback=True)
    if choice == "nvdec":
        raise BackendError(
            f"NVDEC cannot decode this clip: {why}",
            next_step='Use the decoder "cpu", or "auto" to choose by itself',
        )
    return None


def _why_not(stream: VideoStream) -> str | None:
    context = stream.codec_context
    if context.name not in _CODECS or context.pix_fmt not in _FORMATS:
        return f"it does not take {context.name} of {context.pix_fmt}"
    if not any(c.device_type.name == "cuda" and c.is_supported for c in _configs(stream)):
        return f"this build of PyAV decodes {context.name} on the CPU only"
    return None


def _configs(stream: VideoStream) -> list[HWConfig]:
    return list(stream.codec_context.codec.hardware_configs)
