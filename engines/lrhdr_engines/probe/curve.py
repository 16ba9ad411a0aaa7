"""Which camera curve a clip's tones fit best.

One exposure scales linear light by one factor. Under the right curve every
tone tells the same factor; under a wrong one it varies from dark to bright.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from lrhdr.light import camera_light
from lrhdr_engines.probe.steps import Array, Rhythm, anchored, measure
from lrhdr_engines.tones import seen

_CURVES = ("srgb", "bt709")
_RATIO = 0.5  # of the spread under the curve that the clip was read with
_SPREAD = 0.02  # of a step; below, that curve is right enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A curve that fits better than the one that the clip was read with.

    Attributes:
        name: one of `lrhdr.light.CAMERA_CURVES`.
        ev: the cycle under it, as measured.
    """

    name: str
    ev: tuple[float, ...]


def better_curve(codes: Array, rhythm: Rhythm, order: list[int], spread: float) -> Curve | None:
    """The curve under which the steps vary least from tone to tone, if clearly less.

    Args:
        codes: (n, K) tones, 0..255.
        rhythm: of the clip.
        order: positions from the darkest to the brightest.
        spread: over the tones of the clip as it was read, of a step.
    """
    if spread < _SPREAD:
        return None
    best: Curve | None = None
    least = _RATIO * spread
    for name in _CURVES:
        steps = measure(_stops(codes, name), rhythm, order)
        varies = max(step.spread / step.ev for step in steps)
        if varies < least:
            least, best = varies, Curve(name=name, ev=anchored(order, (s.ev for s in steps)))
    return best


def _stops(codes: Array, curve: str) -> Array:
    """log2 of the curve's linear light, NaN where codes are not to be trusted."""
    table_codes, table = _table(curve)
    return np.where(seen(codes), np.interp(codes, table_codes, table), np.nan)


@functools.cache
def _table(curve: str) -> tuple[Array, Array]:
    codes = np.linspace(1.0, 255.0, 4096)
    return codes, np.log2(camera_light(codes / 255.0, curve))
