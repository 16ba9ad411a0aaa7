"""Those who look at the outputs of a run to draw pictures of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lrhdr_engines.streaming import Output

if TYPE_CHECKING:
    from lrhdr_engines.pipeline import Report
    from lrhdr_engines.plan import Plan


class Watcher(Protocol):
    """Collects from a run."""

    def wants(self, index: int) -> bool:
        """Whether output `index` is to have masks."""

    def add(self, output: Output) -> None:
        """Sees every output, in order."""

    def save(self, path: Path, report: Report) -> bool:
        """Draw what was collected; False if there is nothing to draw.

        Raises:
            OutputError: it cannot be written.
        """


class Watchers:
    """The preview and the report of a run, where they were asked for."""

    def __init__(self, plan: Plan) -> None:
        """Makes what the plan's job asks for."""
        made: dict[str, tuple[Path | None, Callable[[Plan], Watcher]]] = {
            "preview": (plan.job.preview, _contact_sheet),
            "report": (plan.job.report, _html_report),
        }
        self._watchers = {
            name: (path, make(plan)) for name, (path, make) in made.items() if path is not None
        }

    def wants(self, index: int) -> bool:
        """Whether any of them wants masks of an output."""
        return any(watcher.wants(index) for _, watcher in self._watchers.values())

    def add(self, output: Output) -> None:
        """See `Watcher`."""
        for _, watcher in self._watchers.values():
            watcher.add(output)

    def save(self, report: Report) -> dict[str, str | None]:
        """Write the files; the names of those that were."""
        return {
            name: str(path) if watcher.save(path, report) else None
            for name, (path, watcher) in self._watchers.items()
        }


def _contact_sheet(plan: Plan) -> Watcher:
    from lrhdr_engines.preview import ContactSheet, pick_rows

    title = f"{plan.job.input.name}   {plan.clip.width} × {plan.clip.height}   {plan.bundle}"
    frames = None if plan.frames is None else plan.frames * plan.job.step
    rows = pick_rows(plan.first, frames, len(plan.timeline.ev))
    return ContactSheet(title, plan.timeline, rows)


def _html_report(plan: Plan) -> Watcher:
    from lrhdr_engines.report import HtmlReport

    return HtmlReport(plan)
