"""Padding to the sizes that the graphs take, for every caller."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def padded(height: int, width: int, multiple: int) -> tuple[int, int]:
    """The height and width that `pad` gives."""
    return height + -height % multiple, width + -width % multiple


def pad(tensor: NDArray[Any], multiple: int) -> NDArray[Any]:
    """Replicate the last row and column until height and width are multiples of `multiple`.

    Args:
        tensor: (..., H, W).
        multiple: at least 1; H and W may be smaller than it.
    """
    height, width = tensor.shape[-2:]
    full_height, full_width = padded(height, width, multiple)
    if (full_height, full_width) == (height, width):
        return tensor
    kept = [(0, 0)] * (tensor.ndim - 2)
    added = [(0, full_height - height), (0, full_width - width)]
    return np.pad(tensor, [*kept, *added], mode="edge")


def crop(tensor: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """Undo `pad`: the first `height` rows and `width` columns of (..., H, W), as a view."""
    return tensor[..., :height, :width]
