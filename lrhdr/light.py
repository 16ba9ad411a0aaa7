"""Light: every transfer function and constant, in numpy (the float64 reference for all of them).

Symbols follow the paper: L is a frame in gamma space, [0, 1]; H is linear
radiance, 1 where the shortest exposure saturates; e = 2^(EV - min EV).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

GAMMA = 2.2  # Eq. 1
MU = 5000.0  # Eq. 12
# Luma weights of the exposure-masked protocol of HDRFlow and NECHDR (BT.601).
LUMA_BT601 = (0.299, 0.587, 0.114)


def relative_exposures(ev: list[float] | tuple[float, ...]) -> list[float]:
    """EVs to exposures: e = 2^(EV - min EV), so that the shortest is 1."""
    lowest = min(ev)
    return [2.0 ** (value - lowest) for value in ev]


def linearise(frame: Floats, exposure: float) -> Floats:
    """Eq. 1, Gamma(L) = L^2.2 / e. `frame` in [0, 1]; the result in [0, 1/e]."""
    radiance: Floats = np.maximum(frame, 0.0) ** GAMMA / exposure
    return radiance


def expose(radiance: Floats, exposure: float) -> Floats:
    """The inverse of Eq. 1 with clipping: L = clip(H e, 0, 1)^(1/2.2)."""
    frame: Floats = np.clip(radiance * exposure, 0.0, 1.0) ** (1.0 / GAMMA)
    return frame


def tonemap(radiance: Floats) -> Floats:
    """Eq. 12, the mu-law T(H) = log(1 + mu H) / log(1 + mu). H >= 0."""
    value: Floats = np.log1p(MU * radiance) / np.log1p(MU)
    return value


def untonemap(value: Floats) -> Floats:
    """The inverse of Eq. 12."""
    radiance: Floats = np.expm1(value * np.log1p(MU)) / MU
    return radiance


def luma(rgb: Floats) -> Floats:
    """BT.601 luma over the last axis of `rgb` (..., 3)."""
    value: Floats = rgb @ np.asarray(LUMA_BT601, dtype=rgb.dtype)
    return value


# Display light. Chromaticities are CIE 1931 (x, y): BT.709-6 and BT.2020-2, tables of clause 1.
Primaries = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
D65 = (0.3127, 0.3290)
BT709_PRIMARIES: Primaries = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
P3_PRIMARIES: Primaries = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))  # SMPTE EG 432-1
BT2020_PRIMARIES: Primaries = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))

# (Kr, Kb) of Y' = Kr R' + (1 - Kr - Kb) G' + Kb B'. BT.601-7 2.5.1, BT.709-6 3.2,
# BT.2020-2 table 4 (non-constant luminance), SMPTE ST 240, FCC 73.682.
BT601, BT709, BT2020 = (0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593)
ST240, FCC = (0.212, 0.087), (0.30, 0.11)

REFERENCE_WHITE_NITS = 203.0  # BT.2408-7, 2.1: diffuse white of HDR
PQ_PEAK_NITS = 10000.0
MAX_HALF = 65504.0  # the greatest finite half-float (IEEE 754 binary16)
# SMPTE ST 2084, 5.3 (BT.2100-2 table 4).
PQ_M1, PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
PQ_C1, PQ_C2, PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def pq_encode(nits: Floats) -> Floats:
    """Display light in cd/m2 to the PQ signal in [0, 1] (ST 2084, inverse EOTF).

    Light outside [0, 10000] is clipped. The dtype is kept: float32 is within
    0.02 of a 10-bit code of float64.
    """
    y = np.clip(nits / PQ_PEAK_NITS, 0.0, 1.0) ** PQ_M1
    signal: Floats = ((PQ_C1 + PQ_C2 * y) / (1.0 + PQ_C3 * y)) ** PQ_M2
    return signal


def pq_decode(signal: Floats) -> Floats:
    """The PQ signal in [0, 1] to display light in cd/m2 (ST 2084, EOTF)."""
    p = np.clip(signal, 0.0, 1.0) ** (1.0 / PQ_M2)
    y = np.maximum(p - PQ_C1, 0.0) / (PQ_C2 - PQ_C3 * p)
    nits: Floats = PQ_PEAK_NITS * y ** (1.0 / PQ_M1)
    return nits


def rgb_to_xyz(primaries: Primaries, white: tuple[float, float] = D65) -> NDArray[np.float64]:
    """The 3x3 matrix from linear RGB to XYZ, white at Y = 1 (SMPTE RP 177)."""
    columns = np.array([[x / y, 1.0, (1.0 - x - y) / y] for x, y in (*primaries, white)]).T
    scale = np.linalg.solve(columns[:, :3], columns[:, 3])
    matrix: NDArray[np.float64] = columns[:, :3] * scale
    return matrix


# BT.2087-0 2.2, M2, to more digits than are printed there.
BT709_TO_BT2020 = np.linalg.inv(rgb_to_xyz(BT2020_PRIMARIES)) @ rgb_to_xyz(BT709_PRIMARIES)


def ycbcr_matrix(weights: tuple[float, float]) -> NDArray[np.float64]:
    """The 3x3 matrix from R'G'B' in [0, 1] to Y' in [0, 1], Cb and Cr in [-0.5, 0.5].

    `weights` is (Kr, Kb). BT.2020-2 table 4; the other standards differ in the weights alone.
    """
    kr, kb = weights
    y = np.array([kr, 1.0 - kr - kb, kb])
    cb = (np.array([0.0, 0.0, 1.0]) - y) / (2.0 * (1.0 - kb))
    cr = (np.array([1.0, 0.0, 0.0]) - y) / (2.0 * (1.0 - kr))
    return np.stack([y, cb, cr])
