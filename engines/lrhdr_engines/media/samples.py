"""A decoded picture's samples as planes, whatever their order in memory.

Done here and not by swscale, whose YUV repacking (FFmpeg 8.1: p010le, p210le,
uyvy422) now and then returns wrong samples. It serves for packed RGB and
palettes only, where it moves bytes.
"""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError

Samples = NDArray[Any]

# Two planes, the second of chroma pairs: which of a pair is Cb, and unused low bits.
_PAIRED = {
    "nv12": (0, 0),
    "nv16": (0, 0),
    "nv24": (0, 0),
    "nv21": (1, 0),
    "nv42": (1, 0),
    "p010le": (0, 6),
    "p210le": (0, 6),
    "p410le": (0, 6),
    "p012le": (0, 4),
    "p016le": (0, 0),
    "p216le": (0, 0),
    "p416le": (0, 0),
}
# Two pixels in four bytes: where the first Y, Cb and Cr are.
_QUADS = {"yuyv422": (0, 1, 3), "uyvy422": (1, 0, 2), "yvyu422": (0, 3, 1)}


def planes_of(frame: av.VideoFrame) -> tuple[list[Samples], int]:
    """Y, Cb, Cr, or R, G, B, or Y alone, and the bits of a sample.

    Planes are (h, w) of uint8 for 8 bits and uint16 for more, chroma as coarse
    as it was coded. They may be views: the frame must outlive them.

    Raises:
        InputError: a pixel format that is not understood.
    """
    name, parts = frame.format.name, frame.format.components
    bits = parts[0].bits
    if name in _PAIRED:
        first, shift = _PAIRED[name]
        pairs = _rows(frame, 1, bits, channels=2) >> shift
        return [_rows(frame, 0, bits) >> shift, pairs[..., first], pairs[..., 1 - first]], bits
    if name in _QUADS:
        y, cb, cr = _QUADS[name]
        line = _bytes(frame, 0)[:, : 4 * -(-frame.width // 2)]
        return [line[:, y::2][:, : frame.width], line[:, cb::4], line[:, cr::4]], bits
    if _is_planar(frame):
        planes = [_rows(frame, k, bits) for k in range(3 if len(parts) >= 3 else 1)]
        return (planes[2:] + planes[:2] if frame.format.is_rgb else planes), bits
    if frame.format.has_palette or (frame.format.is_rgb and not frame.format.is_bayer):
        bits = 16 if bits > 8 else 8
        packed = frame.reformat(format="rgb24" if bits == 8 else "rgb48le")
        rgb = _rows(packed, 0, bits, channels=3)
        return [rgb[..., k] for k in range(3)], bits
    raise InputError(
        f"the video's pixel format is {name}",
        expected="YUV, grey or RGB of 8 to 16 bits",
        next_step=f"Convert it first, for example to yuv420p{'10le' if bits > 8 else ''}",
    )


def _is_planar(frame: av.VideoFrame) -> bool:
    """Whether each component has a plane of its own, in whole little-endian samples."""
    parts = frame.format.components
    if frame.format.is_big_endian or frame.format.has_palette or frame.format.is_bayer:
        return False
    separate = len({part.plane for part in parts}) == len(parts) != 2
    return separate and all(8 <= part.bits <= 16 for part in parts)


def _bytes(frame: av.VideoFrame, index: int) -> NDArray[np.uint8]:
    plane = frame.planes[index]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)


def _rows(frame: av.VideoFrame, index: int, bits: int, channels: int = 1) -> Samples:
    """One plane as (h, w), or (h, w, channels) where samples of several components alternate."""
    rows = _bytes(frame, index) if bits == 8 else _bytes(frame, index).view("<u2")
    width, height = frame.planes[index].width, frame.planes[index].height
    samples = rows[:, : channels * width]
    return samples if channels == 1 else samples.reshape(height, width, channels)
