"""Memory for one band, used again for the next: what is new has to be paged in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Workspace:
    """Arrays for bands of R rows and C columns; `shape` sets both.

    Attributes:
        pixels: (R, C, 3) float32.
        planes: (3, R, C) float32.
        stacked: the same memory, (3 R, C).
        plane: (R, C) float32.
        index: (3 R, C) uint16.
        scratch: (3 R, C) int32, the memory of `pixels`.
    """

    def __init__(self) -> None:
        """Empty."""
        self._memory: list[NDArray[Any]] = []
        self.shape(0, 0)

    def shape(self, rows: int, columns: int) -> None:
        """Make the arrays of this size; what they held is lost."""
        size = rows * columns
        if not self._memory or self._memory[2].size < size:
            kinds = ((3, np.float32), (3, np.float32), (1, np.float32), (3, np.uint16))
            self._memory = [np.empty(count * size, dtype) for count, dtype in kinds]
        pixels, planes, plane, index = self._memory
        self.pixels = pixels[: 3 * size].reshape(rows, columns, 3)
        self.scratch = self.pixels.view(np.int32).reshape(3 * rows, columns)
        self.planes = planes[: 3 * size].reshape(3, rows, columns)
        self.stacked = self.planes.reshape(3 * rows, columns)
        self.plane = plane[:size].reshape(rows, columns)
        self.index = index[: 3 * size].reshape(3 * rows, columns)

    def chroma(self, number: int, rows: int, columns: int) -> NDArray[np.float32]:
        """(rows, columns), at most half of (R, C), of the memory of `pixels`: numbers 0 to 2."""
        part = self._memory[0].size // 3
        memory: NDArray[np.float32] = self._memory[0][number * part :]
        return memory[: rows * columns].reshape(rows, columns)
