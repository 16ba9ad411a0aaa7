"""Radiance without what is not finite, for outputs that store it as it is."""

from __future__ import annotations

import numpy as np

from lrhdr import light
from lrhdr_engines.media.sink import OutputSettings, Picture, PqPicture, Radiance


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
    bad = not_finite(frame)
    if not bad:
        return frame, 0
    return np.nan_to_num(frame, nan=0.0, posinf=light.MAX_HALF, neginf=0.0), bad


def not_finite(radiance: Radiance) -> int:
    """How many values are NaN or infinite."""
    flat = radiance.ravel(order="K")
    # A sum of squares is the quickest look at every value; it may overflow without fault.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.dot(flat, flat)):
            return 0
    return radiance.size - int(np.count_nonzero(np.isfinite(radiance)))
