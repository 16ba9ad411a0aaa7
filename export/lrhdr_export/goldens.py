"""Golden vectors: one window and what the network makes of it, computed in float64."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lrhdr.data.camera import CameraSettings
from lrhdr.data.images import Image
from lrhdr.data.windows import WindowItems, WindowSettings
from lrhdr.model.network import Network

SIDE = 256
_SEED = 20_256
# EV between exposures of the golden window: the paper's -3/0 and -2/0/+2.
_STEP = {2: 3.0, 3: 2.0}

Arrays = Mapping[str, NDArray[Any]]


def photograph(seed: int, height: int = 512, width: int = 1024) -> Image:
    """A made-up HDR scene: 1/f texture over some ten stops, and a few lamps. Linear, median 1."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for octave in range(2, 9):
        cells = rng.normal(size=(2**octave, 2 ** (octave + 1), 3)).astype(np.float32)
        size = (width, height)
        total += cv2.resize(cells, size, interpolation=cv2.INTER_CUBIC) * 0.75**octave
    picture = np.exp(2.0 * total)
    for _ in range(12):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        lamp = np.zeros((height, width), np.float32)
        cv2.circle(lamp, centre, int(rng.integers(4, 30)), 1.0, -1)
        picture += 50.0 * cv2.GaussianBlur(lamp, (0, 0), 1.5)[..., None]
    return (picture / np.median(picture.max(axis=2))).astype(np.float32)


def golden_window(exposures: int, side: int = SIDE) -> dict[str, NDArray[Any]]:
    """A window of 8-bit frames (F, S, S, 3) and its relative exposures (F,)."""
    step = _STEP[exposures]
    camera = CameraSettings(steps=(step,), step_range=(step, step), coded=0.0)
    settings = WindowSettings(side=side, camera=camera)
    images = [photograph(_SEED), photograph(_SEED + 1)]
    items = WindowItems(images, settings, exposures=exposures, length=1, seed=_SEED)
    item = items[0]
    frames = np.rint(item["frames"].numpy() * 255.0).astype(np.uint8).transpose(0, 2, 3, 1)
    return {"frames": np.ascontiguousarray(frames), "exposures": item["exposures"].numpy()}


def inputs(window: Arrays) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """A golden window as F planar frames (1, 3, S, S) in [0, 1], and exposures (F,)."""
    planar = window["frames"].astype(np.float64).transpose(0, 3, 1, 2) / 255.0
    return [frame[None] for frame in planar], window["exposures"].astype(np.float64)


@torch.no_grad()
def compute_goldens(network: Network) -> dict[str, NDArray[Any]]:
    """The arrays of `goldens.npz`: frames, exposures, interpolated, hdr, masks.

    interpolated is (I, 3, S, S) in gamma space; hdr (3, S, S) linear; masks
    (N, S, S). Computed in float64; stored as float32, the masks as float16, which
    halves the file and is finer than any mask is compared.
    """
    exact = copy.deepcopy(network).double().eval()
    window = golden_window(network.config.exposures)
    frames, exposures = inputs(window)
    tensors = [torch.from_numpy(f) for f in frames]
    slots = torch.from_numpy(exposures).unsqueeze(0)
    films = exact.interpolate(tensors, slots)
    result = exact.lrhdr(tensors, films, slots)
    return {
        **window,
        "interpolated": torch.cat(films).float().numpy(),
        "hdr": result.hdr[0].float().numpy(),
        "masks": result.masks[0].half().numpy(),
    }


def write_goldens(network: Network, path: Path) -> None:
    """Compute and store the goldens, compressed."""
    np.savez_compressed(path, **compute_goldens(network))  # type: ignore[arg-type]
