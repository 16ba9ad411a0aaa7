"""Whether a size can be timed in the time and the memory that there are, by what smaller ones took.

Time is taken to grow with the pixels, and so is memory but for what a process holds without a
frame. Of the first size nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lrhdr_benchmarks.speed.measure import title_of
from lrhdr_benchmarks.speed.record import Case, Row
from lrhdr_benchmarks.speed.words import figure, size_of

LEAST_ROUNDS = 3  # fewer give no median worth the name
_OPENED = 2  # times: alone, and for the rounds
_WITHOUT_FRAMES_MB = 400.0  # libraries and weights, measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What can be timed: these cases, in so many rounds; and what cannot, with the reason."""

    cases: list[Case]
    rounds: int
    skipped: dict[str, str] = field(default_factory=dict)


class Budget:
    """Learns from rows, and says what fits."""

    def __init__(self, warm_up: int) -> None:
        """Know nothing; `warm_up` outputs come before the rounds."""
        self._warm_up = warm_up
        self._known: dict[tuple[str, str, int], Row] = {}

    def learn(self, rows: Iterable[Row]) -> None:
        """What was found at one size is the guess for the next."""
        for row in rows:
            self._known[_key(row.case)] = row

    def output_s(self, case: Case) -> float | None:
        """Seconds for one output, as far as they can be told."""
        row = self._known.get(_key(case))
        return None if row is None else row.latency.median / 1e3 * _growth(row, case)

    def fit(
        self, cases: Sequence[Case], rounds: int, seconds: float | None, available: float | None
    ) -> Fit:
        """Leave out what is too large beside those before it, and the slowest until it is enough.

        Args:
            cases: of one size.
            rounds: at most.
            seconds: for all of them; None for no limit.
            available: MB; None where that is not known.
        """
        skipped = {}
        kept: list[Case] = []
        left = available  # all are open at once
        for case in cases:
            needed = self._megabytes(case)
            if left is not None and needed is not None and needed > left:
                skipped[title_of(case)] = (
                    f"would take about {figure(needed)} MB of memory; {figure(left)} MB are "
                    f"available{' beside the others' if kept else ''}"
                )
                continue
            kept.append(case)
            if left is not None:
                left -= needed or 0.0
        if seconds is None:
            return Fit(cases=kept, rounds=rounds, skipped=skipped)
        while kept:
            found = self._rounds(kept, seconds)
            if found is None or found >= min(rounds, LEAST_ROUNDS):
                return Fit(cases=kept, rounds=min(rounds, found or rounds), skipped=skipped)
            slowest = max(kept, key=lambda case: self.output_s(case) or 0.0)
            kept.remove(slowest)
            skipped[title_of(slowest)] = (
                f"an output would take about {figure(self.output_s(slowest))} s by what it took at "
                f"{size_of(self._known[_key(slowest)].case)}: too slow for {figure(seconds)} s"
            )
        return Fit(cases=[], rounds=rounds, skipped=skipped)

    def _rounds(self, cases: Sequence[Case], seconds: float) -> int | None:
        """How many fit; None where nothing is known."""
        known = [(case, taken) for case in cases if (taken := self.output_s(case)) is not None]
        if not known:
            return None
        before = sum(self._start_s(case, taken) for case, taken in known)
        one = sum(taken * (1 + self._known[_key(case)].in_flight) for case, taken in known)
        return max(0, int((seconds - before) / one))

    def _start_s(self, case: Case, taken: float) -> float:
        """Opening, first output, those of the trial and of the warm-up."""
        row = self._known[_key(case)]
        opening = (row.load_s or 0.0) + max(row.first_s or 0.0, taken)
        return _OPENED * opening + (case.exposures + self._warm_up) * taken

    def _megabytes(self, case: Case) -> float | None:
        row = self._known.get(_key(case))
        if row is None or row.resident_mb is None:
            return None
        fixed = min(_WITHOUT_FRAMES_MB, row.resident_mb)
        return fixed + (row.resident_mb - fixed) * _growth(row, case)


def _key(case: Case) -> tuple[str, str, int]:
    return case.subject, case.model, case.exposures


def _growth(row: Row, case: Case) -> float:
    return case.width * case.height / (row.case.width * row.case.height)
