"""Random scenes: a hand-held camera over a photograph, and cut-outs of others moving in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lrhdr.data.images import Image
from lrhdr.data.scenes import Affine, Bend, Floats, Layer, Scene

_SHUTTER_SAMPLES = 3  # instants that a blurred frame is the mean of


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
        scale: range of photograph pixels a frame pixel, as far as the photograph goes.
        blurred: share of scenes whose shutter stays open ...
        shutter: ... for up to this part of a frame.
        defocused: share of layers that are out of focus, ...
        defocus: ... by a Gaussian of up to this many pixels.
        bent: share of layers that wave like cloth or water, ...
        bend: ... by up to this many pixels.
    """

    speed: float = 14.0
    turn: float = 0.008
    zoom: float = 0.006
    acceleration: float = 0.15
    shake: float = 0.6
    cutouts: int = 4
    scale: tuple[float, float] = (0.7, 2.2)
    blurred: float = 0.2
    shutter: float = 0.6
    defocused: float = 0.2
    defocus: float = 2.0
    bent: float = 0.25
    bend: float = 3.0


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


def _crop(
    rng: np.random.Generator, image: Image, size: tuple[int, int], scales: tuple[float, float]
) -> Floats:
    """A part of the photograph at a random scale, from its middle latitudes."""
    height, width = size
    rows, columns = image.shape[:2]
    scale = float(np.exp(rng.uniform(*np.log(scales))))
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


def _bend(rng: np.random.Generator, moments: Sequence[float], largest: float) -> Bend:
    amplitude = rng.uniform(0.2, 1.0) * largest
    angle, across = rng.uniform(0.0, 2.0 * np.pi, 2)
    wave = min(2.0 * np.pi / rng.uniform(24.0, 120.0), 0.4 / amplitude)
    rate, start = rng.normal(0.0, 0.5), rng.uniform(0.0, 2.0 * np.pi)
    return Bend(
        amplitude * np.array([np.cos(across), np.sin(across)]),
        wave * np.array([np.cos(angle), np.sin(angle)]),
        [float(start + rate * t) for t in moments],
    )


def _texture(
    rng: np.random.Generator, images: Sequence[Image], size: tuple[int, int], motion: MotionSettings
) -> Floats:
    texture = _crop(rng, images[int(rng.integers(len(images)))], size, motion.scale)
    if rng.random() < motion.defocused:
        sigma = float(rng.uniform(0.3, 1.0)) * motion.defocus
        texture = cv2.GaussianBlur(texture, (0, 0), sigma).astype(np.float32, copy=False)
    return texture


def draw_scene(
    rng: np.random.Generator,
    images: Sequence[Image],
    moments: Sequence[float],
    size: tuple[int, int],
    motion: MotionSettings,
) -> Scene:
    """A random scene over the given moments (in frames; 0 is the reference), `size` (H, W).

    The camera's shake moves every layer alike, as hand shake does.
    """
    height, width = size
    short = min(size)
    margin = short // 4
    blurred = rng.random() < motion.blurred
    opening = float(rng.uniform(0.1, 1.0)) * motion.shutter if blurred else 0.0
    during = opening * np.linspace(-0.5, 0.5, _SHUTTER_SAMPLES) if blurred else np.zeros(1)
    instants = [float(t + d) for t in moments for d in during]

    def bend() -> Bend | None:
        return _bend(rng, instants, motion.bend) if rng.random() < motion.bent else None

    background = _texture(rng, images, (height + 2 * margin, width + 2 * margin), motion)
    centre = _shift(width / 2.0, height / 2.0)
    base = _shift(margin, margin)
    camera = [base @ m for m in _path(rng, instants, centre, motion)]
    layers = [Layer(background, None, camera, bend())]
    for _ in range(int(rng.integers(0, motion.cutouts + 1))):
        extent = int(rng.uniform(0.15, 0.75) * short)
        texture = _texture(rng, images, (extent, extent), motion)
        # Bounded: a part of a photograph can be black.
        level = np.clip(np.median(background) / (np.median(texture) + 1e-6), 1e-2, 1e2)
        texture = texture * np.float32(level * np.exp(rng.normal(0.0, 1.2)))
        x, y = rng.uniform(-0.2, 1.2, 2) * (width, height)
        place = _shift(extent / 2 - x, extent / 2 - y)
        path = _path(rng, instants, _shift(x, y), motion)
        layers.append(Layer(texture, _blob(rng, extent), [place @ m for m in path], bend()))
    shake = rng.uniform(0.0, motion.shake)
    shakes = [_shift(*rng.normal(0.0, shake, 2)) for _ in moments]
    steady = [s for s in shakes for _ in during]
    layers = [
        replace(layer, maps=[m @ s for m, s in zip(layer.maps, steady, strict=True)])
        for layer in layers
    ]
    return Scene(layers, height, width, samples=len(during))
