"""Every subject alone, first: what it costs to open, how much memory it takes, how far it is off.

A subject that fails does so here, with nobody beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lrhdr_benchmarks.speed import clips
from lrhdr_benchmarks.speed.child import Child, ChildError
from lrhdr_benchmarks.speed.difference import difference
from lrhdr_benchmarks.speed.engines import REFERENCE
from lrhdr_benchmarks.speed.messages import Turn
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.subject import Picture

Start = Callable[[Case], Child]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one subject showed; see `record.Row`."""

    ahead: int | None
    in_flight: int
    load_s: float
    first_s: float
    resident_mb: float | None
    device_mb: float | None
    error: tuple[float, float] | None = None


def tried(
    cases: Sequence[Case], start: Start, failed: Callable[[Case, str], None]
) -> dict[Case, Trial]:
    """Try every case, in order; `failed` is told of those that are left out."""
    trials: dict[Case, Trial] = {}
    exact: dict[Case, Picture] = {}
    # What errors are measured against comes first.
    for case in sorted(cases, key=lambda case: case.subject != REFERENCE):
        try:
            trial, picture = _try(case, start)
        except ChildError as error:
            failed(case, str(error))
            continue
        reference = reference_of(case)
        if case == reference:
            exact[case] = picture
        elif reference in exact:
            far = difference(picture, exact[reference], clips.ev(case.exposures))
            trial = replace(trial, error=far)
        trials[case] = trial
    return {case: trials[case] for case in cases if case in trials}


def reference_of(case: Case) -> Case:
    """The same model on the same frames by FP32 in ONNX Runtime."""
    return replace(case, subject=REFERENCE)


def _try(case: Case, start: Start) -> tuple[Trial, Picture]:
    """The picture is that of frame Ne - 1: the first whose window is all inside the clip."""
    with start(case) as child:
        opened = child.open()
        first = child.turn(Turn())
        later = child.turn(Turn(lead=case.exposures - 2, keep=True))
        ended = child.end()
    if later.picture is None:
        raise ChildError("no picture came back")
    trial = Trial(
        ahead=opened.ahead,
        in_flight=opened.in_flight,
        load_s=opened.load_s,
        first_s=first.outputs[0].wall / 1e3,
        resident_mb=ended.resident_mb,
        device_mb=ended.device_mb,
    )
    return trial, later.picture
