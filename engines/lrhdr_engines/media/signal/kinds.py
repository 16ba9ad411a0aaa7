"""What PQ, HLG and SDR mean by light, and how each codes it.

    pq   BT.709 -> BT.2020 (BT.2087), cd/m2 of the display, ST 2084
    hlg  the same light on the nominal display of 1000 cd/m2, inverse OOTF, OETF (BT.2100-2 table 5)
    sdr  the same light by a tone curve, BT.709 throughout, BT.1886

HLG codes the scene, so the display's light F goes back through the OOTF of a
display of 1000 cd/m2 (gamma 1.2, black at 0): E = F / 1000 (Y / 1000)^(1/1.2 - 1), with Y
the luminance of F (BT.2100-2 table 5, note 5i; BT.2408-7 6.1 converts PQ so).
203 cd/m2 become 75 %, and what is brighter than the display is clipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrhdr import light
from lrhdr_engines.media.signal.table import LEAST_NITS, Channel, Light
from lrhdr_engines.media.sink import Tone
from lrhdr_engines.tonemap import curve

Kind = Literal["pq", "hlg", "sdr"]

HLG_PEAK_NITS, HLG_GAMMA = 1000.0, 1.2  # BT.2100-2 table 5, note 5f
# Becomes SDR white: where the short exposure of a clip 3.3 EV apart saturates, by 203 cd/m2.
SDR_PEAK_NITS = 2000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """How linear BT.709 becomes a signal.

    Attributes:
        to_light: (3, 3), radiance to light in cd/m2 of R, G, B.
        weights: (Kr, Kb) of the signal's Y'.
        tags: primaries, transfer and matrix by H.273.
        cosited: 4:2:0 chroma lies on the top left luma sample, not between two rows.
        signal: light of one channel, cd/m2 times `factor`, to R', G' or B' in [0, 1].
        factor: of all channels of a pixel, at least 1/64 for light that PQ can code; or None.
        by_luminance: `factor` goes by the pixel's luminance, not by its brightest channel.
    """

    to_light: NDArray[np.float64]
    weights: tuple[float, float]
    tags: tuple[int, int, int]
    cosited: bool
    signal: Channel
    factor: Channel | None = None
    by_luminance: bool = False


def rendering(kind: Kind, white_nits: float, tone: Tone) -> Rendering:
    """The rendering of a kind, where radiance 1.0 is `white_nits` of HDR light."""
    match kind:
        case "pq":
            return Rendering(
                to_light=light.BT709_TO_BT2020 * white_nits,
                weights=light.BT2020,
                tags=(9, 16, 9),
                cosited=True,
                signal=lambda nits: np.asarray(light.pq_encode(nits), np.float64),
            )
        case "hlg":
            return Rendering(
                to_light=light.BT709_TO_BT2020 * white_nits,
                weights=light.BT2020,
                tags=(9, 18, 9),
                cosited=True,
                signal=lambda nits: np.asarray(light.hlg_encode(nits / HLG_PEAK_NITS), np.float64),
                factor=_inverse_ootf,
                by_luminance=True,
            )
        case "sdr":
            shown = curve(tone, SDR_PEAK_NITS)

            def factor(nits: Light) -> Light:
                safe = np.maximum(nits, LEAST_NITS)
                return np.asarray(shown(safe) / safe) * light.REFERENCE_WHITE_NITS

            return Rendering(
                to_light=np.eye(3) * white_nits,
                weights=light.BT709,
                tags=(1, 1, 1),
                cosited=False,
                signal=lambda nits: np.asarray(
                    light.bt1886_encode(nits / light.REFERENCE_WHITE_NITS), np.float64
                ),
                factor=factor,
            )


def _inverse_ootf(luminance: Light) -> Light:
    """Display light times this is scene light, where 1.0 is that of 1000 cd/m2."""
    relative = np.maximum(luminance, LEAST_NITS) / HLG_PEAK_NITS
    return np.asarray(relative ** (1.0 / HLG_GAMMA - 1.0))
