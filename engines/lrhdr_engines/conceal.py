"""A lost picture is replaced by one of the same exposure, or by a neighbour exposed anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from lrhdr.light import GAMMA
from lrhdr_engines.findings import Findings
from lrhdr_engines.media.light_in import Pixels
from lrhdr_engines.media.source import Frame
from lrhdr_engines.reconstruct import white
from lrhdr_engines.timeline import Timeline


class Concealer:
    """Replaces damaged frames. Holds the pictures of one cycle."""

    def __init__(self, timeline: Timeline, findings: Findings) -> None:
        """Begin a clip; `findings` is told what was concealed."""
        self._timeline = timeline
        self._findings = findings
        self._held: dict[int, Pixels] = {}

    def pictures(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames, every one with a picture of its own exposure.

        One cycle earlier is the nearest picture of the same exposure. Across a cut or a slip
        the frame before is taken, with its codes scaled: L' = L (e'/e)^(1/2.2) by Eq. 1.
        """
        cycle = len(self._timeline.ev)
        for frame in frames:
            if frame.damaged:
                self._findings.concealed.append(frame.index)
                frame = replace(frame, rgb=self._stand_in(frame, cycle), damaged=False)
            self._held[frame.index] = frame.rgb
            self._held.pop(frame.index - cycle, None)
            yield frame

    def _stand_in(self, frame: Frame, cycle: int) -> Pixels:
        ev = self._timeline.ev_of
        # The oldest first: where the rhythm goes on, it is the one of the same exposure.
        for index in range(frame.index - cycle, frame.index):
            if index in self._held and ev(index) == ev(frame.index):
                return self._held[index]
        before = frame.index - 1
        if before in self._held:
            return exposed_anew(self._held[before], ev(frame.index) - ev(before))
        return frame.rgb


def exposed_anew(rgb: Pixels, stops: float) -> Pixels:
    """A frame as it would be at an exposure `stops` longer, as far as it is not clipped."""
    codes = np.minimum(rgb * np.float32(2.0 ** (stops / GAMMA)), white(rgb))
    exposed: Pixels = np.rint(codes).astype(rgb.dtype)
    return exposed
