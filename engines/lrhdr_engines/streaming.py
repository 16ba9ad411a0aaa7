"""What every model gives and offers, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import Precision
from lrhdr.manifest import Manifest
from lrhdr_engines.reconstruct import RgbFrame
from lrhdr_engines.window import FilledWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One HDR frame.

    Attributes:
        index: of the frame in the clip.
        hdr: (H, W, 3) float32, linear BT.709; 1.0 is what just clips at EV 0.
        masks: (H, W, N) float32, the share of each candidate, summing to 1; None unless asked for.
        candidates: the N names of the masks.
        window: the frames it was made from.
    """

    index: int
    hdr: NDArray[np.float32]
    masks: NDArray[np.float32] | None
    candidates: tuple[str, ...]
    window: FilledWindow[RgbFrame]


class RunsOn(Protocol):
    """What computes."""

    @property
    def name(self) -> str:
        """As in --backend."""

    @property
    def device(self) -> str:
        """In words."""


class EngineFacts(Protocol):
    """What there is to say of an engine, wherever it runs."""

    @property
    def manifest(self) -> Manifest:
        """What the bundle says of itself."""

    @property
    def precision(self) -> Precision:
        """Of its graphs."""

    @property
    def backend(self) -> RunsOn:
        """Where it runs."""


class StreamingModel(Protocol):
    """A model ready to run, by whatever backend. One stream at a time."""

    @property
    def engine(self) -> EngineFacts:
        """What runs."""

    @property
    def exposures(self) -> int:
        """Ne, the number of EVs that a clip must have."""

    def stream(
        self,
        frames: Iterable[RgbFrame],
        ev: Sequence[float],
        *,
        first: int = 0,
        start: int = 0,
        count: int | None = None,
        masks: bool | Callable[[int], bool] = False,
    ) -> Iterator[Output]:
        """See `Model.stream`."""

    def close(self) -> None:
        """Give back what is held outside this process's memory; the last call."""
