"""Alternating-exposure windows from ordinary video: real motion, with radiance that is guessed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from lrhdr.contract import WINDOWS
from lrhdr.data.camera import Floats, draw_camera
from lrhdr.data.clips import Codes
from lrhdr.data.footage import find_footage, has_cut
from lrhdr.data.windows import (
    WindowSettings,
    draw_slots,
    normalise,
    recolour,
    record_window,
)
from lrhdr.errors import TrainingError

_STRIDES = 3  # at most: HDRFlow's three frames out of seven lie two apart on average
_SHORT_SIDE = (1.5, 3.0)  # crops that the short side of a large frame is scaled down to
_DRAWS = 50  # windows looked at for one without a cut


class VideoItems(Dataset[dict[str, Tensor]]):
    """The items of `WindowItems` from footage; item i depends on (seed, i) and the files alone.

    As in HDRFlow's training on Vimeo-90K, an 8-bit frame is taken for what a camera with a
    random sigmoid response made of the scene. Undoing it gives radiance, which is exposed
    anew; the truth is that radiance, scaled, clipped to [0, 1], without noise. Scale,
    exposures and noise are drawn as for photographs, since HDRFlow's own fit its fixed
    exposures alone. What the footage clipped stays flat in the truth.

    A window is every n-th frame of one shot, forwards or backwards.
    """

    def __init__(
        self, root: Path, settings: WindowSettings, *, exposures: int, length: int, seed: int
    ) -> None:
        """Number the frames below `root`, and draw one window as a trial.

        Args:
            root: a folder of clips or of folders with numbered pictures, or Vimeo-90K's
                septuplets, with or without `sep_trainlist.txt`.
            settings: the crop's side, and the cameras. Motion is the footage's.
            exposures: Ne, 2 or 3.
            length: items.
            seed: of all draws.

        Raises:
            TrainingError: no window can be had from it.
        """
        self.root, self.settings, self.length, self.seed = root, settings, length, seed
        self.window = WINDOWS[exposures]
        self.footage = find_footage(root, self.window.frames)
        self._ends = list(accumulate(map(len, self.footage)))  # so that every frame counts alike
        self._shot(np.random.default_rng(seed))

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Draw item `index`."""
        rng = np.random.default_rng((self.seed, index))
        camera = draw_camera(rng, self.window.exposures, self.settings.camera)
        slots = draw_slots(rng, camera, self.window)
        crops = self._shot(rng)
        response = inverse_response(rng)
        light = [_scaled(response[crop], self.settings.side) for crop in crops]
        radiance = normalise(rng, recolour(rng, light), camera.cycle[-1])
        return record_window(rng, camera, slots, radiance, self.settings.camera)

    def _shot(self, rng: np.random.Generator) -> list[Codes]:
        """The frames of a window, cropped and turned alike, between which there is no cut."""
        reason = "a cut in every one"
        steps = self.window.frames - 1
        for _ in range(_DRAWS):
            frame = rng.integers(self._ends[-1])
            footage = self.footage[int(np.searchsorted(self._ends, frame, side="right"))]
            stride = int(rng.integers(1, min(_STRIDES, (len(footage) - 1) // steps) + 1))
            first = int(rng.integers(len(footage) - stride * steps))
            try:
                run = footage.read(first, stride * steps + 1)
                _check_size(run[0], self.settings.side, footage.path)
            except TrainingError as error:
                reason = str(error)
                warnings.warn(f"left out: {error}", stacklevel=2)
                continue
            if not has_cut(run):
                return _crop(rng, run[::stride], self.settings.side)
        raise TrainingError(
            f"{self.root} gave no window in {_DRAWS} draws ({reason.rstrip('.')})",
            expected=f"shots of {self.window.frames} frames or more "
            f"and {self.settings.side} pixels each way or more",
        )


def inverse_response(rng: np.random.Generator) -> Floats:
    """Radiance in [0, 1] of the 256 codes, by HDRFlow's random camera.

    The camera gives y = (1 + s) x^n / (x^n + s), n about 0.65 and s about 0.6.
    """
    n = np.clip(rng.normal(0.65, 0.1), 0.4, 0.9)
    s = np.clip(rng.normal(0.6, 0.1), 0.4, 0.8)
    y = np.arange(256) / 255.0
    radiance: Floats = ((s * y / (1.0 + s - y)) ** (1.0 / n)).astype(np.float32)
    return radiance


def _check_size(frame: Codes, side: int, path: Path) -> None:
    height, width = frame.shape[:2]
    if min(height, width) < side:
        raise TrainingError(
            f"{path} has frames of {width}x{height} pixels", expected=f"at least {side} each way"
        )


def _crop(rng: np.random.Generator, frames: Sequence[Codes], side: int) -> list[Codes]:
    """One square of at least `side` from all frames, flipped, transposed and reversed at random.

    It is larger the larger the frames are, so that motion fits into what it is scaled to.
    """
    height, width = frames[0].shape[:2]
    short = min(height, width)
    scale = max(1.0, short / (side * rng.uniform(*_SHORT_SIDE)))
    take = min(round(side * scale), short)
    top, left = (int(rng.integers(extent - take + 1)) for extent in (height, width))
    crops = [frame[top : top + take, left : left + take] for frame in frames]
    vertical, horizontal, transposed, backwards = (bool(v) for v in rng.integers(2, size=4))
    rows, columns = (slice(None, None, -1 if flip else 1) for flip in (vertical, horizontal))
    crops = [crop[rows, columns] for crop in crops]
    crops = [crop.swapaxes(0, 1) for crop in crops] if transposed else crops
    ordered = reversed(crops) if backwards else crops
    return [np.ascontiguousarray(crop) for crop in ordered]


def _scaled(light: Floats, side: int) -> Floats:
    """Averaged down to `side` x `side`, as a lens and a coarser sensor would."""
    if light.shape[0] == side:
        return light
    scaled = cv2.resize(light, (side, side), interpolation=cv2.INTER_AREA)
    return scaled.astype(np.float32, copy=False)
