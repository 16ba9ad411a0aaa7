"""How far off the exposures, cuts and slips are that the probe reads from pixels.

    python -m benchmarks.exposure_errors
    python -m benchmarks.exposure_errors --pictures FOLDER   # with real HDR pictures in it

Every clip is rendered with known exposures and known events. Prints the tables of
docs/exposures.md; ends with 1 if a period, phase, cut or slip was wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from exposure_clips import pictures_of
from exposure_held import Held, compressed
from exposure_trials import Trial, events_of, trials
from lrhdr.errors import ExposureError
from lrhdr_engines.probe.clip import from_pixels, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was said.

    Attributes:
        refused: why; "" where it was not.
        rhythm: whether period and phase are right, in every segment.
        error: EV, the worst step as stated, under the curve the clip was read with.
        curve: the curve that was found to fit better, and the worst step under it; "" for none.
        cuts: those found.
        slips: those found.
        missed: cuts and slips that were not found, with their frames.
        false: cuts and slips that there are none at.
    """

    refused: str = ""
    rhythm: bool = False
    error: float = float("nan")
    curve: str = ""
    confidence: float = float("nan")
    missed: tuple[str, ...] = ()
    false: tuple[str, ...] = ()


def attempt(trial: Trial) -> Outcome:
    """Render a clip and read it."""
    recipe = trial.recipe
    frames = recipe.render()
    if trial.crf is not None:
        frames = compressed(frames, trial.crf)
    reading = read(Held(frames))
    seen = {f"cut {frame}" for frame in reading.cuts}
    try:
        found = from_pixels(reading)
    except ExposureError as error:
        return Outcome(
            refused=str(error).partition("pixels: ")[2].partition(";")[0],
            false=tuple(sorted(seen - events_of(recipe))),
        )
    seen |= {f"{slip.kind} {slip.frame}" for slip in found.slips}
    wanted = events_of(recipe)
    brightest = int(np.argmax(recipe.ev))
    levels = recipe.levels()
    rhythm = all(
        len(segment.ev) == len(recipe.ev)
        and (levels[segment.start] == brightest) == (int(np.argmax(segment.ev)) == 0)
        for segment in found.segments
    )
    curve = ""
    if found.curve is not None:
        curve = f"{found.curve.name}, {_error(found.curve.ev, recipe.ev):.2f}"
    return Outcome(
        rhythm=rhythm,
        error=_error(found.segments[0].ev, recipe.ev) if rhythm else float("nan"),
        curve=curve,
        confidence=found.estimate.confidence if found.estimate else float("nan"),
        missed=tuple(sorted(wanted - seen)),
        false=tuple(sorted(seen - wanted)),
    )


def _error(found: Sequence[float], true: Sequence[float]) -> float:
    """Of the worst step between neighbouring levels, EV."""
    return float(abs(np.diff(np.sort(found)) - np.diff(np.sort(true))).max())


def right(trial: Trial, outcome: Outcome) -> bool:
    """Whether a clip was refused as it must be, or its rhythm, cuts and slips are all right."""
    if not trial.alternates:
        return bool(outcome.refused) and not outcome.false
    return outcome.rhythm and not outcome.missed and not outcome.false


def row(trial: Trial, outcome: Outcome) -> str:
    """A line of the table."""
    if outcome.refused:
        verdict = outcome.refused if not trial.alternates else f"**refused: {outcome.refused}**"
        return f"| {trial.name} | {verdict} | | | | {', '.join(outcome.false) or 'none'} |"
    rhythm = "right" if outcome.rhythm else "**wrong**"
    wanted = sorted(events_of(trial.recipe), key=lambda event: int(event.split()[1]))
    events = ", ".join(f"**{e} missed**" if e in outcome.missed else e for e in wanted)
    return (
        f"| {trial.name} | {rhythm} | {outcome.error:.2f} | {outcome.curve} "
        f"| {outcome.confidence:.2f} | {events or 'none'}"
        + "".join(f", **{event} is none**" for event in outcome.false)
        + " |"
    )


def campaign(chosen: Iterable[Trial]) -> int:
    """Print the table; the number of clips that were wrong."""
    print("| clip | period and phase | EV off | better curve, EV off | confidence | events |")
    print("| --- | --- | --- | --- | --- | --- |")
    wrong = count = 0
    for trial in chosen:
        outcome = attempt(trial)
        count += 1
        wrong += not right(trial, outcome)
        print(row(trial, outcome), flush=True)
    print(f"\n{count} clips, {wrong} wrong")
    return wrong


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--pictures", type=Path, help="HDR pictures in place of drawn ones")
    parser.add_argument("--seed", type=int, default=0, help="of the pictures (default 0)")
    options = parser.parse_args()
    pictures = pictures_of(options.pictures) if options.pictures else ()
    chosen = (
        replace(
            trial,
            recipe=replace(
                trial.recipe, seed=trial.recipe.seed + 7 * options.seed, pictures=pictures
            ),
        )
        for trial in trials()
    )
    raise SystemExit(1 if campaign(chosen) else 0)


if __name__ == "__main__":
    main()
