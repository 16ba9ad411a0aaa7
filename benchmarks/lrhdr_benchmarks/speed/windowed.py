"""The clip as filled windows; and subjects that make every output from its window alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from lrhdr.baselines import Baseline
from lrhdr.light import relative_exposures
from lrhdr_benchmarks.speed import clips
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.subject import Frame, Picture
from lrhdr_engines.reconstruct import white
from lrhdr_engines.window import FilledWindow, SlidingWindow

T = TypeVar("T")


def windows(case: Case, prepare: Callable[[Frame], T]) -> Iterator[FilledWindow[T]]:
    """The windows of outputs 0, 1, 2, ... without end; every frame is prepared once.

    Raises:
        InputError: see `clips.frames`.
    """
    sliding = SlidingWindow[T](case.exposures)
    for frame in clips.frames(case.width, case.height, case.exposures):
        yield from sliding.push(prepare(frame))


class WindowedSubject:
    """See `Subject`. Nothing is kept from one window to the next but the frames."""

    def __init__(self, case: Case, merge: Baseline, ahead: int) -> None:
        """Begin the clip.

        Args:
            case: the frames.
            merge: makes an output of a window.
            ahead: see `Subject`.
        """
        ev = clips.ev(case.exposures)
        self.ahead: int | None = ahead
        self.in_flight = 0
        self._merge = merge
        self._exposures = relative_exposures(ev)
        # The shortest exposure saturates at H = 1, EV 0 at H = 2^(min EV).
        self._gain = np.float32(2.0 ** -min(ev))
        self._windows = windows(case, _picture)

    def output(self) -> Picture:
        """See `Subject`."""
        window = next(self._windows)
        cycle = len(self._exposures)
        exposures = [self._exposures[i % cycle] for i in window.slots]
        return self._merge(window.frames, exposures) * self._gain

    def stages(self) -> dict[str, float]:
        """See `Subject`: there are none."""
        return {}

    def graph_ms(self) -> dict[str, float]:
        """See `Subject`: there are none."""
        return {}

    def close(self) -> None:
        """See `Subject`: nothing is held outside this process's memory."""


def _picture(frame: Frame) -> Picture:
    return np.divide(frame, np.float32(white(frame)), dtype=np.float32)
