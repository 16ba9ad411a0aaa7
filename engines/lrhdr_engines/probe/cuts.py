"""Scene cuts, from thumbnails, whatever the exposures are.

Two frames are compared by the correlation of their pixels' codes. Another
exposure scales the codes and a fade scales and shifts them: neither changes it.

A new scene begins at frame t if no frame shortly before t resembles any from t
on (a flash, or a frame of another exposure, always leaves two that do), and
they differ much more than frames do from moment to moment on either side (as
they would in a fast pan).
"""

from __future__ import annotations

import numpy as np

from lrhdr_engines.probe.figures import Figures, Floats
from lrhdr_engines.tones import seen

_REACH = 3  # frames looked at on either side: a whole cycle, so that each exposure meets itself
_UNLIKE = 0.25  # 1 - correlation
_RATIO = 3.0  # to what frames differ by anyway
_SIDE = 4  # boundaries on each side that "anyway" is the median of
_SHARED = 0.25  # of the pixels visible in both, to compare them
_CONTRAST = 3.0  # codes, a standard deviation; below, it is noise that would be compared
_CHUNK = 512  # frames


def find_cuts(figures: Figures) -> tuple[int, ...]:
    """The frames at which new scenes begin, ascending; frame 0 is none."""
    count = len(figures)
    if count < 2:
        return ()
    unlike = _boundaries(figures.thumbnails)
    cuts: list[int] = []
    for t in filter(lambda t: _is_cut(unlike, t), range(1, count)):
        if cuts and t == cuts[-1] + 1:
            cuts[-1] = max(cuts[-1], t, key=lambda t: _tones_apart(figures.codes, t))
        else:
            cuts.append(t)
    return tuple(cuts)


def _is_cut(unlike: Floats, t: int) -> bool:
    here = unlike[t]
    if not here > _UNLIKE:  # NaN: nothing to be seen
        return False
    sides = unlike[max(1, t - _SIDE) : t], unlike[t + 1 : t + 1 + _SIDE]
    return bool(here > _RATIO * max((_median(side) for side in sides), default=0.0))


def _tones_apart(codes: Floats, t: int) -> float:
    """By how much tones of frames on both sides of boundary t differ at least, codes.

    It tells to which scene a frame belongs that is too dark or bright for its thumbnail to say.
    """
    before, after = codes[max(0, t - _REACH) : t], codes[t : t + _REACH]
    apart = np.abs(before[:, None] - after[None]).mean(axis=2)
    return float(np.nanmin(apart)) if np.isfinite(apart).any() else 0.0


def _median(values: Floats) -> float:
    seen = values[np.isfinite(values)]
    return float(np.median(seen)) if seen.size else 0.0


def _boundaries(thumbnails: Floats) -> Floats:
    """(n,), by how much the most similar frames on both sides of boundary t differ."""
    count = len(thumbnails)
    found = np.full(count, np.inf, np.float32)
    for lag in range(1, 2 * _REACH):
        apart = _unlikeness(thumbnails, lag)  # of frames i and i + lag
        for before in range(max(1, lag - _REACH + 1), min(_REACH, lag) + 1):
            # Frames t - before and t - before + lag.
            first = np.arange(count) - before
            usable = (first >= 0) & (first + lag < count)
            found[usable] = np.fmin(found[usable], apart[first[usable]])
    return np.where(np.isinf(found), np.float32(np.nan), found)


def _unlikeness(thumbnails: Floats, lag: int) -> Floats:
    """(n - lag,), 1 - correlation of frames `lag` apart, 0..2; NaN where they cannot be told."""
    count = max(0, len(thumbnails) - lag)
    found = np.empty(count, np.float32)
    for start in range(0, count, _CHUNK):
        part = slice(start, min(count, start + _CHUNK))
        later = slice(part.start + lag, part.stop + lag)
        found[part] = _compare(thumbnails[part], thumbnails[later])
    return found


def _compare(a: Floats, b: Floats) -> Floats:
    both = seen(a) & seen(b)
    share = both.mean(axis=1)
    weight = both / np.maximum(both.sum(axis=1, keepdims=True, dtype=np.float32), 1)

    def centred(x: Floats) -> Floats:
        clean = np.where(both, x, np.float32(0.0))
        return np.where(both, clean - (weight * clean).sum(axis=1, keepdims=True), 0.0)

    u, v = centred(a), centred(b)
    spread_u, spread_v = (np.sqrt((weight * x * x).sum(axis=1)) for x in (u, v))
    correlation = (weight * u * v).sum(axis=1) / np.maximum(spread_u * spread_v, 1e-6)
    told = (share >= _SHARED) & (np.minimum(spread_u, spread_v) >= _CONTRAST)
    return np.where(told, 1.0 - correlation, np.nan).astype(np.float32)
