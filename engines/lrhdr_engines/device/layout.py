"""Sizes: the tensors of one clip on the device, the rings they live in, and bytes over PCIe.

Legend: Ne exposures, F = 2 Ne - 1 frames in a window, H, W a frame's size, H', W' padded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lrhdr.contract import WINDOWS, Precision, Pyramids, Tensor, Window
from lrhdr.manifest import Manifest
from lrhdr_engines.padding import padded

STATISTICS = 3  # see `Programs.pack`

# Windows that may be queued at once; the host fetches the oldest before it queues another. With
# two, the GPU would have one window left to do while the host turns round.
IN_FLIGHT = 3
# Radiance is written to one slot while the other is packed.
HDR_SLOTS = 2
# The host fills one while the other is copied.
STAGING_SLOTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the buffers of a clip are like.

    Attributes:
        frame_type: of the codes that are uploaded.
        pq: whether pictures are PQ codes (uint16), not radiance (float32).
    """

    exposures: int
    pyramids: Pyramids
    multiple: int
    precision: Precision
    height: int
    width: int
    frame_type: Literal["uint8", "uint16"]
    pq: bool = False

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        precision: Precision,
        height: int,
        width: int,
        frame_type: Literal["uint8", "uint16"],
        *,
        pq: bool = False,
    ) -> Layout:
        """For a bundle and a clip."""
        return cls(
            exposures=manifest.exposures,
            pyramids=manifest.pyramids,
            multiple=manifest.multiple,
            precision=precision,
            height=height,
            width=width,
            frame_type=frame_type,
            pq=pq,
        )

    @property
    def window(self) -> Window:
        """Of an output."""
        return WINDOWS[self.exposures]

    @property
    def reach(self) -> int:
        """Frames that a window takes on either side."""
        return self.exposures - 1

    @property
    def ring(self) -> int:
        """Frame slots: F and a spare one, 2 Ne, a whole number of cycles."""
        return 2 * self.exposures

    @property
    def flow_slots(self) -> int:
        """Pairs whose flow is alive at once, Ne - 1."""
        return len(self.window.interpolations)

    @property
    def padded(self) -> tuple[int, int]:
        """(H', W')."""
        return padded(self.height, self.width, self.multiple)

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """(H, W, 3), of what is uploaded and downloaded."""
        return self.height, self.width, 3

    @property
    def picture_type(self) -> np.dtype[Any]:
        """Of what is downloaded."""
        return np.dtype(np.uint16 if self.pq else np.float32)

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """A graph's tensor with its dimensions as numbers."""
        return tensor.sized(*self.padded)

    def dtype(self, tensor: Tensor) -> np.dtype[Any]:
        """A graph's tensor's type at this precision."""
        return np.dtype(tensor.type_at(self.precision))


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Bytes over PCIe for one frame."""

    up: int
    down: int


def traffic(layout: Layout) -> Traffic:
    """What the stream moves: codes up, a picture and its statistics down."""
    values = layout.height * layout.width * 3
    return Traffic(
        up=values * np.dtype(layout.frame_type).itemsize,
        down=values * layout.picture_type.itemsize + STATISTICS * np.dtype(np.float64).itemsize,
    )


def float_traffic(layout: Layout) -> Traffic:
    """What it would be with padded float32 planes both ways, as the graphs take and give them."""
    height, width = layout.padded
    planes = 3 * height * width * np.dtype(np.float32).itemsize
    return Traffic(up=planes, down=planes)
