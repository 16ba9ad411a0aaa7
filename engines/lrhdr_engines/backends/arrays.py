"""Arrays for results, used again when nobody has them any more.

New memory is slow: the system hands it out page by page, each cleared when it is first written.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Arrays:
    """Makes arrays of one shape and type."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Keeps as many as were ever in use at once."""
        self._shape, self._dtype = shape, dtype
        self._made: list[NDArray[Any]] = []

    def take(self) -> NDArray[Any]:
        """An array that nobody else has, nor a view of it. What it holds means nothing."""
        for i in range(len(self._made)):
            if _holders(self._made, i) == _NOBODY_ELSE:
                return self._made[i]
        array = np.empty(self._shape, self._dtype)
        self._made.append(array)
        return array

    def forget(self) -> None:
        """Leave those that were made to whoever has them."""
        self._made.clear()


def _holders(arrays: list[NDArray[Any]], i: int) -> int:
    return sys.getrefcount(arrays[i])


_NOBODY_ELSE = _holders([np.empty(0)], 0)  # what the list and the count itself add differs
