"""What `lrhdr-probe` says of a clip, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lrhdr_engines.media.source import ClipInfo
from lrhdr_engines.probe.answer import Answer
from lrhdr_engines.probe.clip import Reading
from lrhdr_engines.probe.given import shown

_REASONS = 3  # the weakest ones
_SLIPS = {"dropped": "a frame is missing before it", "duplicated": "repeats the frame before it"}


def clip_lines(clip: ClipInfo) -> Iterator[str]:
    """The clip's facts, a line each."""
    length = "" if clip.frames is None else f", {clip.frames} frames"
    rate = f"{float(clip.frame_rate):.6g} fps" + (" on average" if clip.variable_rate else "")
    yield f"{'clip':12}{clip.path}"
    yield f"{'picture':12}{clip.width}x{clip.height}{length}, {rate}"
    yield f"{'stored as':12}{clip.codec}, {clip.pixel_format}, {clip.bit_depth} bit, {clip.colour}"
    more = [
        "variable frame rate" if clip.variable_rate else "",
        f"shown turned by {clip.rotation} degrees" if clip.rotation else "",
        "with sound" if clip.has_audio else "",
        f"timecode {clip.timecode}" if clip.timecode else "",
    ]
    if any(more):
        yield f"{'also':12}{', '.join(filter(None, more))}"


def exposure_lines(reading: Reading, answer: Answer) -> Iterator[str]:
    """Its exposures, a line each."""
    timeline, estimate = answer.timeline, answer.found.estimate
    ev = timeline.ev
    yield f"{'exposures':12}{shown(ev)} EV, repeating every {len(ev)} frames"
    yield f"{'phase':12}frame {int(np.argmax(ev))} is the first of the brightest"
    if estimate is None:
        yield f"{'from':12}{timeline.note.partition(';')[0]}"
    else:
        yield f"{'from':12}the pixels of {len(reading.figures)} frames"
        yield f"{'as measured':12}{shown(estimate.measured)} EV, within {estimate.uncertainty:.2f}"
        yield f"{'confidence':12}{estimate.confidence:.2f}: {estimate.reasons[0]}"
        for reason in estimate.reasons[1:_REASONS]:
            yield f"{'':12}      {reason}"
    if answer.found.curve is not None:
        name, measured = answer.found.curve.name, shown(answer.found.curve.ev)
        yield f"{'curve':12}fits {name} better, at {measured} EV: --transfer {name}"
    yield f"{'cuts':12}{', '.join(map(str, timeline.cuts)) or 'none'}"
    slips = [f"frame {slip.frame}: {_SLIPS[slip.kind]}" for slip in timeline.slips]
    for number, line in enumerate(slips or ["none"]):
        yield f"{'' if number else 'slips':12}{line}"


def facts(clip: ClipInfo, reading: Reading, answer: Answer) -> dict[str, Any]:
    """All of it for --json; `ev` is the cycle from frame 0, `phase` the place of its brightest."""
    timeline, found = answer.timeline, answer.found
    return {
        "clip": clip_facts(clip),
        "frames_read": len(reading.figures),
        "ended_early": reading.figures.broken or None,
        "period": len(timeline.ev),
        "phase": int(np.argmax(timeline.ev)),
        "ev": list(timeline.ev),
        "source": timeline.source,
        "confidence": timeline.confidence,
        "reasons": list(found.estimate.reasons) if found.estimate else [],
        "ev_measured": list(found.estimate.measured) if found.estimate else None,
        "uncertainty": found.estimate.uncertainty if found.estimate else None,
        "transfer": {"name": found.curve.name, "ev": list(found.curve.ev)} if found.curve else None,
        "cuts": list(timeline.cuts),
        "slips": [{"frame": slip.frame, "kind": slip.kind} for slip in timeline.slips],
        "segments": [
            {"start": segment.start, "stop": segment.stop, "ev": list(segment.ev)}
            for segment in timeline.segments
        ],
        "note": timeline.note,
    }


def clip_facts(clip: ClipInfo) -> dict[str, Any]:
    """The clip's facts for --json."""
    return {
        "path": str(clip.path),
        "kind": clip.kind,
        "width": clip.width,
        "height": clip.height,
        "frame_rate": str(clip.frame_rate),
        "variable_rate": clip.variable_rate,
        "frames": clip.frames,
        "rotation": clip.rotation,
        "codec": clip.codec,
        "pixel_format": clip.pixel_format,
        "bit_depth": clip.bit_depth,
        "colour": clip.colour,
        "has_audio": clip.has_audio,
        "timecode": clip.timecode,
    }
