"""Flicker at the period of the exposures, where nothing moves.

Let x_t(p) = T(luma(H_t(p))) for n consecutive frames, n a multiple of Ne. The amplitude of
the component of pixel p whose period is Ne frames is

    A(p) = g / n |sum_t x_t(p) exp(-2 pi i t / Ne)|,   g = 1 for Ne = 2, 2 for Ne = 3,

so that A is a for x_t = c + a cos(2 pi t / Ne + phase) (for Ne = 2: c + a, c - a, ...), and 0
for a constant. The flicker of a method is the root of the mean of A^2 over the static
pixels: those where the standard deviation of T(luma(truth)) over the frames is below
`STATIC`. Its yardstick is the same of the truth with noise: to each H_t is added Gaussian
noise as strong as that of the recorded frame t, measured on Gamma(L_t) - H_t.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrhdr.data.layouts import Picture, TestScene
from lrhdr.light import Floats, linearise, luma, tonemap
from lrhdr_benchmarks.evaluate.scenes import runs

STATIC = 0.002  # half a step of 8 bits
# Exposed light H e between these is far enough from both ends that noise is not clipped, and
# so dark that the rounding of a truth stored as RGBE (up to 1/128) adds little.
_UNCLIPPED = (0.02, 0.25)
_ENOUGH = 100  # samples to measure noise on
_MAD = 1.4826  # standard deviation of a Gaussian over its median absolute deviation


@dataclass(frozen=True, slots=True, kw_only=True)
class Flicker:
    """Of one scene, as amplitudes of T.

    Attributes:
        frames: how many were looked at.
        static: share of the pixels that are static.
        noise: flicker of the truth with the noise of the frames; None where that noise
            cannot be measured.
        methods: flicker by method.
    """

    frames: int
    static: float
    noise: float | None
    methods: dict[str, float]

    def ratio(self, method: str) -> float | None:
        """How many times that of the noisy truth a method's flicker is."""
        return self.methods[method] / self.noise if self.noise else None


class FlickerMeter:
    """Takes the frames of a scene one by one; memory does not grow with their number."""

    def __init__(self, scene: TestScene, wanted: Sequence[int]) -> None:
        """`wanted`: the rising indices that `add` may be called with."""
        start, length = max(runs(wanted), key=lambda run: run[1], default=(0, 0))
        period = len(scene.ev)
        self._frames = range(start, start + length - length % period)
        self._exposures = scene.exposures
        self._period = period
        self._methods: dict[str, _Component] = {}
        self._noisy: _Component | None = _Component(period)
        self._sum: NDArray[np.float64] | float = 0.0
        self._squares: NDArray[np.float64] | float = 0.0

    def add(self, index: int, frame: Picture, truth: Floats, results: Mapping[str, Floats]) -> None:
        """Take the recorded frame, the truth and every method's result, in linear light."""
        if index not in self._frames:
            return
        for name, result in results.items():
            self._methods.setdefault(name, _Component(self._period)).add(_seen(result))
        plane = _seen(truth)
        self._sum = self._sum + plane
        self._squares = self._squares + plane**2
        sigma = noise_of(frame, truth, self._exposures[index])
        if sigma is None:
            self._noisy = None
        elif self._noisy is not None:
            noise = np.random.default_rng(index).normal(0.0, sigma, truth.shape)
            self._noisy.add(_seen(np.clip(truth + noise, 0.0, 1.0)))

    def result(self) -> Flicker | None:
        """None where there was no whole cycle, or nothing is static."""
        count = len(self._frames)
        if not count or not self._methods:
            return None
        variance = self._squares / count - (self._sum / count) ** 2
        static = np.asarray(variance < STATIC**2)
        if not static.any():
            return None
        return Flicker(
            frames=count,
            static=float(static.mean()),
            noise=self._noisy.rms(static) if self._noisy else None,
            methods={name: component.rms(static) for name, component in self._methods.items()},
        )


class _Component:
    """One component of the discrete Fourier transform, at every pixel."""

    def __init__(self, period: int) -> None:
        self._period = period
        self._count = 0
        self._sum: NDArray[np.complex128] | complex = 0j

    def add(self, plane: NDArray[np.float64]) -> None:
        turn = np.exp(-2j * np.pi * (self._count % self._period) / self._period)
        self._sum = self._sum + turn * plane
        self._count += 1

    def rms(self, static: NDArray[np.bool_]) -> float:
        gain = 1.0 if self._period == 2 else 2.0
        amplitude = gain / self._count * np.abs(self._sum)
        return float(np.sqrt(np.mean(amplitude[static] ** 2)))


def noise_of(frame: Picture, truth: Floats, exposure: float) -> float | None:
    """Standard deviation of the linear noise in a recorded frame, robust against outliers.

    None where too few samples are well exposed.
    """
    lit = truth * exposure
    trusted = (lit > _UNCLIPPED[0]) & (lit < _UNCLIPPED[1])
    if np.count_nonzero(trusted) < _ENOUGH:
        return None
    residual = (linearise(frame, exposure) - truth)[trusted]
    return float(_MAD * np.median(np.abs(residual - np.median(residual))))


def _seen(radiance: Floats) -> NDArray[np.float64]:
    return np.asarray(tonemap(luma(radiance.astype(np.float64))), np.float64)
