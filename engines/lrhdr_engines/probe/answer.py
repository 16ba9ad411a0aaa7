"""What is said of a clip's exposures and what its pixels show, as one timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrhdr.errors import ExposureError
from lrhdr_engines.probe.clip import (
    Found,
    Reading,
    from_cycle,
    from_difference,
    from_list,
    from_pixels,
)
from lrhdr_engines.probe.given import Given, shown
from lrhdr_engines.timeline import Timeline

_LONGEST_CYCLE = 3
_NAMED = 5  # frames in a line for people


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The timeline, and what it was read from."""

    timeline: Timeline
    found: Found


def answer(given: Given | None, reading: Reading, clip: Path) -> Answer:
    """The exposures of a clip.

    Args:
        given: what is said of them, if anything.
        reading: the clip's figures.
        clip: for messages.

    Raises:
        ExposureError: neither tells, or what is given is contradictory. The message names the
            clip and the file.
    """
    try:
        found = _find(given, reading)
    except ExposureError as error:
        origin = "" if given is None else f", exposures {given.origin}"
        raise ExposureError(f"{clip.name}{origin}: {error}") from error
    return Answer(timeline=_timeline(given, reading, found), found=found)


def _find(given: Given | None, reading: Reading) -> Found:
    if given is None:
        return from_pixels(reading)
    if given.difference:
        return from_difference(reading, given.difference)
    if len(given.ev) <= _LONGEST_CYCLE:
        return from_cycle(reading, given.ev)
    return from_list(reading, given.ev)


def _timeline(given: Given | None, reading: Reading, found: Found) -> Timeline:
    note = f"{shown(found.segments[0].ev)} EV {_where_from(given, found)}"
    slips = tuple(slip.frame for slip in found.slips)
    note += _listed("cut", reading.cuts) + _listed("slip", slips)
    if found.curve is not None:
        note += f"; the tones fit {found.curve.name} better (--transfer {found.curve.name})"
    return Timeline(
        segments=found.segments,
        cuts=reading.cuts,
        slips=found.slips,
        source=given.source if given else "estimate",
        confidence=found.estimate.confidence if found.estimate else None,
        note=note,
        transfer=found.curve.name if found.curve else None,
    )


def _where_from(given: Given | None, found: Found) -> str:
    if found.estimate is None:
        return given.origin if given else ""
    return (
        f"estimated from pixels, within {found.estimate.uncertainty:.2f} EV "
        f"(confidence {found.estimate.confidence:.2f}: {found.estimate.reasons[0]}); "
        "--ev overrides"
    )


def _listed(word: str, frames: Sequence[int]) -> str:
    if not frames:
        return ""
    few = ", ".join(map(str, frames[:_NAMED])) + (", ..." if len(frames) > _NAMED else "")
    plural = "" if len(frames) == 1 else "s"
    return f"; {len(frames)} {word}{plural} at frame{plural} {few}"
