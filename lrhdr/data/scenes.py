"""Scenes with known motion: layers of texture that move, turn, scale and bend over time.

Every layer is a texture, a mask and a map from the frame to the texture for
each moment, so the flow between any two frames and what it hides are exact.
Legend: H x W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Points = NDArray[np.float64]  # (H, W, 2), x then y
Affine = NDArray[np.float64]  # (3, 3), frame pixels to texture pixels

_BEND_ITERATIONS = 12  # each brings the inverse of a bend at least 2.5 times nearer


@dataclass(frozen=True, slots=True)
class Bend:
    """A standing texture that waves: p + amplitude sin(wave . p + phase), per moment.

    Attributes:
        amplitude: (2,), pixels of the texture.
        wave: (2,), radians a pixel; |amplitude| |wave| <= 0.4 keeps it invertible.
        phases: radians, one a moment.
    """

    amplitude: NDArray[np.float64]
    wave: NDArray[np.float64]
    phases: Sequence[float]

    def __call__(self, points: Points, moment: int) -> Points:
        """Bent points."""
        return points + self.amplitude * np.sin(points @ self.wave + self.phases[moment])[..., None]

    def inverse(self, points: Points, moment: int) -> Points:
        """The points that are bent to the given ones, by fixed-point iteration."""
        straight = points
        for _ in range(_BEND_ITERATIONS):
            straight = points - (self(straight, moment) - straight)
        return straight


@dataclass(frozen=True, slots=True)
class Layer:
    """A texture that moves.

    Attributes:
        texture: (h, w, 3), linear.
        mask: coverage (h, w) in [0, 1], or None for all.
        maps: one a moment.
        bend: what the texture does besides.
    """

    texture: Floats
    mask: Floats | None
    maps: list[Affine]
    bend: Bend | None = None

    def sample(self, image: Floats, size: tuple[int, int], moment: int, border: int) -> Floats:
        """`image` (the texture or the mask) as the frame (H, W) = `size` sees it."""
        if self.bend is None:
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            seen = cv2.warpAffine(
                image, self.maps[moment][:2], size[::-1], flags=flags, borderMode=border
            )
        else:
            x, y = np.moveaxis(self.to_texture(grid(size), moment), 2, 0).astype(np.float32)
            seen = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=border)
        return seen.astype(np.float32, copy=False)

    def to_texture(self, points: Points, moment: int) -> Points:
        """Frame points to texture points."""
        placed = _apply(self.maps[moment], points)
        return placed if self.bend is None else self.bend(placed, moment)

    def carry(self, points: Points, start: int, end: int) -> Points:
        """How far the texture under each frame point moves between two moments, in pixels."""
        back = np.linalg.inv(self.maps[end]).astype(np.float64, copy=False)
        if self.bend is None:
            return _apply(back @ self.maps[start] - np.eye(3), points)
        straight = self.bend.inverse(self.to_texture(points, start), end)
        return _apply(back, straight) - points


@dataclass(frozen=True, slots=True)
class Scene:
    """Layers back to front, seen through `height` x `width` pixels.

    The shutter is open for `samples` moments of each frame: frame i sees the
    mean of moments i * samples to (i + 1) * samples - 1, and stands at the
    middle one.
    """

    layers: list[Layer]
    height: int
    width: int
    samples: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.height, self.width

    def radiance(self, frame: int) -> Floats:
        """The picture (H, W, 3), linear."""
        first = frame * self.samples
        moments = [self._instant(first + k) for k in range(self.samples)]
        mean: Floats = moments[0] if len(moments) == 1 else np.mean(moments, axis=0)
        return mean

    def owner(self, frame: int) -> NDArray[np.uint8]:
        """The index of the topmost layer at every pixel, (H, W)."""
        owner = np.zeros(self.size, np.uint8)
        for index, layer in enumerate(self.layers):
            if layer.mask is not None:
                mask = layer.sample(layer.mask, self.size, self._middle(frame), cv2.BORDER_CONSTANT)
                owner[mask > 0.5] = index
        return owner

    def flow(self, start: int, end: int) -> tuple[Floats, Floats]:
        """Where each pixel of `start` is at `end`: flow (H, W, 2) in pixels, visibility (H, W).

        Visibility is 1 where the pixel is inside the frame at `end` and not hidden.
        """
        owner = self.owner(start)
        points = grid(self.size)
        flow = np.zeros_like(points)
        for index, layer in enumerate(self.layers):
            here = owner == index
            if here.any():
                move = layer.carry(points, self._middle(start), self._middle(end))
                flow = np.where(here[..., None], move, flow)
        x, y = np.moveaxis(np.rint(points + flow), 2, 0)
        inside = (x >= 0) & (y >= 0) & (x < self.width) & (y < self.height)
        cx = x.clip(0, self.width - 1).astype(int)
        cy = y.clip(0, self.height - 1).astype(int)
        visible = inside & (self.owner(end)[cy, cx] == owner)
        return flow.astype(np.float32), visible.astype(np.float32)

    def _middle(self, frame: int) -> int:
        return frame * self.samples + self.samples // 2

    def _instant(self, moment: int) -> Floats:
        picture: Floats | None = None
        for layer in self.layers:
            texture = layer.sample(layer.texture, self.size, moment, cv2.BORDER_REFLECT_101)
            if picture is None or layer.mask is None:
                picture = texture
            else:
                mask = layer.sample(layer.mask, self.size, moment, cv2.BORDER_CONSTANT)[..., None]
                picture = picture + mask * (texture - picture)
        if picture is None:
            raise ValueError("a scene needs at least one layer")
        # A blurred mask can exceed 1 by a rounding error, and light cannot be negative.
        return np.maximum(picture, 0.0)


def grid(size: tuple[int, int]) -> Points:
    """The pixels of a frame (H, W) = `size`, as (x, y)."""
    rows, columns = size
    return np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).astype(np.float64)


def _apply(matrix: Affine, points: Points) -> Points:
    return points @ matrix[:2, :2].T + matrix[:2, 2]
