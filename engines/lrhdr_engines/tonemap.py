"""HDR to an ordinary picture: four tone curves, applied to the brightest channel of each pixel.

Every curve keeps black at 0, rises all the way and brings the peak to white.
x is light and p the peak, both in units of white:

    bt2390    BT.2390-11, 5.4.1: as it is up to a knee, then a Hermite spline of the PQ signal
    hable     f(2 x) / f(2 p) with the f of Hable, "Filmic tonemapping operators", 2010
    mobius    x up to 0.3, then (a x + b) / (x + c) of the same slope there
    reinhard  x (1 + x / p^2) / (1 + x), equation 4 of Reinhard et al. 2002
"""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import GAMMA, REFERENCE_WHITE_NITS, Floats, pq_decode, pq_encode
from lrhdr_engines.media.sink import Tone

# The fast path has the factor in pieces, linear in light: 46 octaves of 256, found by the leading
# bits of the float. Within a piece the light then rises as the curve does, without steps.
_OCTAVES, _PIECES_BITS, _LOWEST = 46, 8, np.float32(2.0**-16)
_HIGHEST = np.nextafter(_LOWEST * np.float32(2.0**_OCTAVES), np.float32(0.0))
_SHIFT = 23 - _PIECES_BITS
_BAND = 32  # rows at a time, so that the work between two passes stays in cache

_LINEAR_UP_TO = 0.3  # mobius
_HABLE_EXPOSURE = 2.0
_NO_ROOM = 1e-6  # above the knee: float64 finds no spline there, and nobody sees one


def curve(tone: Tone, peak_nits: float, white_nits: float = REFERENCE_WHITE_NITS) -> Curve:
    """The tone curve from HDR light in cd/m2 to light of an SDR display, where 1.0 is its white.

    `curve(...).apply(nits)` is what a video needs; `curve(...)(nits)` is the curve itself.

    Args:
        tone: which.
        peak_nits: the brightest light that can occur, which becomes white; at least white_nits
            (less is taken as that).
        white_nits: HDR light that is diffuse white.

    Raises:
        InputError: no such tone.
    """
    return Curve(tone, peak_nits, white_nits)


class Curve:
    """A tone curve; see `curve`. Safe to use from several threads."""

    def __init__(self, tone: Tone, peak_nits: float, white_nits: float) -> None:
        """Makes the table of the fast path."""
        if tone not in get_args(Tone):
            raise InputError(f"tone {tone!r}", expected=" or ".join(get_args(Tone)))
        self._tone, self._white = tone, white_nits
        self._peak = max(peak_nits / white_nits, 1.0)
        octave, piece = np.divmod(np.arange((_OCTAVES << _PIECES_BITS) + 1), 1 << _PIECES_BITS)
        ends = float(_LOWEST) * 2.0**octave * (1.0 + piece / (1 << _PIECES_BITS))
        factors = self(ends) / ends
        slopes = np.diff(factors) / np.diff(ends)
        self._slopes = slopes.astype(np.float32)
        self._offsets = (factors[:-1] - slopes * ends[:-1]).astype(np.float32)

    def __call__(self, nits: Floats) -> Floats:
        """Light in cd/m2, of any shape, to SDR light in [0, 1]. The dtype is kept."""
        x: Floats = np.clip(nits / self._white, 0.0, self._peak)
        match self._tone:
            case "bt2390":
                return _bt2390(x, self._peak)
            case "hable":
                white = _hable(np.array(self._peak * _HABLE_EXPOSURE))
                return np.asarray(_hable(x * _HABLE_EXPOSURE) / float(white))
            case "mobius":
                return _mobius(x, self._peak)
            case "reinhard":
                return np.asarray(x * (1.0 + x / self._peak**2) / (1.0 + x))

    def apply(
        self, nits: NDArray[np.float32], out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """A picture, by one factor for the channels of a pixel: hues stay, and no channel clips.

        Within 2^-16 of the curve, relatively; within 2^-10 just at the peak.

        Args:
            nits: (H, W, 3) linear R, G, B of any primaries, cd/m2, finite. What is negative
                becomes 0.
            out: for the result; may be `nits`.

        Returns:
            (H, W, 3) linear, in [0, 1].
        """
        out = np.empty_like(nits) if out is None else out
        for top in range(0, len(nits), _BAND):
            rows, shown = nits[top : top + _BAND], out[top : top + _BAND]
            brightest = np.maximum(np.maximum(rows[..., 0], rows[..., 1]), rows[..., 2])
            np.clip(brightest, _LOWEST, _HIGHEST, out=brightest)
            index = (brightest.view(np.int32) - _LOWEST.view(np.int32)) >> _SHIFT
            brightest *= self._slopes[index]
            brightest += self._offsets[index]
            np.multiply(rows, brightest[..., np.newaxis], out=shown)
            np.clip(shown, 0.0, 1.0, out=shown)
        return out


def display(radiance: NDArray[np.float32], peak: float, tone: Tone = "bt2390") -> NDArray[np.uint8]:
    """Tone-map an HDR frame so that it looks like a well exposed photograph.

    With BT.2390, light up to about a third of diffuse white is kept as it is, and what is above
    rolls off smoothly.

    Args:
        radiance: (H, W, 3), linear; 1.0 is diffuse white.
        peak: the brightest value that can occur, at least 1; it becomes white.
        tone: the curve.

    Returns:
        (H, W, 3), gamma 2.2.
    """
    nits = radiance * np.float32(REFERENCE_WHITE_NITS)
    shown = curve(tone, peak * REFERENCE_WHITE_NITS).apply(nits, out=nits)
    return np.asarray(np.rint(shown ** (1.0 / GAMMA) * 255.0), np.uint8)


def _bt2390(x: Floats, peak: float) -> Floats:
    """The EETF from a display of `peak` to one of 1, black at 0; the signal of 203 cd/m2 is 1."""
    target_signal, white = pq_encode(np.array([1.0, peak]) * REFERENCE_WHITE_NITS).tolist()
    target = target_signal / white
    knee = 1.5 * target - 0.5
    if 1.0 - knee < _NO_ROOM:
        return np.minimum(x, 1.0)
    signal = np.minimum(pq_encode(x * REFERENCE_WHITE_NITS) / white, 1.0)
    t = np.maximum(signal - knee, 0.0) / (1.0 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1.0 - knee)
        + (3 * t**2 - 2 * t**3) * target
    )
    shown = pq_decode(np.where(signal < knee, signal, spline) * white)
    return np.asarray(np.where(signal < knee, x, shown / REFERENCE_WHITE_NITS))


def _hable(x: Floats) -> Floats:
    a, b, c, d, e, f = 0.15, 0.50, 0.10, 0.20, 0.02, 0.30
    return np.asarray((x * (a * x + c * b) + d * e) / (x * (a * x + b) + d * f) - e / f)


def _mobius(x: Floats, peak: float) -> Floats:
    """(a x + b) / (x + c) through (j, j) with slope 1, and through (peak, 1)."""
    if peak <= 1.0:
        return x
    j = _LINEAR_UP_TO
    # With u = x - j and s = peak - j: j + u r / (u + r), where s r / (s + r) = 1 - j.
    s = peak - j
    r = s * (1.0 - j) / (s - (1.0 - j))
    u = np.maximum(x - j, 0.0)
    return np.asarray(np.minimum(x, j) + u * r / (u + r))
