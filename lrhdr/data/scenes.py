"""Scenes with known motion: a moving camera over a photograph, and cut-outs moving in front.

Every layer is a texture, a mask and a path of affine maps, so the flow between
any two moments and what it hides are exact. Legend: T moments, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.data.images import Image

Floats = NDArray[np.float32]
Affine = NDArray[np.float64]  # (3, 3), frame pixels to texture pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionSettings:
    """How fast things move; pixels and radians a frame.

    Attributes:
        speed: largest speed; drawn as speed * u^2, so most things move slowly.
        turn: standard deviation of the rotation.
        zoom: standard deviation of the log scale.
        acceleration: standard deviation of the change of speed, as a share of the speed.
        shake: largest standard deviation of the camera's hand shake.
        cutouts: most cut-outs in a scene.
    """

    speed: float = 14.0
    turn: float = 0.008
    zoom: float = 0.006
    acceleration: float = 0.15
    shake: float = 0.6
    cutouts: int = 4


@dataclass(frozen=True, slots=True)
class Layer:
    """A texture (h, w, 3), its coverage (h, w) in [0, 1] or None for all, and one map a moment."""

    texture: Floats
    mask: Floats | None
    maps: list[Affine]


@dataclass(frozen=True, slots=True)
class Scene:
    """Layers back to front over T moments, seen through `height` x `width` pixels."""

    layers: list[Layer]
    height: int
    width: int

    def radiance(self, moment: int) -> Floats:
        """The picture (H, W, 3), linear."""
        picture: Floats | None = None
        for layer in self.layers:
            texture = self._sample(layer.texture, layer.maps[moment], cv2.BORDER_REFLECT_101)
            if picture is None or layer.mask is None:
                picture = texture
            else:
                mask = self._sample(layer.mask, layer.maps[moment], cv2.BORDER_CONSTANT)[..., None]
                picture = picture + mask * (texture - picture)
        if picture is None:
            raise ValueError("a scene needs at least one layer")
        # A blurred mask can exceed 1 by a rounding error, and light cannot be negative.
        return np.maximum(picture, 0.0)

    def owner(self, moment: int) -> NDArray[np.uint8]:
        """The index of the topmost layer at every pixel, (H, W)."""
        owner = np.zeros((self.height, self.width), np.uint8)
        for index, layer in enumerate(self.layers):
            if layer.mask is not None:
                mask = self._sample(layer.mask, layer.maps[moment], cv2.BORDER_CONSTANT)
                owner[mask > 0.5] = index
        return owner

    def flow(self, start: int, end: int) -> tuple[Floats, Floats]:
        """Where each pixel of `start` is at `end`: flow (H, W, 2) in pixels, visibility (H, W).

        Visibility is 1 where the pixel is inside the frame at `end` and not hidden.
        """
        owner = self.owner(start)
        columns, rows = np.arange(self.width, dtype=np.float64), np.arange(self.height)
        points = np.stack([*np.meshgrid(columns, rows), np.ones(owner.shape)], axis=-1)
        flow = np.zeros((*owner.shape, 2), np.float64)
        for index, layer in enumerate(self.layers):
            there = np.linalg.inv(layer.maps[end]) @ layer.maps[start]
            move = (points @ (there - np.eye(3)).T)[..., :2]
            flow = np.where((owner == index)[..., None], move, flow)
        x, y = np.rint(points[..., 0] + flow[..., 0]), np.rint(points[..., 1] + flow[..., 1])
        inside = (x >= 0) & (y >= 0) & (x < self.width) & (y < self.height)
        cx = x.clip(0, self.width - 1).astype(int)
        cy = y.clip(0, self.height - 1).astype(int)
        visible = inside & (self.owner(end)[cy, cx] == owner)
        return flow.astype(np.float32), visible.astype(np.float32)

    def _sample(self, texture: Floats, matrix: Affine, border: int) -> Floats:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (self.width, self.height)
        sampled = cv2.warpAffine(texture, matrix[:2], size, flags=flags, borderMode=border)
        return sampled.astype(np.float32, copy=False)


def _path(
    rng: np.random.Generator, moments: Sequence[float], centre: Affine, motion: MotionSettings
) -> list[Affine]:
    """Smooth motion with acceleration about a centre, as maps from frame to texture."""
    speed = motion.speed * rng.random() ** 2
    angle = rng.uniform(0.0, 2.0 * np.pi)
    velocity = speed * np.array([np.cos(angle), np.sin(angle)])
    acceleration = rng.normal(0.0, motion.acceleration, 2) * (speed + 1.0)
    turn, turn_change = rng.normal(0.0, motion.turn), rng.normal(0.0, 0.2 * motion.turn)
    zoom = rng.normal(0.0, motion.zoom)
    maps = []
    for t in moments:
        shift = velocity * t + 0.5 * acceleration * t * t
        theta, scale = turn * t + 0.5 * turn_change * t * t, np.exp(zoom * t)
        cos, sin = scale * np.cos(theta), scale * np.sin(theta)
        spin = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]], [0.0, 0.0, 1.0]])
        maps.append(centre @ spin @ np.linalg.inv(centre))
    return maps


def _shift(x: float, y: float) -> Affine:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _crop(rng: np.random.Generator, image: Image, height: int, width: int) -> Floats:
    """A part of the photograph at a random scale, from its middle latitudes."""
    rows, columns = image.shape[:2]
    scale = float(np.exp(rng.uniform(np.log(0.7), np.log(2.2))))
    scale = min(scale, rows / height, columns / width)
    take_y, take_x = int(height * scale), int(width * scale)
    top = (
        int(rng.integers(0, rows - take_y + 1))
        if take_y > 0.7 * rows
        else int(np.clip(rng.uniform(0.12, 0.88) * rows - take_y / 2, 0, rows - take_y))
    )
    left = int(rng.integers(0, columns - take_x + 1))
    part = image[top : top + take_y, left : left + take_x]
    method = cv2.INTER_AREA if scale > 1.0 else cv2.INTER_LINEAR
    return cv2.resize(part, (width, height), interpolation=method).astype(np.float32, copy=False)


def _blob(rng: np.random.Generator, side: int) -> Floats:
    """Coverage of a cut-out: an ellipse, a polygon or a smooth blob with soft edges."""
    mask = np.zeros((side, side), np.float32)
    kind = rng.integers(3)
    if kind == 0:
        axes = tuple(int(v) for v in rng.uniform(0.2, 0.45, 2) * side)
        turn = float(rng.uniform(0, 180))
        cv2.ellipse(mask, (side // 2, side // 2), axes, turn, 0, 360, 1.0, -1)
    elif kind == 1:
        count = int(rng.integers(3, 9))
        angles = np.sort(rng.uniform(0, 2 * np.pi, count))
        radii = rng.uniform(0.15, 0.48, count) * side
        corners = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None] + side / 2
        cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 1.0)
    else:
        noise = rng.normal(size=(side, side)).astype(np.float32)
        field = cv2.GaussianBlur(noise, (0, 0), side / float(rng.uniform(6, 14)))
        axis = np.linspace(-1, 1, side, dtype=np.float32)
        radius = np.hypot(axis[:, None], axis[None, :])
        field = field / (field.std() + 1e-6) + 2.5 * (0.6 - radius)
        mask[(field > 0.5) & (radius < 0.95)] = 1.0
    return cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.4, 1.4))).astype(np.float32)


def draw_scene(
    rng: np.random.Generator,
    images: Sequence[Image],
    moments: Sequence[float],
    size: tuple[int, int],
    motion: MotionSettings,
) -> Scene:
    """A random scene over the given moments (frames; 0 is the reference), `size` (H, W).

    The camera's shake moves every layer alike, as hand shake does.
    """
    height, width = size
    short = min(size)
    margin = short // 4
    background = _crop(
        rng, images[int(rng.integers(len(images)))], height + 2 * margin, width + 2 * margin
    )
    centre = _shift(width / 2.0, height / 2.0)
    base = _shift(margin, margin)
    camera = [base @ m for m in _path(rng, moments, centre, motion)]
    layers = [Layer(background, None, camera)]
    for _ in range(int(rng.integers(0, motion.cutouts + 1))):
        extent = int(rng.uniform(0.15, 0.75) * short)
        texture = _crop(rng, images[int(rng.integers(len(images)))], extent, extent)
        level = np.median(background) / (np.median(texture) + 1e-6)
        texture = texture * np.float32(level * np.exp(rng.normal(0.0, 1.2)))
        x, y = rng.uniform(-0.2, 1.2, 2) * (width, height)
        place = _shift(extent / 2 - x, extent / 2 - y)
        path = _path(rng, moments, _shift(x, y), motion)
        layers.append(Layer(texture, _blob(rng, extent), [place @ m for m in path]))
    shake = rng.uniform(0.0, motion.shake)
    shakes = [_shift(*rng.normal(0.0, shake, 2)) for _ in moments]
    layers = [
        Layer(lay.texture, lay.mask, [m @ s for m, s in zip(lay.maps, shakes, strict=True)])
        for lay in layers
    ]
    return Scene(layers, height, width)
