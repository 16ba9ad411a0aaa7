"""Light: every transfer function and constant, in numpy (the float64 reference for all of them).

Symbols follow the paper: L is a frame in gamma space, [0, 1]; H is linear
radiance, 1 where the shortest exposure saturates; e = 2^(EV - min EV).
"""

from __future__ import annotations

from collections.abc import Callable
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


# Cameras. Each curve takes R'G'B' signals to scene light, in the units of its standard.


def srgb_decode(signal: Floats) -> Floats:
    """IEC 61966-2-1, equations 5 and 6."""
    power = ((np.maximum(signal, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(signal <= 0.04045, signal / 12.92, power)


def bt709_decode(signal: Floats) -> Floats:
    """BT.709-6 1.2 inverted (the camera's curve, not the display's BT.1886)."""
    knee = 1.099 * 0.018**0.45 - 0.099  # the signal of 0.018: the constants leave a gap below it
    power = ((np.maximum(signal, knee) + 0.099) / 1.099) ** (1 / 0.45)
    return np.where(signal < knee, signal / 4.5, power)


HLG_A = 0.17883277  # BT.2100-2 table 5
HLG_B, HLG_C = 1.0 - 4.0 * HLG_A, 0.5 - HLG_A * np.log(4.0 * HLG_A)


def hlg_decode(signal: Floats) -> Floats:
    """BT.2100-2 table 5, the inverse OETF: scene light, 1 at signal 1. No OOTF."""
    upper = (np.exp((np.maximum(signal, 0.5) - HLG_C) / HLG_A) + HLG_B) / 12.0
    return np.where(signal <= 0.5, signal**2 / 3.0, upper)


def hlg_encode(scene: Floats) -> Floats:
    """BT.2100-2 table 5, the OETF: scene light, clipped at 1, to the signal in [0, 1]."""
    scene = np.clip(scene, 0.0, 1.0)
    log = HLG_A * np.log(np.maximum(12.0 * scene - HLG_B, 0.1)) + HLG_C
    return np.asarray(np.where(scene <= 1 / 12, np.sqrt(3.0 * scene), log))


BT1886_GAMMA = 2.4  # of a display whose black is 0


def bt1886_encode(shown: Floats) -> Floats:
    """BT.1886 annex 1, black at 0, inverted: light of an SDR display, clipped at 1."""
    return np.asarray(np.clip(shown, 0.0, 1.0) ** (1.0 / BT1886_GAMMA))


def slog3_decode(code: Floats) -> Floats:
    """Sony, "Technical Summary for S-Gamut3.Cine/S-Log3", appendix: code / 1023 to reflection."""
    code = code * 1023.0
    knee = 171.2102946929
    upper = 10.0 ** ((np.maximum(code, knee) - 420.0) / 261.5) * (0.18 + 0.01) - 0.01
    return np.where(code >= knee, upper, (code - 95.0) * 0.01125 / (knee - 95.0))


def clog3_decode(code: Floats) -> Floats:
    """Canon, "Canon Log Gamma Curves" of 2020, Canon Log 3: code / 1023 to reflection."""
    slope, gain = 0.36726845, 14.98325
    lower = (1.0 - 10.0 ** ((0.12783901 - code) / slope)) / gain
    middle = (code - 0.12512219) / 1.9754798
    upper = (10.0 ** ((code - 0.12240537) / slope) - 1.0) / gain
    return 0.9 * np.where(code < 0.097465473, lower, np.where(code <= 0.15277891, middle, upper))


def vlog_decode(code: Floats) -> Floats:
    """Panasonic, "V-Log/V-Gamut Reference Manual" 1.0: code / 1023 to reflection."""
    upper = 10.0 ** ((np.maximum(code, 0.181) - 0.598206) / 0.241514) - 0.00873
    return np.where(code < 0.181, (code - 0.125) / 5.6, upper)


# Curves over the nominal signal, 0 at black and 1 at white ...
_SIGNAL_CURVES: dict[str, Callable[[Floats], Floats]] = {
    "gamma22": lambda signal: signal**GAMMA,
    "srgb": srgb_decode,
    "bt709": bt709_decode,
    "hlg": hlg_decode,
    "linear": lambda signal: signal,
}
# ... and over the 10-bit code itself, which in limited range is 64 at black and 940 at white.
_CODE_CURVES = {"slog3": slog3_decode, "clog3": clog3_decode, "vlog": vlog_decode}
CAMERA_CURVES = (*_SIGNAL_CURVES, *_CODE_CURVES)


def camera_light(signal: Floats, curve: str, *, limited: bool = False) -> Floats:
    """Relative linear light of a camera's R'G'B': 0 where the curve has none, 1 at signal 1.

    Args:
        signal: in [0, 1], of nominal range: 0 is black and 1 white.
        curve: one of `CAMERA_CURVES`.
        limited: the signal was coded in limited range. Only log curves ask for it.
    """

    def decode(value: Floats) -> Floats:
        if curve in _SIGNAL_CURVES:
            return _SIGNAL_CURVES[curve](value)
        return _CODE_CURVES[curve]((64.0 + 876.0 * value) / 1023.0 if limited else value)

    light: Floats = np.maximum(decode(signal), 0.0) / decode(np.ones(1))
    return light


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
