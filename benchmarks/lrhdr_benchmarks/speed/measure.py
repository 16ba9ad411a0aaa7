"""Subjects timed in turn: one output of each in every round, so that drift cancels in ratios.

1. Every subject alone: see `trial`.
2. As many as the memory holds at once, each in its own process, warmed up; else pairs of the first
   subject with each other one.
3. Rounds: every subject makes an output while the others wait, after those that it has on their
   way, and comes to rest (see `rest`). The order is rotated by one every round, so that none always
   follows the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np

from lrhdr_benchmarks.speed.child import Child, ChildError
from lrhdr_benchmarks.speed.engines import is_engine
from lrhdr_benchmarks.speed.memory import available_mb
from lrhdr_benchmarks.speed.messages import Open, Opener, Output, Turn
from lrhdr_benchmarks.speed.ratios import ratio_of
from lrhdr_benchmarks.speed.record import Case, Ratio, Row, Spread
from lrhdr_benchmarks.speed.subjects import open_subject
from lrhdr_benchmarks.speed.together import groups
from lrhdr_benchmarks.speed.trial import Trial, tried
from lrhdr_benchmarks.speed.words import name_of, size_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How it is measured.

    Attributes:
        warm_up: outputs of each subject before the first round, at least 1.
        rounds: at least 1.
        threads: CPU threads of each subject; None leaves it to the subject.
        cpus: processors that each subject is pinned to; empty for none.
        hdrflow: a clone of HDRFlow.
        patience_s: for how long one turn is waited for.
        opener: opens a subject in its process; see `subjects.open_subject`.
    """

    warm_up: int = 2
    rounds: int = 10
    threads: int | None = None
    cpus: tuple[int, ...] = ()
    hdrflow: Path | None = None
    patience_s: float = 1800.0
    opener: Opener = open_subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was found. `graphs`: medians of milliseconds by case and graph; `skipped`: by name."""

    rows: list[Row] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    graphs: dict[Case, dict[str, float]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def measure(
    cases: Sequence[Case], settings: Settings, report: Callable[[str], None] = lambda _: None
) -> Measured:
    """Measure every case; ratios are between our fastest engine and each other one of a size.

    Args:
        cases: of any sizes; those with the same frames stand together.
        settings: see there.
        report: told what is being done.
    """
    found = Measured()
    for _, alike in groupby(cases, lambda case: (case.width, case.height, case.exposures)):
        _Session(settings, report, found).run(list(alike))
    return found


def title_of(case: Case) -> str:
    """All of a case in words."""
    return f"{name_of(case)}, {case.exposures}E, {size_of(case)}"


class _Session:
    """The cases of one size."""

    def __init__(self, settings: Settings, report: Callable[[str], None], found: Measured) -> None:
        self._settings, self._report, self._found = settings, report, found

    def run(self, cases: list[Case]) -> None:
        trials = tried(cases, self._start, self._skip)
        peaks = {case: trial.resident_mb for case, trial in trials.items()}
        outputs: dict[Case, list[Output]] = {}
        for group in groups(peaks, available_mb()):
            rounds = self._rounds(group)
            for case, made in rounds.items():
                outputs.setdefault(case, []).extend(made)
            self._compare(rounds)
        for case, made in outputs.items():
            self._found.rows.append(_row(case, trials[case], made))
            self._found.graphs[case] = {
                name: spread.median for name, spread in _spreads([o.graphs for o in made]).items()
            }

    def _start(self, case: Case) -> Child:
        self._report(title_of(case))
        settings = self._settings
        opening = Open(
            case=case,
            opener=settings.opener,
            threads=settings.threads,
            cpus=settings.cpus,
            hdrflow=settings.hdrflow,
        )
        return Child(opening, patience_s=settings.patience_s)

    def _skip(self, case: Case, reason: str) -> None:
        self._report(f"{title_of(case)} is left out: {reason}")
        self._found.skipped[title_of(case)] = reason

    def _rounds(self, group: Sequence[Case]) -> dict[Case, list[Output]]:
        """An output of every round, by case; a case that fails is left out altogether."""
        made: dict[Case, list[Output]] = {}
        with ExitStack() as stack:
            children: dict[Case, Child] = {}
            turns: dict[Case, Turn] = {}
            for case in group:
                child = stack.enter_context(self._start(case))
                try:
                    opened = child.open()
                    child.turn(Turn(outputs=self._settings.warm_up))
                except ChildError as error:
                    child.kill()
                    self._skip(case, str(error))
                    continue
                children[case], made[case] = child, []
                turns[case] = Turn(lead=opened.in_flight)
            for turn in range(self._settings.rounds):
                for case in rotated(list(children), turn):
                    try:
                        one = children[case].turn(turns[case])
                    except ChildError as error:
                        self._skip(case, str(error))
                        del children[case], made[case]
                        continue
                    made[case].extend(one.outputs)
        return made

    def _compare(self, rounds: dict[Case, list[Output]]) -> None:
        """All with our fastest engine, or else the fastest, of those measured in turn."""
        times = {case: [output.wall for output in made] for case, made in rounds.items() if made}
        if not times:
            return
        ours = [case for case in times if is_engine(case.subject)]
        fastest = min(ours or times, key=lambda case: float(np.median(times[case])))
        self._found.ratios.extend(
            ratio_of(case, fastest, taken, times[fastest])
            for case, taken in times.items()
            if case != fastest
        )


def rotated(cases: Sequence[Case], by: int) -> list[Case]:
    """The cases in the order of round `by`."""
    at = by % len(cases) if cases else 0
    return [*cases[at:], *cases[:at]]


def _row(case: Case, trial: Trial, made: Sequence[Output]) -> Row:
    latency = Spread.of([output.wall for output in made])
    largest, mean = trial.error or (None, None)
    return Row(
        case=case,
        latency=latency,
        fps=1e3 / latency.mean,
        stages=_spreads([output.stages for output in made]),
        ahead=trial.ahead,
        in_flight=trial.in_flight,
        load_s=trial.load_s,
        first_s=trial.first_s,
        resident_mb=trial.resident_mb,
        device_mb=trial.device_mb,
        error_max=largest,
        error_mean=mean,
    )


def _spreads(times: Sequence[dict[str, float]]) -> dict[str, Spread]:
    """By name, over the outputs that have it."""
    names = dict.fromkeys(name for one in times for name in one)
    return {name: Spread.of([one[name] for one in times if name in one]) for name in names}
