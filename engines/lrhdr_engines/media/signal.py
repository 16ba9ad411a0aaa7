"""Radiance to the 10-bit HDR10 signal, and the light level that is measured on the way.

BT.709 linear -> BT.2020 linear (BT.2087) -> PQ (ST 2084) -> Y'CbCr, non-constant
luminance, limited range, 10 bits (BT.2100-2 tables 4, 6 and 9) -> 4:2:0 with
chroma on the top left luma sample (type 2, what BT.2020 and BT.2100 ask for).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr import light
from lrhdr_engines.media.sink import OutputSettings, Picture, PqPicture, Radiance

_BAND = 32  # rows at a time, so that the work between two passes stays in cache
_LUMA_BLACK, _LUMA_RANGE = 64, 876  # BT.2100-2 table 9, 10 bits: codes 64 to 940
_CHROMA_ZERO, _CHROMA_RANGE = 512, 896
# Cosited chroma: the least filter that is even about the sample it keeps.
_TAPS = np.array([0.25, 0.5, 0.25], np.float32)


class LightMeter:
    """MaxCLL and MaxFALL of CTA-861.3, annex P: over max(R, G, B) of every pixel, in cd/m2."""

    def __init__(self) -> None:
        self._brightest = 0.0
        self._brightest_mean = 0.0

    def add(self, brightest: float, mean: float) -> None:
        """One frame: the greatest and the mean of its pixels' max(R, G, B)."""
        self._brightest = max(self._brightest, brightest)
        self._brightest_mean = max(self._brightest_mean, mean)

    @property
    def max_cll(self) -> int:
        """Whole cd/m2, at least 1: 0 would say that it is unknown."""
        return max(1, round(self._brightest))

    @property
    def max_fall(self) -> int:
        """Whole cd/m2, at least 1: 0 would say that it is unknown."""
        return max(1, round(self._brightest_mean))


class Hdr10Encoder:
    """Frames to yuv420p10le codes. Odd sizes grow by a replicated row or column."""

    def __init__(self, white_nits: float) -> None:
        """`white_nits` is the display light of radiance 1.0, in cd/m2."""
        self.meter = LightMeter()
        self._to_nits = (light.BT709_TO_BT2020 * white_nits).astype(np.float32)
        scale = np.array([_LUMA_RANGE, _CHROMA_RANGE, _CHROMA_RANGE])
        zero = np.array([_LUMA_BLACK, _CHROMA_ZERO, _CHROMA_ZERO])
        linear = light.ycbcr_matrix(light.BT2020) * scale[:, None]
        # (3, 4). The half rounds, as the codes are then cut off.
        self._to_codes = np.column_stack([linear, zero + 0.5]).astype(np.float32)

    def encode(self, radiance: Radiance) -> NDArray[np.uint16]:
        """(H, W, 3) finite radiance to the planes Y, Cb, Cr, one after the other.

        Returns:
            (3 H' / 2, W') codes as PyAV takes them for yuv420p10le, where H' and
            W' are H and W rounded up to even numbers.
        """
        signal = self._pq(radiance)
        height, width = signal.shape[:2]
        codes = np.empty((height * 3 // 2, width), np.uint16)
        codes[:height] = cv2.transform(signal, self._to_codes[:1])
        quarters = codes[height:].reshape(2, height // 2, width // 2)
        for plane, row in zip(quarters, self._to_codes[1:], strict=True):
            full = cv2.transform(signal, row[None])
            plane[:] = cv2.sepFilter2D(full, -1, _TAPS, _TAPS, borderType=cv2.BORDER_REPLICATE)[
                ::2, ::2
            ]
        return codes

    def _pq(self, radiance: Radiance) -> NDArray[np.float32]:
        """The PQ signal of even size; meters the light on the way."""
        height, width = radiance.shape[:2]
        signal = np.empty((height + height % 2, width + width % 2, 3), np.float32)
        brightest, total = 0.0, 0.0
        for top in range(0, height, _BAND):
            rows = cv2.transform(radiance[top : top + _BAND], self._to_nits)
            nits: NDArray[np.float32] = np.clip(rows, 0.0, light.PQ_PEAK_NITS, dtype=np.float32)
            largest = nits.max(axis=2)
            brightest = max(brightest, float(largest.max()))
            total += float(largest.sum(dtype=np.float64))
            signal[top : top + len(nits), :width] = light.pq_encode(nits)
        self.meter.add(brightest, total / (height * width))
        signal[:height, width:] = signal[:height, width - 1 : width]
        signal[height:] = signal[height - 1 : height]
        return signal


def checked(picture: Picture, settings: OutputSettings) -> tuple[Radiance, int]:
    """The frame as float32 without NaN and infinities, and how many values were replaced.

    NaN becomes 0, infinities the greatest half-float. Nothing else is changed.

    Raises:
        ValueError: not the (H, W, 3) of the settings, or codes where radiance is needed.
    """
    if isinstance(picture, PqPicture):
        raise ValueError("PQ codes were given to an output that takes radiance")
    radiance = picture
    expected = (settings.height, settings.width, 3)
    if radiance.shape != expected:
        raise ValueError(f"a frame of shape {radiance.shape} was given to an output of {expected}")
    frame = np.ascontiguousarray(radiance, np.float32)
    flat = frame.reshape(-1)
    # A sum of squares is the quickest look at every value; it may overflow without fault.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.dot(flat, flat)):
            return frame, 0
    bad = frame.size - int(np.count_nonzero(np.isfinite(frame)))
    if not bad:
        return frame, 0
    return np.nan_to_num(frame, nan=0.0, posinf=light.MAX_HALF, neginf=0.0), bad
