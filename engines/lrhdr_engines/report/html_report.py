"""Collects from a run what the page shows. Memory: a few numbers a frame, and few pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import WINDOWS
from lrhdr.light import LUMA_BT601
from lrhdr_engines.preview import eight_bit, palette, pick_rows, winners
from lrhdr_engines.report.figures import Comparison, FrameFigures
from lrhdr_engines.report.page import page
from lrhdr_engines.report.pictures import data_uri, smaller
from lrhdr_engines.streaming import Output, sparse
from lrhdr_engines.tonemap import display
from lrhdr_engines.whole import write_whole

if TYPE_CHECKING:
    from lrhdr_engines.pipeline import Report
    from lrhdr_engines.plan import Plan

_SAMPLED = 96  # rows and columns looked at, at least, for the figures of a frame


class HtmlReport:
    """See `lrhdr_engines.watchers.Watcher`."""

    def __init__(self, plan: Plan) -> None:
        """Begin a run."""
        self._plan = plan
        self._window = WINDOWS[len(plan.timeline.ev)]
        self._by_length = sorted(set(plan.timeline.ev), reverse=True)
        frames = None if plan.frames is None else plan.frames * plan.job.step
        self._shown = frozenset(pick_rows(plan.first, frames, len(plan.timeline.ev)))
        self._figures: list[FrameFigures] = []
        self._comparisons: list[Comparison] = []

    def wants(self, index: int) -> bool:
        """See `Watcher`."""
        return index in self._shown

    def add(self, output: Output) -> None:
        """See `Watcher`."""
        own = output.window.frames[self._window.reference]
        ev = self._plan.timeline.ev_of(output.index)
        brightest = output.sampled(_SAMPLED).max(axis=2) * self._plan.job.white_nits
        self._figures.append(
            FrameFigures(
                index=output.index,
                phase=self._by_length.index(ev),
                luma=float((eight_bit(sparse(own, _SAMPLED)) @ np.array(LUMA_BT601)).mean() / 255),
                mean_nits=float(np.maximum(brightest, 0).mean()),
                high_nits=float(np.percentile(brightest, 99)),
            )
        )
        if output.masks is not None and self.wants(output.index):
            self._comparisons.append(self._compared(output, output.masks, ev))

    def _compared(self, output: Output, masks: NDArray[np.float32], ev: float) -> Comparison:
        metered, lowest = self._by_length[-2], self._by_length[-1]
        shown = display(output.hdr * np.float32(2.0**metered), 2.0 ** (metered - lowest))
        own = eight_bit(output.window.frames[self._window.reference])
        return Comparison(
            index=output.index,
            ev=ev,
            before=data_uri(smaller(own)),
            after=data_uri(smaller(shown)),
            winners=data_uri(smaller(winners(masks, palette(self._window), shown))),
            shares=tuple(masks.mean(axis=(0, 1), dtype=np.float64).tolist()),
        )

    def save(self, path: Path, report: Report) -> bool:
        """See `Watcher`."""
        if not self._figures:
            return False
        write_whole(path, page(self._plan, report, self._figures, self._comparisons).encode())
        return True
