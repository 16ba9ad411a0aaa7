"""What is kept of every frame of a clip: some numbers, read in one pass; no pixels.

Legend: n frames, K tones (see `tones`), P pixels of a thumbnail.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import IncompleteError
from lrhdr_engines.media.source import Frame, Source
from lrhdr_engines.tones import means_of, quantiles, samples_of

LAGS = 3  # frames back that a frame is compared with, pixel by pixel
_THUMBNAIL = 32  # pixels along the longer side

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The numbers, about 3 KiB a frame. A damaged frame's are NaN.

    Attributes:
        codes: (n, K) tones, 0..255.
        thumbnails: (n, P) mean codes of the three channels, 0..255.
        changes: (n, LAGS), mean difference in codes from the pixels of 1, 2, ... frames before.
        broken: what was wrong with the clip where it ended early, else "".
    """

    codes: Floats
    thumbnails: Floats
    changes: Floats
    broken: str = ""

    def __len__(self) -> int:
        """Frames read."""
        return len(self.codes)

    @property
    def luma(self) -> Floats:
        """(n,) mean code of each frame."""
        return np.asarray(self.thumbnails.mean(axis=1), np.float32)


def collect(
    source: Source, stop: int | None = None, advanced: Callable[[int], None] | None = None
) -> Figures:
    """Read frames 0 to `stop`, or all, and keep their numbers.

    Where the clip breaks off, those before it count: whoever uses the frames reports the break.

    Args:
        source: the clip.
        stop: frames to read at most.
        advanced: called after every frame with how many were read.
    """
    reader = _Reader()
    broken = ""
    frames = source.frames()
    try:
        while (stop is None or len(reader) < stop) and (frame := next(frames, None)) is not None:
            reader.add(frame)
            if advanced is not None:
                advanced(len(reader))
    except IncompleteError as error:
        broken = str(error)
    return reader.figures(broken)


class _Reader:
    """Takes frames in order."""

    def __init__(self) -> None:
        self._codes: list[Floats] = []
        self._thumbnails: list[Floats] = []
        self._changes: list[list[float]] = []
        self._recent: deque[Floats | None] = deque(maxlen=LAGS)

    def __len__(self) -> int:
        return len(self._codes)

    def add(self, frame: Frame) -> None:
        samples = samples_of(frame.rgb)
        means = means_of(samples)
        codes = quantiles(means).astype(np.float32)
        thumbnail = _thumbnail(means)
        green = np.ascontiguousarray(samples[..., 1])
        if frame.damaged:  # its pixels are another frame's
            codes[:] = np.nan
            thumbnail[:] = np.nan
        changes = [
            np.nan if frame.damaged or before is None else float(cv2.absdiff(green, before).mean())
            for before in reversed(self._recent)
        ]
        self._codes.append(codes)
        self._thumbnails.append(thumbnail)
        self._changes.append(changes + [np.nan] * (LAGS - len(changes)))
        self._recent.append(None if frame.damaged else green)

    def figures(self, broken: str) -> Figures:
        return Figures(
            codes=np.array(self._codes, np.float32),
            thumbnails=np.array(self._thumbnails, np.float32),
            changes=np.array(self._changes, np.float32).reshape(-1, LAGS),
            broken=broken,
        )


def _thumbnail(means: Floats) -> Floats:
    scale = _THUMBNAIL / max(means.shape[:2])
    size = tuple(max(1, round(side * scale)) for side in means.shape[1::-1])
    small = cv2.resize(means, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small.mean(axis=2, dtype=np.float32).reshape(-1), np.float32)
