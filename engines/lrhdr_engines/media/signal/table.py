"""A function of light as a table over the leading bits of a float."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Light = NDArray[np.float64]
Floats = NDArray[np.float32]
Channel = Callable[[Light], Light]

# In this unit of light, in cd/m2, a float's sign, exponent and first ten bits of mantissa have
# 2^16 values between 2^-40 and 2^24 cd/m2, and the last 16 bits of them say which.
UNIT_NITS = 2.0**23
LEAST_NITS = 2.0**-40
_LOW_BITS = 13
_FIRST = 1 << 16  # the leading bits of 2^-63, which is LEAST_NITS


class Table:
    """f(light) for light >= 0, smooth in log(light) and constant from 2^24 cd/m2 on.

    A cell spans a 1024th of an octave's first value. `exact` interpolates inside it;
    otherwise the cell's middle stands for all of it, which is at most 2^-11 away. With
    PQ's greatest slope, 95 10-bit codes for a factor of e, that is 0.05 of a code. For HLG,
    whose slope is at most 219, it is 0.11, and for 8 bits less than either.
    """

    def __init__(self, function: Channel, *, exact: bool) -> None:
        """Evaluates the function, in float64. It takes cd/m2; `at` takes light by UNIT_NITS."""
        edges = (np.arange((1 << 16) + 1, dtype=np.int32) + _FIRST) << _LOW_BITS
        light = edges.view(np.float32).astype(np.float64) * UNIT_NITS
        light[0] = 0.0  # black, and all that is below
        values = function(light) if exact else function((light[1:] + light[:-1]) / 2)
        self._values = values[: 1 << 16].astype(np.float32).reshape(1, -1)
        self._steps = None
        if exact:
            steps = np.diff(values) / (1 << _LOW_BITS)
            steps[[0, -1]] = 0.0  # light outside: its remaining bits mean nothing
            self._steps = steps.astype(np.float32).reshape(1, -1)

    def at(self, index: NDArray[np.uint16], light: Floats, out: Floats) -> None:
        """Of light (R, C), given its index. `out` may be `light`."""
        if self._steps is None:
            cv2.LUT(index, self._values, out)
            return
        rest = (light.view(np.int32) & ((1 << _LOW_BITS) - 1)).astype(np.float32)
        np.multiply(rest, cv2.LUT(index, self._steps), out=rest)
        np.add(cv2.LUT(index, self._values), rest, out=out)


def table_index(
    light: Floats, out: NDArray[np.uint16], scratch: NDArray[np.int32], *, inside: bool
) -> None:
    """Where light (R, C), by UNIT_NITS, lies in any table.

    Args:
        light: finite. What is negative counts as 0.
        out: for the result.
        scratch: of the same size; what it held is lost.
        inside: all light is in [2^-40, 2^24) cd/m2, so that nothing has to be clipped.
    """
    bits = light.view(np.int32)  # in the order of the floats, and negative where they are
    if not inside:
        last = _FIRST + (1 << 16) - 1
        bits = np.clip(bits, _FIRST << _LOW_BITS, last << _LOW_BITS, out=scratch)
    np.right_shift(bits, _LOW_BITS, out=out, casting="unsafe")
