"""Clips whose exposures, cuts and slips are known: what the probe is tried on.

A textured HDR picture moves, is exposed in turns, gets noise and a camera's curve.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.light import expose

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Curve = Literal["gamma22", "srgb", "bt709", "s-curve"]
Motion = Literal["pan", "still", "hand", "whip", "object"]

PAN = 1.5  # pixels a frame


def scene(seed: int, width: int, height: int) -> NDArray[np.float32]:
    """A textured HDR picture (height, width, 3), median about 1, some 12 stops wide."""
    rng = np.random.default_rng(seed)
    stops = np.zeros((height, width, 3), np.float32)
    for blur, weight in ((height / 4, 2.0), (height / 16, 1.0), (2.0, 0.5)):
        noise = rng.normal(size=(height, width, 1)).astype(np.float32)
        tint = 0.3 * rng.normal(size=(height, width, 3)).astype(np.float32)
        smooth = cv2.GaussianBlur(noise + tint, (0, 0), blur)
        stops += weight * smooth / smooth.std()
    picture: NDArray[np.float32] = np.exp2(stops - np.median(stops)).astype(np.float32)
    return picture


def pictures_of(folder: Path) -> tuple[Path, ...]:
    """The Radiance panoramas in a folder."""
    return tuple(sorted(folder.glob("*.hdr")))


def panorama(path: Path, width: int, height: int) -> NDArray[np.float32]:
    """The middle of an HDR panorama, wrapped around as often as it takes, its median at 1."""
    bgr = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if bgr is None:
        raise FileNotFoundError(path)
    whole = np.maximum(np.asarray(bgr, np.float32)[..., ::-1], 0.0)
    top = (whole.shape[0] - height) // 2
    band = whole[max(0, top) : max(0, top) + height]
    columns = np.arange(width) % whole.shape[1]
    return np.ascontiguousarray(band[:, columns] / max(1e-6, float(np.median(band))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A clip to render. Frames are counted in the clip as it is delivered.

    Attributes:
        ev: EVs in cycle order from frame 0.
        count: frames.
        seed: of the pictures and the noise.
        size: width, height.
        motion: a slow pan, a tripod, a shaken camera, a pan that starts, rushes and stops, or
            a pan that a large object crosses.
        noise: 1 for read noise of 1/2000 of white and shot noise of 1.4 % at white.
        middle: where the mean of the levels puts the picture's median, linear, of white.
        curve: from light to codes.
        dtype: of the codes.
        drift: EV that the light changes by from the first frame to the last.
        flicker: EV, amplitude of light that pulses at 0.31 cycles a frame.
        flashes: frames lit four times as much.
        fade: the last so many frames go to black.
        cuts: frames at which another picture begins; the camera's cycle goes on.
        dropped: frames before which one is missing.
        duplicated: frames that repeat the one before and put the rest off.
        replaced: frames that repeat the one before, their own being lost.
        pictures: files of HDR panoramas to look at, in turns by seed; drawn ones if empty.
    """

    ev: tuple[float, ...] = (0.0, -3.0)
    count: int = 48
    seed: int = 0
    size: tuple[int, int] = (320, 192)
    motion: Motion = "pan"
    noise: float = 1.0
    middle: float = 0.2
    curve: Curve = "gamma22"
    dtype: type[np.uint8] | type[np.uint16] = np.uint8
    drift: float = 0.0
    flicker: float = 0.0
    flashes: tuple[int, ...] = ()
    fade: int = 0
    cuts: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    duplicated: tuple[int, ...] = ()
    replaced: tuple[int, ...] = ()
    pictures: tuple[Path, ...] = ()

    def render(self) -> list[Pixels]:
        """The frames, (H, W, 3)."""
        return list(self._frames())

    def _frames(self) -> Iterator[Pixels]:
        rng = np.random.default_rng(self.seed + 1)
        anchor = (min(self.ev) + max(self.ev)) / 2
        view = _View(self)
        shot = 0  # of the camera, which knows nothing of what is lost later
        frame: Pixels | None = None
        for index in range(self.count):
            shot += index in self.dropped
            if frame is None or index not in (*self.duplicated, *self.replaced):
                level = self.ev[shot % len(self.ev)] - anchor
                light = view.at(shot, index) * np.float32(
                    self.middle * 2.0 ** (level + self._lighting(index))
                )
                sigma = self.noise * np.sqrt(0.0005**2 + 0.0002 * np.minimum(light, 1.0))
                light = light + sigma * rng.standard_normal(light.shape, np.float32)
                codes = np.rint(CURVES[self.curve](light) * np.iinfo(self.dtype).max)
                frame = codes.astype(np.uint8 if self.dtype is np.uint8 else np.uint16)
            shot += index not in self.duplicated
            yield frame

    def levels(self) -> list[int]:
        """The place in `ev` of every frame's exposure."""
        return [shot % len(self.ev) for shot in self._shots()]

    def light(self, index: int) -> NDArray[np.float32]:
        """What frame `index` shows, (H, W, 3): 1 where the level of EV 0 clips."""
        gain = self.middle * 2.0 ** (self._lighting(index) - (min(self.ev) + max(self.ev)) / 2)
        return _view(self).at(self._shots()[index], index) * np.float32(gain)

    def _shots(self) -> list[int]:
        """The shot of the camera that every frame shows."""
        shots: list[int] = []
        shot = 0
        for index in range(self.count):
            shot += index in self.dropped
            repeats = index in (*self.duplicated, *self.replaced)
            shots.append(shots[-1] if repeats else shot)
            shot += index not in self.duplicated
        return shots

    def _lighting(self, index: int) -> float:
        """EV by which the scene is lit more in frame `index`."""
        ev = self.drift * index / max(1, self.count - 1)
        ev += self.flicker * float(np.sin(2 * np.pi * 0.31 * index))
        ev += 2.0 * (index in self.flashes)
        left = self.count - 1 - index
        return ev + (np.log2((left + 0.01) / self.fade) if left < self.fade else 0.0)


class _View:
    """What the camera looks at."""

    def __init__(self, recipe: Recipe) -> None:
        width, height = recipe.size
        self._recipe = recipe
        self._margin = 24
        extent = (width + int(10 * PAN * recipe.count) + 2 * self._margin + 2, height + 48)
        self._extent = extent
        self._files = recipe.pictures
        self._pictures = [
            self._picture(recipe.seed + 100 * number) for number in range(len(recipe.cuts) + 1)
        ]
        shakes = np.random.default_rng(recipe.seed + 2).normal(size=(2 * recipe.count + 8, 2))
        smooth = cv2.GaussianBlur(shakes, (1, 0), 0.0, sigmaY=2.0) if len(shakes) else shakes
        self._shakes = 8.0 * smooth

    def _picture(self, seed: int) -> NDArray[np.float32]:
        if not self._files:
            return scene(seed, *self._extent)
        return panorama(self._files[seed % len(self._files)], *self._extent)

    def at(self, shot: int, index: int) -> NDArray[np.float32]:
        recipe, margin = self._recipe, float(self._margin)
        x, y = margin + PAN * shot, margin
        if recipe.motion == "still":
            x = margin
        elif recipe.motion == "hand":
            x, y = x + self._shakes[shot, 0], y + self._shakes[shot, 1]
        elif recipe.motion == "whip":  # a sixth of the width a frame at its fastest
            middle = recipe.count / 2
            rush = 0.5 + 0.5 * np.tanh((shot - middle) / 2.0)
            x = margin + 0.5 * shot + 0.75 * recipe.size[0] * rush
        picture = self._pictures[sum(index >= cut for cut in recipe.cuts)]
        shift = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        seen = cv2.warpAffine(picture, shift, recipe.size, flags=flags)
        if recipe.motion == "object":  # crosses half of the picture's height, six frames long
            left = int((shot - recipe.count / 2 + 3) * recipe.size[0] / 6)
            top = recipe.size[1] // 4
            seen[top : 3 * top, max(0, left) : max(0, left + recipe.size[0] // 3)] = (3.0, 1.0, 0.5)
        return np.asarray(seen, np.float32)


@functools.lru_cache(maxsize=1)
def _view(recipe: Recipe) -> _View:
    return _View(recipe)


def _s_curve(light: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Gamma 2.2 with the contrast of a picture style: a toe and a shoulder."""
    codes = expose(light, 1.0)
    return 0.6 * codes + 0.4 * (3.0 - 2.0 * codes) * codes * codes


def _srgb(light: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """IEC 61966-2-1."""
    clipped = np.clip(light, 0.0, 1.0)
    power = 1.055 * np.maximum(clipped, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(clipped <= 0.0031308, 12.92 * clipped, power))


def _bt709(light: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """BT.709-6 1.2."""
    clipped = np.clip(light, 0.0, 1.0)
    power = 1.099 * np.maximum(clipped, 0.018) ** 0.45 - 0.099
    return np.asarray(np.where(clipped < 0.018, 4.5 * clipped, power))


CURVES: dict[Curve, Callable[[NDArray[np.floating[Any]]], NDArray[np.floating[Any]]]] = {
    "gamma22": lambda light: expose(light, 1.0),
    "srgb": _srgb,
    "bt709": _bt709,
    "s-curve": _s_curve,
}


def render(ev: Sequence[float], count: int, **how: Any) -> list[Pixels]:
    """Frames of a small slow pan; see `Recipe` for what else there is."""
    return Recipe(**{"ev": tuple(ev), "count": count, "size": (96, 64), **how}).render()
