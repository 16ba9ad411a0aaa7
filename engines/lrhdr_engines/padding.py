"""Padding to the sizes that the graphs take, for every caller."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def pad(tensor: NDArray[Any], multiple: int) -> NDArray[Any]:
    """Replicate the last row and column until height and width are multiples of `multiple`.

    Args:
        tensor: (..., H, W).
        multiple: at least 1; H and W may be smaller than it.
    """
    height, width = tensor.shape[-2:]
    down, right = -height % multiple, -width % multiple
    if not down and not right:
        return tensor
    kept = [(0, 0)] * (tensor.ndim - 2)
    return np.pad(tensor, [*kept, (0, down), (0, right)], mode="edge")


def crop(tensor: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """Undo `pad`: the first `height` rows and `width` columns of (..., H, W), as a view."""
    return tensor[..., :height, :width]
