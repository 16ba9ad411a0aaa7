"""One scene of a test set: its frames as recorded, their exposures, and the truth where known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lrhdr.light import relative_exposures

Picture = NDArray[np.float32]  # (H, W, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestScene:
    """A sequence of frames whose exposures repeat. Nothing is read before it is asked for.

    The readers raise InputError, which names the file, for a picture that is damaged or of
    another size than the first frame.

    Attributes:
        name: of the scene, unique in its set.
        ev: exposure values of one cycle, in the order of the frames from the first.
        stems: a name for each frame.
        read_frame: frame i, (H, W, 3) RGB in gamma space (gamma 2.2), [0, 1].
        read_truth: linear HDR of frame i, (H, W, 3) RGB in [0, 1], 1 where the shortest exposure
            saturates; None where the set has none for that frame.
        measured: the frames that the peers' protocol measures, in order; empty where the set
            has no truth.
    """

    __test__ = False  # not a test class, whatever pytest makes of the name

    name: str
    ev: tuple[float, ...]
    stems: tuple[str, ...]
    read_frame: Callable[[int], Picture] = field(repr=False)
    read_truth: Callable[[int], Picture | None] = field(repr=False)
    measured: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.stems)

    @property
    def exposures(self) -> list[float]:
        """Exposure e of every frame, relative to the shortest."""
        cycle = relative_exposures(self.ev)
        return [cycle[i % len(cycle)] for i in range(len(self))]


def measurable(count: int, exposures: int) -> range:
    """The frames of a scene that the peers' protocol measures, where their truth is known.

    It leaves out as many frames at each end as there are exposures in a cycle: one more
    than a window needs.
    """
    return range(exposures, count - exposures)
