"""How a clip's codes are to be read: its curve, and its matrix and range where tags are wrong.

The network knows L = H^(1/2.2) of linear light H. Any other curve becomes that by one table
a channel, made in float64 and rounded once, to 16 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import CAMERA_CURVES, GAMMA, camera_light
from lrhdr.response import SUFFIXES, read_response
from lrhdr_engines.media.source import ClosedAfterUse, Frame, Source

Matrix = Literal["auto", "bt601", "bt709", "bt2020"]
Range = Literal["auto", "full", "limited"]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]
NETWORK = "gamma22"
AUTO = "auto"  # to be told by tags or pixels


@dataclass(frozen=True, slots=True)
class LightIn:
    """What is known better than the clip's tags say.

    Attributes:
        transfer: one of `lrhdr.light.CAMERA_CURVES`, or the file of a measured response
            (see `lrhdr.response`).
        matrix: "auto" goes by the tag.
        range: "auto" goes by the tag.
    """

    transfer: str = NETWORK
    matrix: Matrix = "auto"
    range: Range = "auto"

    def __post_init__(self) -> None:
        if (
            self.transfer not in CAMERA_CURVES
            and Path(self.transfer).suffix.lower() not in SUFFIXES
        ):
            raise InputError(
                f"transfer {self.transfer}",
                expected=f"{', '.join(CAMERA_CURVES)}, or a response curve (.csv, .mat)",
            )
        for name, value, known in (
            ("matrix", self.matrix, get_args(Matrix)),
            ("range", self.range, get_args(Range)),
        ):
            if value not in known:
                raise InputError(f"{name} {value}", expected=", ".join(known))


BY_TAGS = LightIn()


class Curve:
    """From a camera's codes to those of gamma 2.2."""

    def __init__(self, transfer: str, *, limited: bool = False) -> None:
        """`transfer` is that of `LightIn`; `limited` says how the clip was coded.

        Raises:
            InputError: the response file cannot be used.
        """
        self.transfer = transfer
        self._limited = limited
        self._response = None if transfer in CAMERA_CURVES else read_response(Path(transfer))
        self._tables: dict[int, NDArray[np.uint16]] = {}

    @property
    def is_identity(self) -> bool:
        """Whether frames stay as they are."""
        return self.transfer == NETWORK

    def apply(self, rgb: Pixels) -> Pixels:
        """A frame (H, W, 3) of uint8 or uint16, over the full range of its type, in gamma 2.2.

        Returns:
            `rgb` itself where it is in gamma 2.2 already, otherwise uint16: the rounded
            65535 H^(1/2.2), H in [0, 1] being 1 at the greatest code.
        """
        if self.is_identity:
            return rgb
        return np.asarray(cv2.LUT(rgb, self._table(np.iinfo(rgb.dtype).max)), np.uint16)

    def _table(self, top: int) -> NDArray[np.uint16]:
        """(1, top + 1), or (1, top + 1, 3) where channels differ."""
        if top not in self._tables:
            signal: NDArray[Any] = np.arange(top + 1) / top
            if self._response is None:
                light = camera_light(signal, self.transfer, limited=self._limited)
            else:
                light = self._response(signal)
                if np.ptp(light, axis=1).max() == 0:
                    light = light[:, 0]
            codes = np.rint(light ** (1 / GAMMA) * 65535).astype(np.uint16)
            self._tables[top] = codes[None]
        return self._tables[top]


class CurvedSource(ClosedAfterUse):
    """A clip whose frames go through a curve. See `Source`."""

    def __init__(self, source: Source, curve: Curve) -> None:
        """Takes over `source`: closing this closes it."""
        self._source = source
        self._curve = curve
        self.info = replace(source.info, colour=f"{source.info.colour}, {curve.transfer}")

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Those of the clip, their codes in gamma 2.2."""
        for frame in self._source.frames(start):
            yield replace(frame, rgb=self._curve.apply(frame.rgb))

    def close(self) -> None:
        """Ends every iteration at its next frame."""
        self._source.close()
