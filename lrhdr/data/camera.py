"""The camera: which exposures it alternates, and what noise, bits and its codec do to a frame.

Exposures, noise and tone follow Chen et al. 2021, with the exposure step drawn
freely so that any camera's step is served.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.light import BT709, expose, ycbcr_matrix

Floats = NDArray[np.float32]

_BLOCK = 8
_LEVELS = (256, 256, 256, 1024, 65536)  # mostly 8 bits, some 10 and 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """How cameras are drawn.

    Attributes:
        noise: range of the standard deviation of linear noise in the short exposures.
        steps: EV between exposures, drawn from this half the time ...
        step_range: ... and uniformly from this range otherwise.
        coded: share of cameras that store 8-bit 4:2:0 video in blocks, as H.264 does, ...
        quantiser: ... with a step from this range, in 8-bit codes.
        toned: share of windows whose reference has another tone curve in every channel, ...
        tone: ... L^(1/g), g = exp U(-tone, tone). Chen et al.: always, 0.7.
    """

    noise: tuple[float, float] = (2e-4, 3e-3)
    steps: tuple[float, ...] = (2.0, 3.0)
    step_range: tuple[float, float] = (1.0, 4.0)
    coded: float = 0.2
    quantiser: tuple[float, float] = (1.0, 12.0)
    toned: float = 0.0
    tone: float = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """One camera.

    Attributes:
        cycle: relative exposures, ascending from 1.
        noise: standard deviation in linear light, of all exposures but the longest.
        levels: codes of a stored value.
        quantiser: step of the codec in 8-bit codes; 0 where frames are stored as they are.
    """

    cycle: tuple[float, ...]
    noise: float
    levels: int
    quantiser: float

    def shoot(self, rng: np.random.Generator, radiance: Floats, exposure: float) -> Floats:
        """One frame (H, W, 3) as it comes out of the file, gamma space, [0, 1]."""
        noise = self.noise if exposure < self.cycle[-1] else 0.0
        frame = record(rng, radiance, exposure, noise, self.levels)
        return code(frame, self.quantiser / 255.0) if self.quantiser else frame


def draw_camera(rng: np.random.Generator, count: int, settings: CameraSettings) -> Camera:
    """A camera of `count` exposures (2 or 3)."""
    cycle = draw_exposures(rng, count, settings)
    coded = rng.random() < settings.coded
    return Camera(
        cycle=tuple(cycle),
        noise=float(rng.uniform(*settings.noise)),
        levels=256 if coded else int(rng.choice(_LEVELS)),
        quantiser=float(rng.uniform(*settings.quantiser)) if coded else 0.0,
    )


def draw_exposures(rng: np.random.Generator, count: int, settings: CameraSettings) -> list[float]:
    """Relative exposures of a cycle, ascending from 1; equal steps."""
    step = float(
        rng.choice(settings.steps) if rng.random() < 0.5 else rng.uniform(*settings.step_range)
    )
    if count == 3:
        step = min(step, 2.5)
    return [2.0 ** (step * i) for i in range(count)]


def record(
    rng: np.random.Generator, radiance: Floats, exposure: float, noise: float, levels: int
) -> Floats:
    """One frame as the sensor gives it: noise, clipping, gamma 2.2, `levels` codes (0: none)."""
    if noise > 0.0:
        radiance = radiance + rng.normal(0.0, noise, radiance.shape).astype(np.float32)
    frame = expose(radiance, exposure)
    if levels:
        frame = np.rint(frame * (levels - 1)) / (levels - 1)
    return frame.astype(np.float32)


def code(frame: Floats, step: float) -> Floats:
    """What a block codec leaves of a frame (H, W, 3): 4:2:0, DCT coefficients in steps of `step`.

    Coefficients are rounded harder the finer the detail, and halves go down, as
    encoders round. The sides are filled up to whole blocks.
    """
    height, width = frame.shape[:2]
    y, cb, cr = np.moveaxis(frame @ ycbcr_matrix(BT709).T.astype(np.float32), 2, 0)
    half = ((width + 1) // 2, (height + 1) // 2)
    small = (cv2.resize(c, half, interpolation=cv2.INTER_AREA) for c in (cb, cr))
    planes = [_quantised(y, step)]
    planes += [
        cv2.resize(_quantised(c.astype(np.float32), step), (width, height)).astype(np.float32)
        for c in small
    ]
    back = np.linalg.inv(ycbcr_matrix(BT709)).T.astype(np.float32)
    coded: Floats = (np.stack(planes, axis=2) @ back).clip(0.0, 1.0).astype(np.float32)
    return coded


def _dct_matrix() -> Floats:
    k, n = np.mgrid[0:_BLOCK, 0:_BLOCK]
    basis = np.cos(np.pi * (2 * n + 1) * k / (2 * _BLOCK)) * np.sqrt(2.0 / _BLOCK)
    basis[0] /= np.sqrt(2.0)
    matrix: Floats = basis.astype(np.float32)
    return matrix


_DCT = _dct_matrix()
# Finer detail in coarser steps: from 1 to 4 times, in the manner of the standards' flat-to-steep
# matrices. An orthonormal coefficient of one code is a difference of 1/8 code in each pixel.
_STEPS = (1.0 + 3.0 * np.add.outer(np.arange(_BLOCK), np.arange(_BLOCK)) / 14.0).astype(np.float32)


def _quantised(plane: Floats, step: float) -> Floats:
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % _BLOCK), (0, -width % _BLOCK)), mode="edge")
    rows, columns = padded.shape[0] // _BLOCK, padded.shape[1] // _BLOCK
    blocks = padded.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    steps = _STEPS * np.float32(step)
    scaled = (_DCT @ blocks @ _DCT.T) / steps
    kept = np.sign(scaled) * np.floor(np.abs(scaled) + 0.4) * steps
    decoded: Floats = (_DCT.T @ kept @ _DCT).swapaxes(1, 2).reshape(padded.shape)
    return decoded[:height, :width].astype(np.float32)


def retone(rng: np.random.Generator, frame: Floats, tone: float) -> Floats:
    """Another tone curve in every channel: L^(1/g), g = exp U(-tone, tone)."""
    curve = np.exp(rng.uniform(-tone, tone, 3)).astype(np.float32)
    toned: Floats = frame ** (1.0 / curve)
    return toned
