"""The clip that every subject is fed: two frames of the shipped sample, scaled and moving.

The frames of one period are made beforehand, so that feeding costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache, lru_cache
from itertools import cycle, islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import expose, linearise
from lrhdr_engines.media import open_source

Frame = NDArray[np.uint8]  # (H, W, 3), gamma-encoded RGB, as decoded

SAMPLE = Path(__file__).resolve().parents[3] / "samples" / "alternating_3ev.mov"
_SHOT = (0.0, -3.0)  # the EVs of the sample's frames, in turn
_EV = {2: _SHOT, 3: (0.0, -2.0, -4.0)}
# The picture goes there and back, in steps: a whole number of cycles of two and of three.
_PATH = (0, 1, 2, 3, 2, 1)
_WIDTHS_PER_STEP = 320
_RATE = Fraction(24)


def ev(exposures: int) -> tuple[float, ...]:
    """The EVs of the clip's frames, in cycle order from frame 0.

    Raises:
        InputError: a cycle of so many is not known.
    """
    if exposures not in _EV:
        raise InputError(f"{exposures} exposures", expected=" or ".join(map(str, _EV)))
    return _EV[exposures]


def frames(width: int, height: int, exposures: int) -> Iterator[Frame]:
    """The clip without end: (H, W, 3) uint8 each; one period of frames is kept and comes again.

    Raises:
        InputError: the sample is not there, or a cycle of so many exposures is not known.
    """
    return cycle(_period(width, height, exposures))


def write(path: Path, width: int, height: int, exposures: int, count: int) -> None:
    """The first `count` frames of the clip as lossless video (FFV1).

    Raises:
        InputError: as `frames`.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=_RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for frame in islice(frames(width, height, exposures), count):
            picture = av.VideoFrame.from_ndarray(frame, "rgb24")
            container.mux(stream.encode(picture.reformat(format="bgr0")))
        container.mux(stream.encode(None))


@lru_cache(maxsize=1)
def _period(width: int, height: int, exposures: int) -> tuple[Frame, ...]:
    step = max(1, width // _WIDTHS_PER_STEP)
    margin = step * max(_PATH)
    large = [_scaled(_shot(value), width + margin, height + margin) for value in ev(exposures)]
    return tuple(
        np.ascontiguousarray(large[i % exposures][at:, at:][:height, :width])
        for i, at in enumerate(step * place for place in _PATH)
    )


def _scaled(frame: Frame, width: int, height: int) -> Frame:
    shrinks = width <= frame.shape[1] and height <= frame.shape[0]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, (width, height), interpolation=way), np.uint8)


def _shot(value: float) -> Frame:
    """A frame of the sample at this EV: as it was shot, or one of the darkest, exposed anew."""
    shots = dict(zip(_SHOT, _sample(), strict=True))
    if value in shots:
        return shots[value]
    light = linearise(shots[min(_SHOT)] / 255.0, 2.0 ** min(_SHOT))
    return np.asarray(np.rint(255.0 * expose(light, 2.0**value)), np.uint8)


@cache
def _sample() -> tuple[Frame, ...]:
    """The first cycle of the sample clip."""
    if not SAMPLE.is_file():
        raise InputError(
            f"the sample clip {SAMPLE} is not there", next_step="Run the benchmark in a clone"
        )
    with open_source(SAMPLE) as source:
        shots = islice(source.frames(), len(_SHOT))
        return tuple(np.asarray(frame.rgb, np.uint8) for frame in shots)
