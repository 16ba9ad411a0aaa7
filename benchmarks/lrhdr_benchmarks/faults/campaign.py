"""The three parts of the campaign, each with its counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

from lrhdr_benchmarks.faults import containers
from lrhdr_benchmarks.faults.case import Fault, draw
from lrhdr_benchmarks.faults.trial import Lab, Verdict, try_case

FAULTS: tuple[Fault, ...] = get_args(Fault)
FRAMES = 30


def inject(
    seeds: Iterable[int],
    lab: Lab,
    report: Callable[[Verdict], None],
    *,
    faults: Sequence[Fault] = FAULTS,
    jobs: int = 1,
) -> list[Verdict]:
    """Every seed's verdict; `report` hears each as it comes, in order."""
    verdicts = []
    with ThreadPoolExecutor(jobs) as pool:
        cases = [draw(seed, lab.frames, faults) for seed in seeds]
        for verdict in pool.map(lambda case: try_case(case, lab), cases):
            verdicts.append(verdict)
            report(verdict)
    return verdicts


def damage(
    seeds: Iterable[int], folder: Path, report: Callable[[containers.Outcome], None]
) -> list[containers.Outcome]:
    """Every seed's damaged container."""
    folder.mkdir()
    return containers.campaign(seeds, containers.make_clips(folder), report)


def soak(frames: int, *, stand_in: bool = False) -> dict[str, Any]:
    """The facts of a soak, made by a fresh process."""
    command = [sys.executable, "-m", "lrhdr_benchmarks.faults.soak", "--frames", str(frames)]
    ended = subprocess.run(
        [*command, *(["--stand-in"] if stand_in else [])],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        facts: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        said = ended.stderr.splitlines()
        return {"frames": frames, "wrong": [f"ended with {ended.returncode}", *said[-1:]]}
    return facts


def again(seed: int, lab: Lab) -> str:
    """The command that repeats an injected run."""
    options = "" if lab.frames == FRAMES else f" --frames {lab.frames}"
    options += " --stand-in" if lab.stand_in else ""
    return f"python -m lrhdr_benchmarks.faults --only runs --runs 1 --seed {seed}{options}"


def without_effect(verdicts: Sequence[Verdict]) -> list[Fault]:
    """Faults that came too late in each of several runs: they take hold of nothing any more."""
    ends = {fault: [v.ending for v in verdicts if v.case.fault == fault] for fault in FAULTS}
    return [fault for fault, found in ends.items() if len(found) > 2 and set(found) == {"too late"}]


def table(verdicts: Sequence[Verdict]) -> str:
    """Counts by fault and verdict, in Markdown."""
    endings = ("finished", "resumed", "too late", "wrong")
    counts = Counter((verdict.case.fault, verdict.ending) for verdict in verdicts)
    lines = [f"| fault | runs | {' | '.join(endings)} |", "| --- " + "| --: " * 5 + "|"]
    for fault in FAULTS:
        row = [counts[fault, ending] for ending in endings]
        if sum(row):
            lines.append(f"| {fault} | {sum(row)} | {' | '.join(map(str, row))} |")
    row = [sum(counts[fault, ending] for fault in FAULTS) for ending in endings]
    lines.append(f"| all | {sum(row)} | {' | '.join(map(str, row))} |")
    return "\n".join(lines)
