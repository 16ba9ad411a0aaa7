"""One call of `lrhdr-eval`: from its options to tables and files."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lrhdr.data.layouts import Layout, TestScene, open_layout
from lrhdr_benchmarks.evaluate.extras import need
from lrhdr_benchmarks.evaluate.facts import facts, to_json, versions
from lrhdr_benchmarks.evaluate.gallery import Gallery
from lrhdr_benchmarks.evaluate.hdrvdp2 import HdrVdp2
from lrhdr_benchmarks.evaluate.measures import Meter, Protocol, fidelity
from lrhdr_benchmarks.evaluate.method import Method
from lrhdr_benchmarks.evaluate.methods import MethodChoice, open_methods
from lrhdr_benchmarks.evaluate.report import report
from lrhdr_benchmarks.evaluate.results import Results
from lrhdr_benchmarks.evaluate.run import Evaluation, Shot
from lrhdr_benchmarks.evaluate.scenes import choose, frames_of
from lrhdr_benchmarks.evaluate.sheets import Sheet, sheets
from lrhdr_benchmarks.evaluate.vdp import open_cvvdp
from lrhdr_engines.cli.progress import ProgressDisplay
from lrhdr_engines.job import check_new_file
from lrhdr_engines.whole import write_whole

PROGRAM = "lrhdr-eval"
_STDOUT = "-"
_WIDTH = 160  # of tables, in columns, where there is no terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The options; see `lrhdr-eval --help`."""

    data: Path
    layout: Layout
    exposures: int
    methods: MethodChoice
    protocols: tuple[Protocol, ...]
    scenes: str | None
    hdrvdp2: Path | None
    json_to: str | None
    html_to: Path | None

    def run(self) -> None:
        """Measure, print the tables, write the files. Files that exist are replaced.

        Raises:
            LrhdrError: something is missing, cannot be used or cannot be written. What can
                be known beforehand is refused beforehand.
        """
        need("skimage", "eval")
        for file in (self._json_file, self.html_to):
            if file is not None:
                check_new_file(file, overwrite=True)
        scenes = choose(open_layout(self.data, self.layout, self.exposures), self.scenes)
        meters, notes = self._meters(scenes)
        methods = open_methods(self.methods, self.exposures)
        # Tables go where they do not mix with the JSON.
        console = Console(stderr=self.json_to == _STDOUT)
        if not console.is_terminal:
            console.width = _WIDTH
        for note in notes:
            console.print(note, style="dim", highlight=False, soft_wrap=True)
        gallery = Gallery() if self.html_to else None
        evaluation = Evaluation(methods, meters, self.protocols)
        _measure(evaluation, scenes, gallery)
        for sheet in sheets(evaluation.results, self.protocols, self.exposures):
            console.print(_table(sheet))
        about = {
            "command": shlex.join([PROGRAM, *sys.argv[1:]]),
            "data": f"{self.data}, layout {self.layout}, {self.exposures} exposures",
            "scenes": ", ".join(scene.name for scene in scenes),
            "notes": "; ".join(notes),
        }
        self._write_json(about, evaluation.results, methods)
        if self.html_to and gallery:
            page = report(
                about | {"versions": ", ".join(f"{k} {v}" for k, v in versions().items())},
                methods,
                evaluation.results,
                self.protocols,
                gallery.exhibits(),
                self.exposures,
            )
            write_whole(self.html_to, page.encode())

    @property
    def _json_file(self) -> Path | None:
        return Path(self.json_to) if self.json_to and self.json_to != _STDOUT else None

    def _write_json(
        self, about: Mapping[str, str], results: Results, methods: Sequence[Method]
    ) -> None:
        if not self.json_to:
            return
        found = facts(results, methods, self.protocols, self.exposures)
        text = to_json({**about, "versions": versions(), **found})
        if self._json_file:
            write_whole(self._json_file, text.encode())
        else:
            sys.stdout.write(text)

    def _meters(self, scenes: Sequence[TestScene]) -> tuple[list[Meter], list[str]]:
        """What measures a frame, and notes on what is not measured."""
        if not any(scene.measured for scene in scenes):
            return [], ["This set has no truth: there are votes and pictures, and no measures"]
        cvvdp, note = open_cvvdp()
        meters: list[Meter] = [fidelity]
        if cvvdp:
            meters.append(cvvdp)
        if self.hdrvdp2:
            meters.append(HdrVdp2(self.hdrvdp2))
        return meters, [note]


def _measure(evaluation: Evaluation, scenes: Sequence[TestScene], gallery: Gallery | None) -> None:
    """Run all scenes, with progress on stderr."""
    done = 0
    with ProgressDisplay() as progress:

        def watch(shot: Shot) -> None:
            nonlocal done
            done += 1
            if gallery:
                gallery.see(shot)
            progress.advance(done)

        progress.begin(sum(len(frames_of(scene)) for scene in scenes))
        for scene in scenes:
            evaluation.add(scene, watch)


def _table(sheet: Sheet) -> Table:
    table = Table(title=sheet.title, title_justify="left", title_style="bold")
    for index, head in enumerate(["method", *sheet.heads]):
        table.add_column(head, justify="right" if index else "left", overflow="fold")
    for name, cells in sheet.rows.items():
        table.add_row(name, *cells)
    return table
