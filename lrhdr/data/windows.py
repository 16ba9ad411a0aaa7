"""Alternating-exposure windows from scenes: what the camera would have recorded, and the truth.

Exposures, noise and quantisation follow Chen et al. 2021, with the exposure
step drawn freely so that any camera's step is served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lrhdr.contract import WINDOWS
from lrhdr.data.images import Image
from lrhdr.data.scenes import MotionSettings, Scene, draw_scene
from lrhdr.light import expose

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSettings:
    """How windows are drawn.

    Attributes:
        side: crop in pixels.
        motion: how things move.
        noise: range of the standard deviation of linear noise in the short exposures.
        steps: EV between exposures, drawn from this half the time ...
        step_range: ... and uniformly from this range otherwise.
    """

    side: int = 128
    motion: MotionSettings = field(default_factory=MotionSettings)
    noise: tuple[float, float] = (2e-4, 3e-3)
    steps: tuple[float, ...] = (2.0, 3.0)
    step_range: tuple[float, float] = (1.0, 4.0)


def draw_exposures(rng: np.random.Generator, count: int, settings: WindowSettings) -> list[float]:
    """Relative exposures of a cycle, ascending from 1; equal steps."""
    step = float(
        rng.choice(settings.steps) if rng.random() < 0.5 else rng.uniform(*settings.step_range)
    )
    if count == 3:
        step = min(step, 2.5)
    return [2.0 ** (step * i) for i in range(count)]


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


def record(
    rng: np.random.Generator, radiance: Floats, exposure: float, noise: float, levels: int
) -> Floats:
    """One frame as the camera stores it: noise, clipping, gamma 2.2, `levels` codes (0: none)."""
    if noise > 0.0:
        radiance = radiance + rng.normal(0.0, noise, radiance.shape).astype(np.float32)
    frame = expose(radiance, exposure)
    if levels:
        frame = np.rint(frame * (levels - 1)) / (levels - 1)
    return frame.astype(np.float32)


def _levels(rng: np.random.Generator) -> int:
    return int(rng.choice([256, 256, 256, 1024, 0]))


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
        cycle = draw_exposures(rng, 2 if before == after else 3, self.settings)
        e_pair, e_reference = (float(e) for e in rng.choice(cycle, 2, replace=False))
        scene, (a, middle, b) = self._scene(rng, (-before, 0, after), cycle[-1])
        noise = float(rng.uniform(*self.settings.noise))
        levels = _levels(rng)

        def shoot(radiance: Floats, exposure: float) -> Tensor:
            sigma = noise if exposure < cycle[-1] else 0.0
            return _planar(record(rng, radiance, exposure, sigma, levels))

        item = {
            "a": shoot(a, e_pair),
            "b": shoot(b, e_pair),
            "reference": shoot(middle, e_reference),
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
        count = self.window.exposures
        cycle = draw_exposures(rng, count, self.settings)
        longest = cycle[-1]
        rng.shuffle(cycle)
        slots = [cycle[offset % count] for offset in self.window.offsets]
        _, radiance = self._scene(rng, self.window.offsets, longest)
        noise, levels = float(rng.uniform(*self.settings.noise)), _levels(rng)
        frames = [
            record(rng, h, e, noise if e < longest else 0.0, levels)
            for h, e in zip(radiance, slots, strict=True)
        ]
        return {
            "frames": torch.stack([_planar(f) for f in frames]),
            "exposures": torch.tensor(slots, dtype=torch.float32),
            "hdr": _planar(radiance[self.window.reference]),
        }
