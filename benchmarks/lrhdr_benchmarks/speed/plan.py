"""From the options of lrhdr-bench to the cases that are timed. What cannot be is refused here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from lrhdr.contract import WINDOWS
from lrhdr.errors import BundleError, InputError
from lrhdr_benchmarks.evaluate.extras import need
from lrhdr_benchmarks.speed.engines import (
    REFERENCE,
    engine_subjects,
    is_engine,
    missing_engines,
)
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.subjects import RIVALS
from lrhdr_benchmarks.speed.torch_models import PAPER
from lrhdr_benchmarks.speed.words import model_of, name_of
from lrhdr_engines.build.sizes import Size
from lrhdr_engines.bundle import Bundle

SIZES = ("640x360", "960x540", "1280x720", "1920x1080", "2560x1440", "3840x2160")
_TORCH = ("pytorch eager", "pytorch compiled")
_HDRFLOW = "hdrflow eager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked for; see `lrhdr-bench --help`.

    Attributes:
        subjects: empty for those that are timed by default.
        exposures: Ne, each once.
        rounds: at most so many outputs of each subject at each size are timed.
        seconds: about the most for one size, all cycles together; None for no limit.
        cpus: processors that everything is pinned to; empty for none.
    """

    sizes: tuple[Size, ...]
    exposures: tuple[int, ...] = tuple(WINDOWS)
    models: tuple[str, ...] = ("lite",)
    subjects: tuple[str, ...] = ()
    hdrflow: Path | None = None
    rounds: int = 20
    warm_up: int = 2
    threads: int | None = None
    cpus: tuple[int, ...] = ()
    seconds: float | None = None
    whole: bool = True
    entmax: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done.

    Attributes:
        groups: cases with the same frames, from the smallest; the first of each is what errors are
            measured against, where that is among them.
        skipped: what of the options cannot be timed here, and why.
    """

    options: Options
    groups: list[list[Case]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def planned(options: Options) -> Plan:
    """Every subject with every model at every size, where that is possible.

    Raises:
        InputError: a subject is unknown or cannot run here, a processor is not this process's, or
            nothing is left to time.
        LrhdrError: a package is missing, or a model is none.
    """
    _check_cpus(options.cpus)
    subjects = options.subjects or _usual(options)
    for subject in subjects:
        _check_subject(subject, options)
    plan = Plan(options=options)
    if not options.subjects:
        plan.skipped.update(missing_engines())
    usable = _usable_models(options)
    for size in sorted(set(options.sizes), key=lambda size: (size.width * size.height, size.width)):
        for exposures in options.exposures:
            cases = [
                Case(
                    subject=subject,
                    model=model,
                    exposures=exposures,
                    width=size.width,
                    height=size.height,
                )
                for model, subject in _pairs(subjects, usable[exposures])
            ]
            kept = [case for case in cases if not _left_out(case, plan)]
            if kept:
                plan.groups.append(sorted(kept, key=lambda case: case.subject != REFERENCE))
    if not plan.groups:
        raise InputError("nothing to time", next_step="Add a --subject, or another --model")
    return plan


def parse_cpus(text: str) -> tuple[int, ...]:
    """Processors as taskset names them: 0,2 or 0-3.

    Raises:
        InputError: these are none.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else True)):
            raise InputError(f"--pin {text}", expected="numbers of processors, as 0,2 or 0-3")
        found.update(range(int(first), int(last or first) + 1))
    if not found:
        raise InputError(f"--pin {text}", expected="numbers in growing order, as 0-3")
    return tuple(sorted(found))


def _check_cpus(cpus: Sequence[int]) -> None:
    if not cpus:
        return
    if not hasattr(os, "sched_setaffinity"):
        raise InputError("--pin", expected="Linux, which can pin processes")
    usable = os.sched_getaffinity(0)
    if beyond := [str(cpu) for cpu in cpus if cpu not in usable]:
        raise InputError(
            f"--pin to processor {', '.join(beyond)}",
            expected=f"some of {', '.join(map(str, sorted(usable)))}",
        )


def _usual(options: Options) -> tuple[str, ...]:
    """Every engine that opens here, PyTorch where it is, HDRFlow where a clone was given."""
    rivals = [_TORCH[0]] if find_spec("torch") else []
    rivals += [_HDRFLOW] if options.hdrflow else []
    return (*engine_subjects(), *rivals)


def _check_subject(subject: str, options: Options) -> None:
    if is_engine(subject):
        why = missing_engines().get(subject.partition(" ")[0])
        if why is not None:
            raise InputError(f"the subject {subject!r} cannot run here: {why}")
    elif subject not in RIVALS:
        known = ", ".join((*engine_subjects(), *RIVALS))
        raise InputError(f"the subject {subject!r}", expected=f"one of: {known}")
    elif subject in _TORCH:
        need("torch", "train")
    elif subject == _HDRFLOW:
        need("torch", "train")
        if options.hdrflow is None:
            raise InputError(f"{subject} without a clone of HDRFlow", next_step="Give --hdrflow")


def _usable_models(options: Options) -> dict[int, list[str]]:
    """By Ne; a bundle is for one, so a folder is left out with the other where both are asked."""
    names = [
        model_of(Case(subject="", model=m, exposures=2, width=1, height=1)) for m in options.models
    ]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two models named {name!r}", expected="each name once")
    usable: dict[int, list[str]] = {exposures: [] for exposures in options.exposures}
    for model in options.models:
        errors = []
        for exposures, found in usable.items():
            try:
                if model != PAPER:
                    Bundle.open(model, exposures)
                found.append(model)
            except BundleError as error:
                errors.append(error)
        if len(errors) == len(usable):
            raise errors[0]
    return usable


def _pairs(subjects: Sequence[str], models: Sequence[str]) -> list[tuple[str, str]]:
    """Model and subject; what has no model is there once, after the others."""
    with_model = [name for name in subjects if is_engine(name) or name in _TORCH]
    without = [("", name) for name in subjects if name not in with_model]
    return [(model, name) for model in models for name in with_model] + without


def _left_out(case: Case, plan: Plan) -> bool:
    """No bundle of the paper's model is shipped: PyTorch alone can make one, of random weights."""
    if case.model != PAPER or not is_engine(case.subject):
        return False
    plan.skipped[name_of(case)] = (
        "no bundle of it is shipped; export one with lrhdr-export onnx and give its folder"
    )
    return True
