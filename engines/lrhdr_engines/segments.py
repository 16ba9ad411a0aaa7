"""The outputs of a whole clip: its segments one after the other, each as a clip of its own.

Nothing is interpolated across a cut or a slip: a window's missing frames are
replaced inside the segment, as at the clip's ends. A segment of fewer than Ne
frames has not every exposure; its frames are linearised one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

import numpy as np

from lrhdr.contract import WINDOWS
from lrhdr.errors import InputError
from lrhdr.light import linearise
from lrhdr_engines.conceal import Concealer
from lrhdr_engines.findings import Findings
from lrhdr_engines.media.sink import Radiance
from lrhdr_engines.media.source import Frame
from lrhdr_engines.reconstruct import RgbFrame, white
from lrhdr_engines.request import Request
from lrhdr_engines.streaming import Output, StreamingModel
from lrhdr_engines.timeline import Segment, Timeline
from lrhdr_engines.window import FilledWindow, context


def reading(timeline: Timeline, start: int, stop: int | None) -> tuple[int, int | None]:
    """The range of frames to read for outputs `start` to `stop` (exclusive; None: to the end)."""
    segment, exposures = timeline.segment_at(start), len(timeline.ev)
    first = max(segment.start, context(exposures, start, None)[0])
    if stop is None:
        return first, None
    segment = timeline.segment_at(stop - 1)
    # Where a window reaches back over the segment's start, its stand-ins lie within a cycle.
    end = max(stop + exposures - 1, segment.start + exposures)
    return first, end if segment.stop is None else min(end, segment.stop)


def outputs(
    model: StreamingModel,
    frames: Iterable[Frame],
    timeline: Timeline,
    request: Request,
    *,
    findings: Findings,
) -> Iterator[Output]:
    """Turn the frames that `reading` asks for into the requested outputs.

    Args:
        model: opened for as many exposures as the timeline has.
        frames: in order, from `reading(...)[0]` on.
        timeline: of the clip.
        request: what is wanted.
        findings: told what was concealed, and what stands alone.

    Raises:
        LrhdrError: as `StreamingModel.stream` does.
    """
    start, stop = request.start, request.stop
    supply = _Supply(Concealer(timeline, findings).pictures(frames))
    for segment in timeline.segments:
        if segment.stop is not None and segment.stop <= start:
            continue
        if stop is not None and segment.start >= stop:
            return
        begin, end = max(start, segment.start), _least(stop, segment.stop)
        due = begin + (start - begin) % request.step  # the segment's first output
        first = max(segment.start, context(len(segment.ev), due, None)[0])
        taken = supply.until(segment.stop)
        head = list(islice(taken, len(segment.ev)))
        if segment.start and (not head or head[-1].index < begin):
            if begin > start:
                return  # the clip broke off before this segment: whoever reads it says so
            raise InputError(
                f"the clip ends before frame {begin}",
                next_step="Choose an earlier start frame; the first frame is 0",
            )
        # One segment is the whole clip, which the model refuses if it is too short.
        if first == segment.start and len(head) < len(segment.ev) and len(timeline.segments) > 1:
            wanted = range(due, head[-1].index + 1 if end is None else end, request.step)
            alone = [frame for frame in head if frame.index in wanted]
            findings.alone += [frame.index for frame in alone]
            yield from (_alone(frame, segment) for frame in alone)
            continue
        if end is not None and due >= end:
            return
        streamed = model.stream(
            (frame.rgb for frame in chain(head, taken)),
            segment.ev,
            first=first - segment.start,
            start=due - segment.start,
            count=None if end is None else end - due,
            step=request.step,
            masks=_from(request.masks, segment.start),
            pq_white_nits=request.pq_white_nits,
        )
        for output in streamed:
            yield _moved(output, segment.start)


class _Supply:
    """Hands out one stream of frames piece by piece."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = iter(frames)
        self._next: Frame | None = None

    def until(self, stop: int | None) -> Iterator[Frame]:
        """The frames before frame `stop`."""
        while (frame := self._next or next(self._frames, None)) is not None:
            self._next = frame if stop is not None and frame.index >= stop else None
            if self._next is not None:
                return
            yield frame


def _least(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)


def _from(masks: bool | Callable[[int], bool], shift: int) -> bool | Callable[[int], bool]:
    return (lambda index: masks(index + shift)) if callable(masks) else masks


def _moved(output: Output, shift: int) -> Output:
    """An output of a segment, numbered as in the clip."""
    window = FilledWindow(
        index=output.window.index + shift,
        slots=tuple(slot + shift for slot in output.window.slots),
        frames=output.window.frames,
    )
    return replace(output, index=output.index + shift, window=window)


def _alone(frame: Frame, segment: Segment) -> Output:
    """What one frame tells by itself: Eq. 1."""
    exposures = len(segment.ev)
    window = WINDOWS[exposures]
    ev = segment.ev[(frame.index - segment.start) % exposures]
    return Output(
        index=frame.index,
        picture=radiance_of(frame.rgb, ev),
        masks=None,
        candidates=window.candidate_names,
        window=FilledWindow(
            index=frame.index,
            slots=(frame.index,) * window.frames,
            frames=(frame.rgb,) * window.frames,
        ),
    )


def radiance_of(rgb: RgbFrame, ev: float) -> Radiance:
    """A frame, (H, W, 3), as radiance; 1.0 is what just clips at EV 0."""
    return linearise(np.divide(rgb, white(rgb), dtype=np.float32), 2.0**ev).astype(np.float32)
