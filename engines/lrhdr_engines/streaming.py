"""What every model gives and offers, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lrhdr import light
from lrhdr.manifest import Manifest
from lrhdr_engines.backends.protocol import Arithmetic
from lrhdr_engines.device.protocol import PQ_WHITE
from lrhdr_engines.reconstruct import RgbFrame
from lrhdr_engines.window import FilledWindow

if TYPE_CHECKING:
    from lrhdr_engines.media import Picture, PqPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One HDR frame.

    Attributes:
        index: of the frame in the clip.
        picture: radiance, (H, W, 3) float32, linear BT.709, 1.0 is what just clips at EV 0; or
            codes, where those were asked for and the model makes them.
        pq_white_nits: of radiance 1.0, where `picture` is codes; else None.
        masks: (H, W, N) float32, the share of each candidate, summing to 1; None unless asked for.
        candidates: the N names of the masks.
        window: the frames it was made from.
        stages: milliseconds of the stages that made it, where a device times them.
    """

    index: int
    picture: Picture
    pq_white_nits: float | None = None
    masks: NDArray[np.float32] | None
    candidates: tuple[str, ...]
    window: FilledWindow[RgbFrame]
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def hdr(self) -> NDArray[np.float32]:
        """The radiance; decoded at every call where `picture` is codes, see `decoded`."""
        if isinstance(self.picture, np.ndarray):
            return self.picture
        if self.pq_white_nits is None:
            raise ValueError("the white of PQ codes is not known")
        return decoded(self.picture, self.pq_white_nits)

    def sampled(self, least: int) -> NDArray[np.float32]:
        """The radiance of every so manieth pixel: no more is decoded. See `sparse`."""
        if isinstance(self.picture, np.ndarray):
            return sparse(self.picture, least)
        few = replace(self.picture, codes=sparse(self.picture.codes, least))
        return replace(self, picture=few).hdr


def sparse(picture: NDArray[Any], least: int) -> NDArray[Any]:
    """Every so manieth pixel of (H, W, 3): `least` rows and columns or more, where there are."""
    rows, columns = (max(1, side // least) for side in picture.shape[:2])
    return picture[::rows, ::columns]


def decoded(picture: PqPicture, white_nits: float) -> NDArray[np.float32]:
    """Codes as radiance, (H, W, 3) float32, linear BT.709, of which 1.0 is `white_nits`.

    What 16 bits leave of it: light is clipped at 10 000 cd/m2, and rounding half a code moves
    light above 0.1 cd/m2 by less than 0.03 %.
    """
    to_radiance = np.linalg.inv(light.BT709_TO_BT2020) / white_nits
    return _nits()[picture.codes] @ to_radiance.T.astype(np.float32)


@cache
def _nits() -> NDArray[np.float32]:
    """(65536,): light of every code in cd/m2."""
    return light.pq_decode(np.arange(PQ_WHITE + 1) / PQ_WHITE).astype(np.float32)


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
    def precision(self) -> Arithmetic:
        """Of its graphs."""

    def precision_at(self, pixels: int) -> Arithmetic:
        """Of the graphs for frames of so many pixels."""

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
        step: int = 1,
        masks: bool | Callable[[int], bool] = False,
        pq_white_nits: float | None = None,
    ) -> Iterator[Output]:
        """See `Model.stream`."""

    def close(self) -> None:
        """Give back what is held outside this process's memory; the last call."""
