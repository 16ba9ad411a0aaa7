"""Quality by motion, as in Figure 7 of the LRHDR paper.

Farneback's optical flow says how far each pixel moves in a frame, blocks of 128 px are
measured one by one, and their PSNR_T is averaged over the blocks of similar motion. The
paper does not say its ranges; ours are `EDGES`. It picks crops with reliable flow by hand;
here every whole block counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.data.layouts import Picture, TestScene
from lrhdr.light import Floats, luma, tonemap

BLOCK = 128  # pixels; all of the shorter side where that is less
EDGES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, np.inf)  # pixels a frame
# What a block without any error counts as, in dB: an infinite one would drown all others.
CEILING = 80.0
# The example values of OpenCV's documentation, with more levels for large motion.
_FARNEBACK: dict[str, Any] = {
    "pyr_scale": 0.5,
    "levels": 5,
    "winsize": 15,
    "iterations": 3,
    "poly_n": 5,
    "poly_sigma": 1.2,
    "flags": 0,
}


def motion_of(scene: TestScene, index: int) -> NDArray[np.float64] | None:
    """How far each pixel (H, W) of a frame moves, in pixels a frame.

    By the truths of this frame and the next (or the one before), tone-mapped. Where one of
    them is unknown: by this frame and the next (or last) of the same exposure. None where
    the scene has neither.
    """
    truth = scene.read_truth(index)
    if truth is not None:
        for other in (index + 1, index - 1):
            known = scene.read_truth(other) if 0 <= other < len(scene) else None
            if known is not None:
                return flow_length(tonemap(truth), tonemap(known))
    period = len(scene.ev)
    for other in (index + period, index - period):
        if 0 <= other < len(scene):
            frames = scene.read_frame(index), scene.read_frame(other)
            return flow_length(*frames) / period
    return None


def flow_length(a: Floats, b: Floats) -> NDArray[np.float64]:
    """Length in pixels (H, W) of the flow from a to b, pictures (H, W, 3) in [0, 1]."""
    codes = [np.rint(luma(picture) * 255.0).astype(np.uint8) for picture in (a, b)]
    start: Picture = np.zeros((*codes[0].shape, 2), np.float32)
    flow = cv2.calcOpticalFlowFarneback(codes[0], codes[1], start, **_FARNEBACK)
    return np.asarray(np.hypot(flow[..., 0], flow[..., 1]), np.float64)


def block_means(plane: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Means of a plane (H, W) over the whole blocks that fit, row by row from the top left."""
    side = min(BLOCK, *plane.shape)
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    blocks = plane[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64)).ravel()


def block_psnr(a: Floats, b: Floats) -> NDArray[np.float64]:
    """PSNR in dB of every block of two pictures (H, W, 3) in [0, 1], at most `CEILING`."""
    error = block_means(((a - b) ** 2).mean(axis=2))
    return np.asarray(-10.0 * np.log10(np.maximum(error, 10.0 ** (-CEILING / 10.0))))


class MotionBins:
    """Collects blocks by their motion."""

    def __init__(self) -> None:
        """Without any block."""
        self.counts = np.zeros(len(EDGES) - 1, np.int64)
        self._sums: dict[Any, NDArray[np.floating[Any]]] = {}

    def add(self, motion: NDArray[np.float64], psnr: Mapping[Any, NDArray[np.float64]]) -> None:
        """Take the blocks of a frame: their motion in pixels, and their PSNR by any key.

        Every frame must come with the same keys.
        """
        bins = np.digitize(motion, EDGES) - 1
        self.counts += np.bincount(bins, minlength=self.counts.size)
        for key, values in psnr.items():
            sums = np.bincount(bins, values, minlength=self.counts.size)
            self._sums[key] = sums + self._sums.get(key, 0.0)

    def means(self) -> dict[Any, list[float | None]]:
        """Mean PSNR in dB of each bin by key; None where there is no block."""
        return {
            key: [float(s / n) if n else None for s, n in zip(sums, self.counts, strict=True)]
            for key, sums in self._sums.items()
        }
