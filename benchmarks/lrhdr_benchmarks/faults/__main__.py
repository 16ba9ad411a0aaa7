"""The campaign of faults: nothing is lost, whatever happens to a run.

Part of scripts/campaign; a small part of it runs in the tests.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lrhdr import __version__
from lrhdr.command import run_command
from lrhdr.errors import InputError

if TYPE_CHECKING:
    from lrhdr_benchmarks.faults.containers import Outcome
    from lrhdr_benchmarks.faults.trial import Verdict

PROGRAM = "faults"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def command(
    runs: Annotated[int, typer.Option(min=0, help="Runs with a fault each.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="The first run's, and container's.")] = 0,
    containers: Annotated[int, typer.Option(min=0, help="Damaged containers.")] = 1000,
    soak: Annotated[int, typer.Option(min=0, help="Frames of one long run.")] = 10000,
    frames: Annotated[int, typer.Option(min=16, help="Of the clip of the runs.")] = 30,
    only: Annotated[
        Literal["all", "runs", "containers", "soak"], typer.Option(help="One part of it.")
    ] = "all",
    stand_in: Annotated[
        bool, typer.Option("--stand-in", help="In place of lite, a model that costs nothing.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at once.")] = 2,
    json_to: Annotated[
        Path | None, typer.Option("--json", metavar="F", help="Also write all of it there.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Work there; it must not exist.")
    ] = None,
) -> None:
    """Inject faults into lrhdr-run, read damaged containers, soak.

    \b
    Exit codes:
      0 nothing was wrong   1 something was   2 refused
    """  # noqa: D301 (click wants the character)
    from lrhdr_benchmarks.faults import campaign
    from lrhdr_benchmarks.faults.lab import make_lab
    from lrhdr_engines.whole import write_whole

    facts: dict[str, Any] = {"lrhdr": __version__, "seed": seed}
    wrong = 0

    def told(verdict: Verdict) -> None:
        case = verdict.case
        if not verdict.wrong:
            return
        point = f"after output {case.frame}"
        if case.event is not None:
            point = f"at file operation {case.event}"
        print(f"seed {case.seed}: {case.fault} {point}, {' + '.join(case.outputs)}", flush=True)
        for line in verdict.wrong:
            print(f"    {line}", flush=True)
        print(f"    again: {campaign.again(case.seed, lab)}", flush=True)

    def heard(outcome: Outcome) -> None:
        if not outcome.good:
            print(f"container {outcome.seed}: {outcome}", flush=True)

    with ExitStack() as stack:
        if out is None:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lrhdr-faults-")))
        else:
            work = out.resolve()
            if work.exists():
                raise InputError(f"{out} exists", expected="a new folder")
            work.mkdir(parents=True)
        if only in ("all", "runs"):
            lab = make_lab(work, frames, stand_in=stand_in)
            seeds = range(seed, seed + runs)
            verdicts = campaign.inject(seeds, lab, told, jobs=jobs)
            wrong += sum(bool(verdict.wrong) for verdict in verdicts)
            facts["runs"] = [asdict(v) | {"ending": v.ending} for v in verdicts]
            print(f"\n{campaign.table(verdicts)}\n", flush=True)
            for fault in campaign.without_effect(verdicts):
                wrong += 1
                print(f"{fault}: no run was hit by it, so that nothing is known", flush=True)
        if only in ("all", "containers"):
            seeds = range(seed, seed + containers)
            outcomes = campaign.damage(seeds, work / "containers", heard)
            wrong += sum(not outcome.good for outcome in outcomes)
            counts = Counter(outcome.ending for outcome in outcomes)
            facts["containers"] = dict(counts)
            named = ", ".join(f"{count} {ending}" for ending, count in counts.most_common())
            print(f"{len(outcomes)} damaged containers: {named}", flush=True)
        if only in ("all", "soak"):
            found = campaign.soak(soak, stand_in=stand_in)
            wrong += bool(found["wrong"])
            facts["soak"] = found
            print(f"soak of {soak} frames: {_soaked(found)}", flush=True)
    if json_to is not None:
        write_whole(json_to, (json.dumps(facts, indent=1) + "\n").encode())
    raise typer.Exit(int(wrong > 0))


def _soaked(found: dict[str, Any]) -> str:
    if found["wrong"]:
        return "; ".join(found["wrong"])
    samples = found["samples"]
    first, last = samples[len(samples) // 10], samples[-1]
    return (
        f"{first['resident_mib']:.0f} MiB at a tenth, {last['resident_mib']:.0f} MiB at the end; "
        f"{last['descriptors']} descriptors, {last['threads']} threads; "
        f"{found['model']}, {found['seconds']:.0f} s"
    )


if __name__ == "__main__":
    # Ended from outside it still takes its small disks and folders away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run_command(lambda: app(prog_name=PROGRAM), PROGRAM, "dev")
