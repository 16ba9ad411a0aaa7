"""How far a picture is from another, as the mu-law shows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrhdr.light import Floats, tonemap
from lrhdr_benchmarks.speed.subject import Picture


def difference(picture: Picture, exact: Picture, ev: Sequence[float]) -> tuple[float, float]:
    """The greatest and the mean |T(H) - T(H')| (Eq. 12), over pixels and channels.

    Args:
        picture: (H, W, 3), 1.0 is what just clips at EV 0.
        exact: the same, to be measured against.
        ev: of the clip; in the paper's H, 1 is what just clips at the shortest of them.

    Returns:
        Both infinite where a value of either is not finite.
    """
    error = np.abs(_shown(picture, ev) - _shown(exact, ev))
    if not np.isfinite(error).all():
        return np.inf, np.inf
    return float(error.max()), float(error.mean())


def _shown(picture: NDArray[np.float32], ev: Sequence[float]) -> Floats:
    return tonemap(np.maximum(picture * 2.0 ** min(ev), 0.0, dtype=np.float64))
