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
from lrhdr_engines.media.light_in import BY_TAGS, LightIn, Pixels
from lrhdr_engines.media.samples import Samples, planes_of

# MatrixCoefficients of H.273, table 4.
_MATRICES = {
    1: ("BT.709", light.BT709),
    4: ("FCC", light.FCC),
    5: ("BT.601", light.BT601),
    6: ("BT.601", light.BT601),
    7: ("ST 240", light.ST240),
    9: ("BT.2020", light.BT2020),
}
_TAGS = {"bt601": 5, "bt709": 1, "bt2020": 9}
_UNTAGGED = 2
_HD_HEIGHT = 720  # untagged video: BT.709 from here on, BT.601 below
_FULL_RANGE = 2
_CENTRED = {"mjpeg", "mpeg1video"}
_BAND = 120  # rows at a time, so that the work between two passes stays in cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """How samples become R'G'B': (Kr, Kb), range, where chroma lies. RGB needs the range alone."""

    name: str
    weights: tuple[float, float]
    full_range: bool
    centred: bool

    def __str__(self) -> str:
        return f"{self.name}, {'full' if self.full_range else 'limited'} range"


def colour_of(frame: av.VideoFrame, codec: str, reading: LightIn = BY_TAGS) -> Colour:
    """The colour description of a frame, by what is said in `reading` and else by its tags.

    An untagged matrix is BT.709 from 720 lines on and BT.601 below; an
    untagged range is limited, but full for the yuvj formats. RGB is of full range
    whatever its tag, which encoders leave at limited by mistake.

    Raises:
        InputError: a matrix that is none of BT.601, BT.709, BT.2020, ST 240, FCC, or one
            for RGB.
    """
    if frame.format.is_rgb or frame.format.has_palette:
        if reading.matrix != "auto":
            raise InputError(
                f"matrix {reading.matrix} for a video of {frame.format.name}",
                expected="none: it is RGB already",
            )
        full = reading.range != "limited"
        return Colour(name="RGB", weights=light.BT709, full_range=full, centred=True)
    tag = _TAGS.get(reading.matrix, int(frame.colorspace))
    if tag == _UNTAGGED or len(frame.format.components) < 3:
        tag = 1 if frame.height >= _HD_HEIGHT else 5
    if tag not in _MATRICES:
        raise InputError(
            f"the video's colour matrix is number {tag} of H.273",
            expected="BT.601, BT.709, BT.2020 (non-constant luminance), ST 240 or FCC",
            next_step="Convert the clip to BT.709 first, or say what it is with --matrix",
        )
    name, weights = _MATRICES[tag]
    full = int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj")
    if reading.range != "auto":
        full = reading.range == "full"
    return Colour(name=name, weights=weights, full_range=full, centred=codec in _CENTRED)


def to_rgb(frame: av.VideoFrame, colour: Colour) -> Pixels:
    """A decoded picture as (H, W, 3) R'G'B', full range.

    uint8 where a sample has 8 bits, otherwise uint16 over 0 to 65535. Each
    value is within one code of the exact one.

    Raises:
        InputError: a pixel format that is not understood.
    """
    planes, bits = planes_of(frame)
    if len(planes) == 1:
        planes += [np.full_like(planes[0], 1 << (bits - 1))] * 2
    rgb = frame.format.is_rgb or frame.format.has_palette
    steps = _steps(planes[0].shape, planes[1].shape, centred=colour.centred)
    gain = math.prod(4 if between else 2 for _, between in steps)
    matrix = _rgb_matrix(colour, bits) if rgb else _yuv_matrix(colour, bits)
    matrix = matrix / np.array([1.0, gain, gain, 1.0])
    if bits == 8:
        matrix[:, 3] += 127.5  # so that cutting eight bits off rounds: OpenCV has rounded before
    # Whole numbers as long as they fit.
    dtype = np.dtype(np.uint16 if gain * 2**bits <= 2**16 else np.float32)
    height, width = planes[0].shape
    out = np.empty((height, width, 3), np.uint8 if bits == 8 else np.uint16)
    for top in range(0, height, _BAND):
        rows = slice(top, min(top + _BAND, height))
        first = planes[0][rows].astype(dtype)
        others = [_upsample(plane, rows, width, steps, dtype) for plane in planes[1:]]
        _finish(cv2.transform(cv2.merge([first, *others]), matrix), out[rows])
    return out


def _peak(bits: int) -> int:
    # 8-bit results are rounded from 16 bits, so that one route serves all depths.
    return 255 * 256 if bits == 8 else 65535


def _scale(colour: Colour, bits: int) -> tuple[float, float, float]:
    """The code of black, and the codes from 0 to 1 of luma and R'G'B', and of chroma."""
    unit, top = 2.0 ** (bits - 8), 2.0**bits - 1
    return (0.0, top, top) if colour.full_range else (16 * unit, 219 * unit, 224 * unit)


def _rgb_matrix(colour: Colour, bits: int) -> NDArray[np.float64]:
    """Codes (R, G, B, 1) to R'G'B' of 0 to _peak: 3x4."""
    black, one, _ = _scale(colour, bits)
    return np.column_stack([np.eye(3), np.full(3, -black)]) * (_peak(bits) / one)


def _yuv_matrix(colour: Colour, bits: int) -> NDArray[np.float64]:
    """Codes (Y, Cb, Cr, 1) to R'G'B' of 0 to _peak: 3x4."""
    black, luma, chroma = _scale(colour, bits)
    codes = np.diag([1 / luma, 1 / chroma, 1 / chroma])
    linear = np.linalg.inv(light.ycbcr_matrix(colour.weights)) @ codes
    zero = 2.0 ** (bits - 1)
    return np.column_stack([linear, -linear @ np.array([black, zero, zero])]) * _peak(bits)


def _finish(scaled: Samples, out: Pixels) -> None:
    """Clip and round what a matrix scaled. OpenCV has already done so to uint16."""
    if scaled.dtype != np.uint16:
        scaled = np.rint(np.clip(scaled, 0, 65535)).astype(np.uint16)
    if out.dtype == np.uint8:
        np.right_shift(scaled, 8, out=out, casting="unsafe")
    else:
        out[:] = scaled


# An axis along which samples are doubled, and whether each lies between the two it becomes.
_Step = tuple[int, bool]


def _steps(luma: tuple[int, ...], chroma: tuple[int, ...], *, centred: bool) -> list[_Step]:
    """What brings chroma to luma's resolution."""
    return [
        (axis, centred or axis == 0)
        for axis in (0, 1)
        for _ in range(round(np.log2(luma[axis] / chroma[axis])))
    ]


def _upsample(
    plane: Samples, rows: slice, width: int, steps: list[_Step], dtype: np.dtype[Any]
) -> Samples:
    """Chroma in `rows` of luma's resolution, times the gain of all steps."""
    coarse = 2 ** sum(axis == 0 for axis, _ in steps)
    # With a neighbour above and below, which the edge repeats.
    taken = np.arange(rows.start // coarse - 1, -(-rows.stop // coarse) + 1)
    fine: Samples = plane[taken.clip(0, len(plane) - 1)].astype(dtype)
    for axis, between in steps:
        fine = _double(fine, axis, between=between)
    return fine[coarse : coarse + rows.stop - rows.start, :width]


def _double(c: Samples, axis: int, *, between: bool) -> Samples:
    """Twice the samples along `axis`.

    `between`: each lies between the two that it becomes (gain 4); otherwise on
    the first of them (gain 2).
    """
    vertical, horizontal = (1, 0) if axis == 0 else (0, 1)
    padded = cv2.copyMakeBorder(c, vertical, vertical, horizontal, horizontal, cv2.BORDER_REPLICATE)
    before, after = (padded[:-2], padded[2:]) if axis == 0 else (padded[:, :-2], padded[:, 2:])
    pair = (before + 3 * c, after + 3 * c) if between else (2 * c, c + after)
    if axis == 0:
        return np.stack(pair, axis=1).reshape(2 * c.shape[0], -1)
    # The quickest way to alternate samples.
    return np.asarray(cv2.merge(pair)).reshape(c.shape[0], -1)
