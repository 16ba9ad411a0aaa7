"""One case from its beginning to its verdict: the fault, the check, --resume, the check."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lrhdr_benchmarks.faults.case import OUTPUTS, Case
from lrhdr_benchmarks.faults.child import Ended, run_child
from lrhdr_benchmarks.faults.clips import EV, HEIGHT, WIDTH, damage
from lrhdr_benchmarks.faults.disk import small_disk
from lrhdr_benchmarks.faults.judge import complete, kept, said, sure
from lrhdr_benchmarks.faults.result import EXACT, Reference, faults_of, place, whole_of
from lrhdr_benchmarks.faults.system import BALLAST
from lrhdr_benchmarks.faults.trigger import Plan

_PRECIOUS = ("precious.mp4", "exr/notes.txt", ".hidden.part.mov")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """What the cases share: the clip, its uninterrupted runs by engine, and how a case is run."""

    folder: Path
    clip: Path
    frames: int
    references: dict[str, Reference]
    stand_in: bool = False


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What came of a case: `wrong` is empty where all is as it should be."""

    case: Case
    fired: bool = False
    codes: list[int | None] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # of every stderr, to find out why

    @property
    def ending(self) -> str:
        """In a word."""
        if self.wrong:
            return "wrong"
        if not self.fired:
            return "too late"  # the run was over before
        return "resumed" if len(self.codes) > 1 else "finished"


def try_case(case: Case, lab: Lab) -> Verdict:
    """Run a case in a folder of its own, which is removed afterwards."""
    verdict = Verdict(case=case)
    with _places(case, lab) as (folder, clip, temporary):
        precious = _make_precious(folder, case)
        run = _Runs(case, lab, folder, clip, temporary, verdict)
        ended = run.first()
        done = complete(ended)
        upto = sure(ended) if ended.code == 1 else None
        (folder / BALLAST).unlink(missing_ok=True)
        if ended.code in (-9, 130):  # it may have been the very end
            open_ends = _finished(case, lab, folder, ended, None) + _strays(folder, precious, case)
            done = not open_ends
        if not done and case.fault == "SIGKILL twice":
            ended = run.resumed(Plan(fault=case.fault, frame=case.again[0]), case.again[1])
            done = complete(ended)
        if not done:
            ended = run.resumed(Plan(fault=None), None)
        if complete(ended):
            verdict.wrong += _finished(case, lab, folder, ended, upto)
        verdict.wrong += _untouched(folder, precious)
        left = {path.name for path in temporary.iterdir()}
        verdict.wrong += [f"left in the temporary folder: {name}" for name in sorted(left)]
        verdict.wrong += _strays(folder, precious, case) if complete(ended) else []
    return verdict


class _Runs:
    """The processes of a case."""

    def __init__(
        self, case: Case, lab: Lab, folder: Path, clip: Path, temporary: Path, verdict: Verdict
    ) -> None:
        self._case, self._lab, self._folder, self._clip = case, lab, folder, clip
        self._temporary, self._verdict = temporary, verdict
        self._ended: list[Ended] = []

    def first(self) -> Ended:
        """The one with the fault."""
        case = self._case
        plan = Plan(fault=case.fault, frame=case.frame, amount=case.amount)
        ended = self._run(plan, case.event, self._words())
        self._verdict.fired = ended.fired or case.fault in ("damaged frame", "pipe closed")
        return ended

    def resumed(self, plan: Plan, event: int | None) -> Ended:
        """One that goes on, by the command that the one before named if it did."""
        before = list(self._ended)
        words = [*self._words(), "--resume"]
        named = [line.split("go on with: lrhdr-run ", 1) for line in before[-1].lines]
        if commands := [parts[1] for parts in named if len(parts) == 2]:
            words = [*shlex.split(commands[0]), "--threads", "1"]
        ended = self._run(plan, event, words)
        self._verdict.wrong += kept(before, ended, self._case)
        return ended

    def _words(self) -> list[str]:
        words = [str(self._clip), "--ev", EV, "--threads", "1", "--engine", self._case.engine]
        for name in self._case.outputs:
            words += ["-o", OUTPUTS[name].format(self._folder)]
        return words

    def _run(self, plan: Plan, event: int | None, words: list[str]) -> Ended:
        plan = replace(
            plan,
            event=event,
            folder=str(self._folder),
            clip=str(self._clip),
            stand_in=self._lab.stand_in,
        )
        most = None
        if plan.fault == "pipe closed":
            size = HEIGHT * WIDTH * (3 if self._case.piped == "y4m:-" else 12)  # of a frame
            # A half is left at least: more than the pipe itself holds.
            most = int(self._case.amount * self._lab.frames * size / 2)
        ended = run_child(plan, words, self._temporary, read_at_most=most)
        self._ended.append(ended)
        self._verdict.codes.append(ended.code)
        self._verdict.lines += ended.lines
        run = "with --resume: " if len(self._verdict.codes) > 1 else ""
        self._verdict.wrong += [run + wrong for wrong in said(ended, self._case, plan)]
        return ended


@contextmanager
def _places(case: Case, lab: Lab) -> Iterator[tuple[Path, Path, Path]]:
    """The folder of the outputs, the clip and the temporary folder."""
    root = lab.folder / f"case-{case.seed}"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        folder, temporary = root / "out", root / "tmp"
        folder.mkdir(parents=True)
        temporary.mkdir()
        clip = lab.clip
        if case.fault in ("damaged frame", "clip truncated"):
            clip = Path(shutil.copy(lab.clip, root / lab.clip.name))
        if case.fault == "damaged frame":
            damage(clip, case.frame)
        if case.fault == "disk full":
            stack.enter_context(small_disk(folder))
        yield folder, clip, temporary


def _make_precious(folder: Path, case: Case) -> dict[str, tuple[bytes, int]]:
    """Files of the user's that were there before, beside the outputs and in the EXR folder."""
    made = {}
    for name in _PRECIOUS:
        if name.startswith("exr/") and "exr" not in case.outputs:
            continue
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"precious {name}".encode())
        made[name] = (path.read_bytes(), path.stat().st_mtime_ns)
    return made


def _untouched(folder: Path, precious: dict[str, tuple[bytes, int]]) -> list[str]:
    wrong = []
    for name, before in precious.items():
        path = folder / name
        if not path.exists():
            wrong.append(f"{name}, which was there before, is gone")
        elif (path.read_bytes(), path.stat().st_mtime_ns) != before:
            wrong.append(f"{name}, which was there before, has changed")
    return wrong


def _finished(case: Case, lab: Lab, folder: Path, ended: Ended, upto: int | None) -> list[str]:
    """What is wrong with the outputs of a run that says it is done."""
    reference = lab.references[case.engine]
    # A window spans a frame before and one after, and a stand-in at the clip's ends.
    reach = 0 if case.fault in ("not finite", "black", "blown") else 2
    harmed = case.fault in ("damaged frame", "not finite", "black", "blown")
    but = range(case.frame - reach, case.frame + reach + 1) if harmed else range(0)
    wrong = []
    for name in case.outputs:
        if name != case.piped:
            wrong += faults_of(name, folder, reference, but=but, upto=upto)
        if upto is None and not but and name in EXACT and not wrong:
            whole = whole_of(name, folder, ended.output)
            if whole is not None and whole != reference.whole[name]:
                wrong.append(f"{name} is not, byte for byte, that of an uninterrupted run")
    return wrong


def _strays(folder: Path, precious: dict[str, tuple[bytes, int]], case: Case) -> list[str]:
    """Files that nobody asked for, once a run is complete."""
    wanted = {folder / name for name in precious}
    wanted |= {place(name, folder) for name in case.outputs}
    frames = set((folder / "exr").glob("frame_[0-9][0-9][0-9][0-9][0-9][0-9].exr"))
    found = set(folder.rglob("*"))
    return [f"left behind: {path.relative_to(folder)}" for path in sorted(found - wanted - frames)]
