"""Alternating-exposure windows from scenes: what the camera would have recorded, and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lrhdr.contract import WINDOWS, Window
from lrhdr.data.camera import Camera, CameraSettings, draw_camera, record, retone
from lrhdr.data.draw import MotionSettings, draw_scene
from lrhdr.data.images import Image
from lrhdr.data.scenes import Scene

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSettings:
    """How windows are drawn.

    Attributes:
        side: crop in pixels.
        motion: how things move.
        camera: what records them.
    """

    side: int = 128
    motion: MotionSettings = field(default_factory=MotionSettings)
    camera: CameraSettings = field(default_factory=CameraSettings)


def normalise(rng: np.random.Generator, frames: Sequence[Floats], longest: float) -> list[Floats]:
    """Scale radiance so that 1 is where the shortest exposure saturates, clipped to [0, 1].

    Half of the scenes put a high percentile at 1, as the papers do; the others
    expose the long frame for the scene's middle and let the rest clip.
    """
    peak = np.concatenate([f.max(axis=2).ravel()[::3] for f in frames])
    if rng.random() < 0.5:
        anchor = np.percentile(peak, rng.uniform(97.0, 100.0)) * rng.uniform(1.0, 1.2)
    else:
        anchor = np.percentile(peak, rng.uniform(50.0, 99.0)) * longest
    return [np.clip(f / max(anchor, 1e-6), 0.0, 1.0).astype(np.float32) for f in frames]


def recolour(rng: np.random.Generator, frames: Sequence[Floats]) -> list[Floats]:
    """Permute the colour channels and vary contrast and saturation of a whole scene alike."""
    order = rng.permutation(3)
    power = float(np.exp(rng.uniform(-0.3, 0.3)))
    return [np.ascontiguousarray(f[..., order]) ** power for f in frames]


def _planar(array: Floats) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


class _Synthetic(Dataset[dict[str, Tensor]]):
    """Item i depends on (seed, i) alone, so any run can go on where another stopped."""

    def __init__(
        self, images: Sequence[Image], settings: WindowSettings, *, length: int, seed: int
    ) -> None:
        self.images, self.settings = list(images), settings
        self.length, self.seed = length, seed

    def __len__(self) -> int:
        return self.length

    def _scene(
        self, rng: np.random.Generator, moments: Sequence[float], longest: float
    ) -> tuple[Scene, list[Floats]]:
        size = (self.settings.side, self.settings.side)
        scene = draw_scene(rng, self.images, moments, size, self.settings.motion)
        frames = [scene.radiance(i) for i in range(len(moments))]
        return scene, normalise(rng, recolour(rng, frames), longest)


class InterpolationItems(_Synthetic):
    """Training items of the interpolator, with exact flow.

    Each is a dictionary: `a`, `b`, `reference` (3, S, S) in gamma space, the
    clean `target` at the neighbours' exposure, `time` (), `exposures` (2,) of
    the reference and the neighbours, flows `ab`, `ba`, `to_a`, `to_b` (2, S, S)
    and visibilities `seen_a`, `seen_b` (S, S) from the reference.
    """

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Draw item `index`."""
        rng = np.random.default_rng((self.seed, index))
        before, after = [(1, 1), (1, 1), (2, 1), (1, 2)][int(rng.integers(4))]
        camera = draw_camera(rng, 2 if before == after else 3, self.settings.camera)
        e_pair, e_reference = (float(e) for e in rng.choice(camera.cycle, 2, replace=False))
        scene, (a, middle, b) = self._scene(rng, (-before, 0, after), camera.cycle[-1])
        item = {
            "a": _planar(camera.shoot(rng, a, e_pair)),
            "b": _planar(camera.shoot(rng, b, e_pair)),
            "reference": _planar(camera.shoot(rng, middle, e_reference)),
            "target": _planar(record(rng, middle, e_pair, 0.0, 0)),
            "time": torch.tensor(before / (before + after), dtype=torch.float32),
            "exposures": torch.tensor([e_reference, e_pair], dtype=torch.float32),
        }
        for name, start, end in (("ab", 0, 2), ("ba", 2, 0), ("to_a", 1, 0), ("to_b", 1, 2)):
            flow, seen = scene.flow(start, end)
            item[name] = _planar(flow)
            if name.startswith("to_"):
                item[f"seen_{name[-1]}"] = torch.from_numpy(seen)
        return item


def draw_slots(rng: np.random.Generator, camera: Camera, window: Window) -> list[float]:
    """The exposure of every frame of a window; the cycle's order is drawn."""
    cycle = rng.permutation(camera.cycle)
    return [float(cycle[offset % len(cycle)]) for offset in window.offsets]


def record_window(
    rng: np.random.Generator,
    camera: Camera,
    slots: Sequence[float],
    radiance: Sequence[Floats],
    settings: CameraSettings,
) -> dict[str, Tensor]:
    """The item of `WindowItems`: what the camera makes of a window's radiance, and the truth."""
    frames = [camera.shoot(rng, h, e) for h, e in zip(radiance, slots, strict=True)]
    reference = len(frames) // 2
    if rng.random() < settings.toned:
        frames[reference] = retone(rng, frames[reference], settings.tone)
    return {
        "frames": torch.stack([_planar(f) for f in frames]),
        "exposures": torch.tensor(slots, dtype=torch.float32),
        "hdr": _planar(radiance[reference]),
    }


class WindowItems(_Synthetic):
    """Whole windows: `frames` (F, 3, S, S), `exposures` (F,), `hdr` (3, S, S) linear."""

    def __init__(
        self,
        images: Sequence[Image],
        settings: WindowSettings,
        *,
        exposures: int,
        length: int,
        seed: int,
    ) -> None:
        """`exposures` is Ne, 2 or 3."""
        super().__init__(images, settings, length=length, seed=seed)
        self.window = WINDOWS[exposures]

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Draw item `index`."""
        rng = np.random.default_rng((self.seed, index))
        camera = draw_camera(rng, self.window.exposures, self.settings.camera)
        slots = draw_slots(rng, camera, self.window)
        _, radiance = self._scene(rng, self.window.offsets, camera.cycle[-1])
        return record_window(rng, camera, slots, radiance, self.settings.camera)
