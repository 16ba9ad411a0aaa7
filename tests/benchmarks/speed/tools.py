"""What takes the place of everything that measures: no process is started, nothing takes time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.speed.measure import Measured, Settings
from lrhdr_benchmarks.speed.ratios import ratio_of
from lrhdr_benchmarks.speed.record import Case, Ceilings, Entmax, Row
from lrhdr_benchmarks.speed.run import Tools
from lrhdr_benchmarks.speed.whole import Whole
from tests.benchmarks.speed.results import CEILINGS, spread

PIXELS_A_MS = 1000.0  # of every subject


@dataclass
class Lab:
    """Notes what it is asked; `stop` may raise where it is called.

    Attributes:
        asked: cases with the settings that they were measured with.
        wholes: (case, sink, frames).
        entmaxes: (candidates, pixels, rounds).
    """

    stop: Callable[[str], None] = lambda _: None
    available: float | None = None
    asked: list[tuple[list[Case], Settings]] = field(default_factory=list)
    wholes: list[tuple[Case, str, int]] = field(default_factory=list)
    entmaxes: list[tuple[int, int, int]] = field(default_factory=list)

    def tools(self) -> Tools:
        """These in place of the real ones."""
        return Tools(
            facts=lambda: {"CPU": "a fake"},
            ceilings=self._ceilings,
            measure=self._measure,
            whole=self._whole,
            entmax=self._entmax,
            available_mb=lambda: self.available,
        )

    def _ceilings(self, threads: int | None) -> Ceilings:
        self.stop("ceilings")
        return CEILINGS

    def _measure(
        self, cases: Sequence[Case], settings: Settings, report: Callable[[str], None]
    ) -> Measured:
        self.asked.append((list(cases), settings))
        self.stop("measure")
        report(f"{len(cases)} cases")
        taken = {case: case.width * case.height / PIXELS_A_MS for case in cases}
        times = [1.0] * settings.rounds
        return Measured(
            rows=[
                Row(case=case, latency=spread(ms), fps=1e3 / ms, load_s=0.0, first_s=ms / 1e3)
                for case, ms in taken.items()
            ],
            ratios=[ratio_of(case, cases[0], times, times) for case in cases[1:]],
            graphs={case: {"lrhdr": 0.5 * ms} for case, ms in taken.items() if case.model},
        )

    def _whole(
        self, case: Case, sink: Any, frames: int, *, threads: int | None, folder: Path
    ) -> Whole:
        self.wholes.append((case, sink, frames))
        self.stop("whole")
        if sink == "hdr10" and case.width % 2:
            raise LrhdrError("an odd width")
        busy = {"decode": 1.0, "infer": 2.0, "encode": 3.0}
        return Whole(fps=7.0, peak_mb=1.0, busy_ms=busy, to_slowest=1.0)

    def _entmax(
        self, candidates: int, pixels: int, rounds: int
    ) -> tuple[list[Entmax], dict[str, str]]:
        self.entmaxes.append((candidates, pixels, rounds))
        self.stop("entmax")
        one = Entmax(name="one", candidates=candidates, pixels=pixels, time=spread(1.0), error=1e-7)
        return [one], {"two": "no compiler"}
