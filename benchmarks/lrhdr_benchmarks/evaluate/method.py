"""What can be measured: anything that makes an HDR frame from a scene's frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrhdr.data.layouts import Picture, TestScene
from lrhdr_engines.window import slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One HDR frame of a method.

    Attributes:
        index: of the frame in its scene.
        hdr: (H, W, 3), linear; 1 where the shortest exposure saturates. It is measured as
            clipped to [0, 1], where every truth is.
        masks: (H, W, N), the share of each candidate, summing to 1, in the order of
            `Window.candidate_names`; None where a method has no candidates.
        oracle: (H, W, 3), every pixel from the candidate nearest to the truth: the ceiling of
            what fusion can do. None where the candidates or the truth are unknown.
    """

    index: int
    hdr: Picture
    masks: NDArray[np.float32] | None = None
    oracle: Picture | None = None


class Method(Protocol):
    """A model or a classical method, ready to run."""

    @property
    def name(self) -> str:
        """In tables: short, and unique in an evaluation."""
        ...

    @property
    def about(self) -> str:
        """What exactly it is, in a few words."""
        ...

    def estimate(self, scene: TestScene, wanted: Sequence[int]) -> Iterator[Estimate]:
        """The HDR frames `wanted` (rising indices) of a scene, one by one, in that order.

        At the ends of a scene the nearest frame of the same exposure stands in for one
        that is missing, as `lrhdr_engines.window.slots` says.
        """
        ...


def window_of(scene: TestScene, index: int) -> tuple[list[Picture], list[float]]:
    """The frames that fill the window of frame `index`, and the exposure e of each."""
    filled = slots(index, len(scene.ev), len(scene) - 1)
    exposures = scene.exposures
    return [scene.read_frame(i) for i in filled], [exposures[i] for i in filled]
