"""Scenes whose every number is known: textures, recorded at alternating exposures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lrhdr.data.layouts import Picture, TestScene
from lrhdr.data.layouts.scene import measurable
from lrhdr.light import expose, relative_exposures

EV = {2: (0.0, 3.0), 3: (0.0, 2.0, 4.0)}


def texture(height: int = 24, width: int = 32, seed: int = 0) -> Picture:
    """Smooth light in [0.001, 1], (H, W, 3), of pale colours."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(height, width, 1)) + 0.2 * rng.normal(size=(height, width, 3))
    field = cv2.GaussianBlur(noise, (0, 0), 2.0)
    ranks = ((field - field.min()) / (field.max() - field.min())) ** 0.7
    return np.asarray(np.exp((ranks - 1.0) * np.log(1000.0)), np.float32)


def panning(count: int, step: int = 2, height: int = 24, width: int = 40) -> list[Picture]:
    """Views of one texture that moves to the left by `step` pixels a frame."""
    wide = texture(height, width + step * count)
    return [np.ascontiguousarray(wide[:, step * i : step * i + width]) for i in range(count)]


def recorded(truths: Sequence[Picture], ev: Sequence[float], noise: float = 0.0) -> list[Picture]:
    """The frames of a camera that takes `truths` at each EV in turn, with linear noise."""
    rng = np.random.default_rng(7)
    cycle = relative_exposures(tuple(ev))
    light = [truth + rng.normal(0.0, noise, truth.shape) for truth in truths]
    return [expose(h, cycle[i % len(cycle)]).astype(np.float32) for i, h in enumerate(light)]


def scene_of(
    truths: Sequence[Picture],
    ev: Sequence[float] = EV[2],
    *,
    noise: float = 0.0,
    name: str = "room",
    known: bool = True,
) -> TestScene:
    """A scene of these truths; `known` says whether it has them to compare with."""
    frames = recorded(truths, ev, noise)
    return TestScene(
        name=name,
        ev=tuple(ev),
        stems=tuple(f"{i:04}" for i in range(len(truths))),
        read_frame=frames.__getitem__,
        read_truth=lambda i: truths[i] if known else None,
        measured=tuple(measurable(len(truths), len(ev))) if known else (),
    )
