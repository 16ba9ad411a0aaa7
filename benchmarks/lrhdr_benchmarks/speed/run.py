"""One run of lrhdr-bench: the plan carried out. What is done is kept, whatever ends it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lrhdr.contract import WINDOWS
from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.speed import ceilings, entmax, machine, memory
from lrhdr_benchmarks.speed.budget import Budget
from lrhdr_benchmarks.speed.costs import Costs
from lrhdr_benchmarks.speed.engines import as_run, is_engine
from lrhdr_benchmarks.speed.measure import Measured, Settings, measure, title_of
from lrhdr_benchmarks.speed.plan import Options, Plan
from lrhdr_benchmarks.speed.record import Case, Ceilings, Entmax, Result, Row
from lrhdr_benchmarks.speed.whole import Sink, Whole, whole

_SINKS: tuple[Sink, ...] = ("null", "hdr10")
_CYCLES = 4  # of frames in a whole run, at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What measures; tests put others in their place."""

    facts: Callable[[], dict[str, str]] = machine.facts
    ceilings: Callable[[int | None], Ceilings] = ceilings.measure
    measure: Callable[..., Measured] = measure
    whole: Callable[..., Whole] = whole
    entmax: Callable[[int, int, int], tuple[list[Entmax], dict[str, str]]] = entmax.compare
    available_mb: Callable[[], float | None] = memory.available_mb


class Bench:
    """Carries out a plan."""

    def __init__(
        self,
        plan: Plan,
        command: str,
        report: Callable[[str], None],
        step: Callable[[], None] = lambda: None,
        tools: Tools | None = None,
    ) -> None:
        """Nothing is done yet.

        Args:
            plan: what to do.
            command: as it was given, for the record.
            report: told what is being done.
            step: called after each of `steps` parts.
            tools: what measures.
        """
        self._plan, self._command = plan, command
        self._report, self._step = report, step
        self._tools = tools or Tools()
        self._costs = Costs()
        self._budget = Budget(plan.options.warm_up)
        self.result: Result | None = None

    @property
    def steps(self) -> int:
        """The ceilings, each size and cycle, and entmax."""
        return 1 + len(self._plan.groups) + int(self._plan.options.entmax)

    def run(self) -> bool:
        """Do it; afterwards `result` is there. Whether it came to its end before Ctrl-C.

        Raises:
            LrhdrError: the machine's ceilings cannot be measured.
        """
        try:
            with _pinned(self._plan.options.cpus), tempfile.TemporaryDirectory() as folder:
                self._parts(Path(folder))
        except KeyboardInterrupt:
            if self.result is not None:
                self.result.settings["ended"] = "interrupted: what is missing was not timed"
            return False
        return True

    def _parts(self, folder: Path) -> None:
        options = self._plan.options
        self._report("the machine's ceilings")
        began = datetime.now(UTC).isoformat(timespec="seconds")
        self.result = Result(
            date=began,
            command=self._command,
            machine=self._tools.facts(),
            settings=settings_of(options),
            ceilings=self._tools.ceilings(options.threads),
            skipped=dict(self._plan.skipped),
        )
        self._step()
        for group in self._plan.groups:
            self._group(group, self.result, folder)
            self._step()
        if options.entmax:
            self._entmax(self.result)
            self._step()

    def _group(self, cases: list[Case], result: Result, folder: Path) -> None:
        """One size and cycle."""
        options = self._plan.options
        fit = self._budget.fit(cases, options.rounds, self._seconds, self._tools.available_mb())
        result.skipped.update(fit.skipped)
        for model in dict.fromkeys(case.model for case in cases):
            result.bounds.extend(self._costs.bounds(replace(cases[0], model=model)))
        found = self._tools.measure(fit.cases, self._settings(fit.rounds), self._report)
        self._budget.learn(found.rows)
        first = len(result.rows)
        for row in found.rows:
            graphs = self._costs.of(row.case, found.graphs.get(row.case, {}), result.ceilings)
            result.rows.append(replace(row, graphs=graphs))
        result.ratios.extend(found.ratios)
        result.skipped.update({**found.skipped, **self._costs.skipped})
        if options.whole:
            for place in range(first, len(result.rows)):
                result.rows[place] = self._whole(result.rows[place], result, folder)

    @property
    def _seconds(self) -> float | None:
        """For one size and cycle."""
        options = self._plan.options
        return None if options.seconds is None else options.seconds / len(options.exposures)

    def _settings(self, rounds: int) -> Settings:
        options = self._plan.options
        return Settings(
            warm_up=options.warm_up,
            rounds=rounds,
            threads=options.threads,
            cpus=options.cpus,
            hdrflow=options.hdrflow,
        )

    def _whole(self, row: Row, result: Result, folder: Path) -> Row:
        """The row with what a whole lrhdr-run makes of the same."""
        case = row.case
        # Once for each engine: as lrhdr-run has it, where that is among them.
        better = replace(case, subject=as_run(case.subject))
        if not is_engine(case.subject) or (better != case and better in self._cases(result)):
            return row
        frames = _CYCLES * case.exposures
        expected = len(_SINKS) * frames * row.latency.median / 1e3
        if self._seconds is not None and expected > self._seconds:
            result.skipped[f"whole run: {title_of(case)}"] = (
                f"{frames} frames into each of {len(_SINKS)} sinks would take about "
                f"{expected:.0f} s"
            )
            return row
        for sink in _SINKS:
            title = f"whole run into {sink}: {title_of(case)}"
            self._report(title)
            try:
                found = self._tools.whole(
                    case, sink, frames, threads=self._plan.options.threads, folder=folder
                )
            except LrhdrError as error:
                result.skipped[title] = str(error)
                continue
            rates = {**row.whole_fps, sink: found.fps}
            row = replace(row, stages={**row.stages, **found.stages()}, whole_fps=rates)
        return row

    @staticmethod
    def _cases(result: Result) -> list[Case]:
        return [row.case for row in result.rows]

    def _entmax(self, result: Result) -> None:
        """On the masks of the smallest size, of each cycle."""
        options = self._plan.options
        smallest = self._plan.groups[0][0]
        for exposures in options.exposures:
            candidates = WINDOWS[exposures].candidates
            self._report(f"entmax of {candidates} candidates")
            pixels = smallest.width * smallest.height
            found, skipped = self._tools.entmax(candidates, pixels, options.rounds)
            result.entmax.extend(found)
            result.skipped.update({f"entmax: {name}": why for name, why in skipped.items()})


def settings_of(options: Options) -> dict[str, str]:
    """How it is measured, in words."""
    limit = "no limit" if options.seconds is None else f"about {options.seconds:g} s at most"
    return {
        "subjects": "each in a process of its own, one output of each in turn, in rounds whose "
        "order rotates",
        "warm-up": f"{options.warm_up} outputs of each before the first round",
        "rounds": f"{options.rounds}, fewer where the time is short",
        "time for a size": limit,
        "threads": str(options.threads or "as each subject likes"),
        "pinning": f"to processors {', '.join(map(str, options.cpus))}" if options.cpus else "none",
    }


@contextmanager
def _pinned(cpus: tuple[int, ...]) -> Iterator[None]:
    """This process and all that it starts, to these processors."""
    if not cpus:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
