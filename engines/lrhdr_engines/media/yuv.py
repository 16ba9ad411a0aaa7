"""Decoded pictures to RGB, by our own arithmetic.

swscale is never asked for colour: its matrix, range and rounding depend on
tags and flags.

Range and matrix follow H.273 (ISO/IEC 23091-2), 8.3: VideoFullRangeFlag
scales the codes, MatrixCoefficients chooses Kr and Kb. Chroma is
interpolated linearly from where it lies: horizontally on every other luma
sample and vertically between two (type 0, the default of MPEG-2, H.264 and
HEVC), or between samples in both directions (MJPEG, MPEG-1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr import light
from lrhdr.errors import InputError
from lrhdr_engines.media.samples import Samples, planes_of

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

# MatrixCoefficients of H.273, table 4.
_MATRICES = {
    1: ("BT.709", light.BT709),
    4: ("FCC", light.FCC),
    5: ("BT.601", light.BT601),
    6: ("BT.601", light.BT601),
    7: ("ST 240", light.ST240),
    9: ("BT.2020", light.BT2020),
}
_UNTAGGED = 2
_HD_HEIGHT = 720  # untagged video: BT.709 from here on, BT.601 below
_FULL_RANGE = 2
_CENTRED = {"mjpeg", "mpeg1video"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """How samples become R'G'B': (Kr, Kb), range, where chroma lies. RGB needs none of it."""

    name: str
    weights: tuple[float, float]
    full_range: bool
    centred: bool

    def __str__(self) -> str:
        return f"{self.name}, {'full' if self.full_range else 'limited'} range"


def colour_of(frame: av.VideoFrame, codec: str) -> Colour:
    """The colour description of a frame by its tags.

    An untagged matrix is BT.709 from 720 lines on and BT.601 below; an
    untagged range is limited, but full for the yuvj formats.

    Raises:
        InputError: a matrix that is none of BT.601, BT.709, BT.2020, ST 240, FCC.
    """
    tag = int(frame.colorspace)
    if frame.format.is_rgb or frame.format.has_palette:
        return Colour(name="RGB", weights=light.BT709, full_range=True, centred=True)
    if tag == _UNTAGGED or len(frame.format.components) < 3:
        tag = 1 if frame.height >= _HD_HEIGHT else 5
    if tag not in _MATRICES:
        raise InputError(
            f"the video's colour matrix is number {tag} of H.273",
            expected="BT.601, BT.709, BT.2020 (non-constant luminance), ST 240 or FCC",
            next_step="Convert the clip to BT.709 first",
        )
    name, weights = _MATRICES[tag]
    full = int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj")
    return Colour(name=name, weights=weights, full_range=full, centred=codec in _CENTRED)


def to_rgb(frame: av.VideoFrame, colour: Colour) -> Pixels:
    """A decoded picture as (H, W, 3) R'G'B', full range.

    uint8 where a sample has 8 bits, otherwise uint16 over 0 to 65535. Each
    value is within one code of the exact one.

    Raises:
        InputError: a pixel format that is not understood.
    """
    planes, bits = planes_of(frame)
    if frame.format.is_rgb or frame.format.has_palette:
        scale = np.eye(3) * (_peak(bits) / (2**bits - 1))
        return _finish(cv2.transform(cv2.merge(planes).astype(np.uint16), scale), bits)
    if len(planes) == 1:
        planes += [np.full_like(planes[0], 1 << (bits - 1))] * 2
    y, cb, cr = planes
    cb, gain = _upsample(cb, y.shape, bits, centred=colour.centred)
    cr, _ = _upsample(cr, y.shape, bits, centred=colour.centred)
    matrix = _matrix(colour, bits) / np.array([1.0, gain, gain, 1.0])
    merged = cv2.merge([y.astype(cb.dtype, copy=False), cb, cr])
    return _finish(cv2.transform(merged, matrix), bits)


def _peak(bits: int) -> int:
    # 8-bit results are rounded from 16 bits, so that one route serves all depths.
    return 255 * 256 if bits == 8 else 65535


def _matrix(colour: Colour, bits: int) -> NDArray[np.float64]:
    """Codes (Y, Cb, Cr, 1) to R'G'B' of 0 to _peak: 3x4."""
    unit, top = 2.0 ** (bits - 8), 2.0**bits - 1
    limited = (16 * unit, 219 * unit, 224 * unit)
    black, luma, chroma = (0.0, top, top) if colour.full_range else limited
    codes = np.diag([1 / luma, 1 / chroma, 1 / chroma])
    linear = np.linalg.inv(light.ycbcr_matrix(colour.weights)) @ codes
    offset = linear @ np.array([black, 128 * unit, 128 * unit])
    return np.column_stack([linear, -offset]) * _peak(bits)


def _finish(scaled: Samples, bits: int) -> Pixels:
    """Clip and round what `_matrix` scaled. OpenCV has already done so to uint16."""
    if scaled.dtype != np.uint16:
        scaled = np.rint(np.clip(scaled, 0, 65535)).astype(np.uint16)
    return np.asarray(cv2.convertScaleAbs(scaled, alpha=1 / 256) if bits == 8 else scaled)


def _upsample(
    plane: Samples, shape: tuple[int, ...], bits: int, *, centred: bool
) -> tuple[Samples, int]:
    """Chroma at luma's resolution, times a gain that keeps the arithmetic in whole numbers."""
    steps = [
        (axis, centred or axis == 0)
        for axis in (0, 1)
        for _ in range(round(np.log2(shape[axis] / plane.shape[axis])))
    ]
    gain = math.prod(4 if between else 2 for _, between in steps)
    plane = plane.astype(np.uint16 if gain * 2**bits <= 2**16 else np.float32)
    for axis, between in steps:
        plane = _double(plane, axis, between=between)
    return plane[: shape[0], : shape[1]], gain


def _double(c: Samples, axis: int, *, between: bool) -> Samples:
    """Twice the samples along `axis`.

    `between`: each lies between the two that it becomes (gain 4); otherwise on
    the first of them (gain 2).
    """

    def along(start: int | None, stop: int | None = None, step: int | None = None) -> Any:
        return (slice(None),) * axis + (slice(start, stop, step),)

    padded = np.pad(c, [(int(k == axis),) * 2 for k in range(c.ndim)], mode="edge")
    shape = list(c.shape)
    shape[axis] *= 2
    out = np.empty(shape, c.dtype)
    if between:
        out[along(0, None, 2)] = padded[along(None, -2)] + 3 * c
        out[along(1, None, 2)] = padded[along(2)] + 3 * c
    else:
        out[along(0, None, 2)] = 2 * c
        out[along(1, None, 2)] = padded[along(2)] + c
    return out
