"""What is timed: something that makes one output after the other of an endless stream."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrhdr_benchmarks.speed.clips import Frame

__all__ = ["Frame", "Picture", "Subject"]

Picture = NDArray[np.float32]  # (H, W, 3), linear, 1.0 is what just clips at EV 0


class Subject(Protocol):
    """One way to make HDR frames, opened for one case and fed by `clips.frames`.

    The n-th output is that of frame n, from 0 on, and depends on no clock: outputs of two subjects
    can be compared.

    Attributes:
        ahead: frames after its own that an output waits for; None where that means nothing.
        in_flight: outputs that are on their way while one is waited for.
    """

    ahead: int | None
    in_flight: int

    def output(self) -> Picture:
        """Make the next output of an endless stream.

        Raises:
            LrhdrError: it cannot be made.
        """

    def stages(self) -> dict[str, float]:
        """Milliseconds of each stage of the last output, {} if none were timed."""

    def graph_ms(self) -> dict[str, float]:
        """Milliseconds of all runs of each graph in the last output, {} if none were timed."""

    def close(self) -> None:
        """Give back what is held; the last call."""
