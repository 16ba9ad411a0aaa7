"""The layout of Y'CbCr: ranges, bits, subsampling, and what PyAV calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr_engines.media.signal.table import Floats
from lrhdr_engines.media.signal.workspace import Workspace

Chroma = Literal["420", "422", "444"]
Plane = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Limited range: Y' 16 to 235 and CbCr 128 +- 112, times 2^(bits - 8).

    BT.709-6 3.5 for 8 bits, BT.2100-2 table 9 for 10 and 12; 16 by the same rule (H.273 8.3).

    Attributes:
        cosited: in 4:2:0, chroma lies on luma's even rows, not between them.
    """

    chroma: Chroma
    bits: int
    cosited: bool

    @property
    def pixel_format(self) -> str:
        """PyAV's name."""
        return f"yuv{self.chroma}p" + ("" if self.bits == 8 else f"{self.bits}le")

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """Of the codes."""
        return np.uint8 if self.bits == 8 else np.uint16

    @property
    def unit(self) -> int:
        """What 1 of 8 bits is."""
        return 1 << (self.bits - 8)

    @property
    def halved(self) -> tuple[bool, bool]:
        """Whether chroma has half of luma's rows, and of its columns."""
        return self.chroma == "420", self.chroma != "444"

    @property
    def halo(self) -> int:
        """Rows above its own that a band's chroma needs."""
        return int(self.chroma == "420" and self.cosited)

    def grown(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of luma: even where chroma has half as many."""
        rows, columns = self.halved
        return height + (height % 2 if rows else 0), width + (width % 2 if columns else 0)

    def subsample(self, chroma: Floats, workspace: Workspace) -> tuple[Floats, float]:
        """Chroma at its own size, each by the least filter that is even about where it lies.

        That is [1 2 1] / 4 where it lies on a sample and [1 1] / 2 between two.

        Args:
            chroma: (halo + R, C) at luma's size, R and C as even as they must be.
            workspace: holds the result.

        Returns:
            (R', C') sums, and what they have to be multiplied by.
        """
        rows, columns = self.halved
        factor = 1.0
        if rows:
            above = chroma[:-1:2] if self.cosited else chroma[::2]
            below = chroma[2::2] if self.cosited else chroma[1::2]
            total = workspace.chroma(0, *above.shape)
            cv2.add(above, below, total)
            if self.cosited:
                cv2.scaleAdd(chroma[1::2], 2.0, total, total)
            chroma, factor = total, 0.25 if self.cosited else 0.5
        if not columns:
            return chroma, factor
        shape = chroma.shape[0], chroma.shape[1] // 2
        even, odd = workspace.chroma(1, *shape), workspace.chroma(2, *shape)
        cv2.split(chroma.reshape(*shape, 2), [even, odd])  # quicker than strides
        total = workspace.chroma(0, *shape)
        cv2.scaleAdd(even, 2.0, odd, total)
        cv2.add(total[:, 1:], odd[:, :-1], total[:, 1:])
        total[:, 0] += even[:, 0]  # the frame's edge goes on as it is
        return total, factor / 4.0


def empty_planes(layout: Layout, height: int, width: int) -> list[NDArray[Any]]:
    """Y, Cb, Cr to be filled, for frames of this size."""
    luma = layout.grown(height, width)
    rows, columns = layout.halved
    chroma = luma[0] >> rows, luma[1] >> columns
    return [np.empty(shape, layout.dtype) for shape in (luma, chroma, chroma)]
