"""Decode, infer and encode: three workers with bounded lanes between them.

The decoder and the encoder have threads of their own; inference runs in the
calling thread. Whatever ends one of them ends all, and the first error is the
one that is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from threading import Event, Thread
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from lrhdr.errors import IncompleteError, InputError
from lrhdr_engines.findings import Findings
from lrhdr_engines.lane import Abandoned, Lane
from lrhdr_engines.media.sink import Picture
from lrhdr_engines.request import Request
from lrhdr_engines.segments import outputs, reading
from lrhdr_engines.streaming import Output, StreamingModel
from lrhdr_engines.timeline import Timeline

if TYPE_CHECKING:
    from lrhdr_engines.guard import Guard
    from lrhdr_engines.media import Source
    from lrhdr_engines.media.several import Sinks
    from lrhdr_engines.media.source import Frame

T = TypeVar("T")

# Frames between two workers: enough to even out uneven frames, few enough to hold.
DEPTH = 4
# A worker that hangs in a read or a write must not keep a failed run from ending.
_PATIENCE_SECONDS = 10.0

Ending = Literal["complete", "incomplete", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run did.

    Attributes:
        ending: "incomplete" if the input ended early, "interrupted" if the run was asked to stop.
        note: why, if not complete.
        frames: how many were written.
        next_frame: the output that would have been next.
        outputs: what each sink says of its output; empty if nothing was written.
        findings: what was not as it should be.
        seconds: of wall time.
        busy_seconds: of each worker, without its waiting.
    """

    ending: Ending
    note: str
    frames: int
    next_frame: int
    outputs: list[dict[str, object]]
    findings: Findings = field(default_factory=Findings)
    seconds: float
    busy_seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Finished:
    """An output on its way to the encoder."""

    index: int
    picture: Picture
    time: Fraction


def run(
    model: StreamingModel,
    source: Source,
    sinks: Sinks,
    timeline: Timeline,
    request: Request,
    *,
    findings: Findings | None = None,
    guard: Guard | None = None,
    watch: Callable[[Output], None] | None = None,
    interrupt: Event | None = None,
) -> Report:
    """Turn `source` into HDR frames in `sinks`, and close both.

    Args:
        model: opened for as many exposures as the timeline has.
        source: the clip.
        sinks: take the frames; aborted if anything fails or nothing was written.
        timeline: the clip's exposures.
        request: what is wanted.
        findings: told what was not as it should be.
        guard: looks at every output before it goes on.
        watch: sees every output, in order, in the calling thread.
        interrupt: set it from anywhere, such as a signal handler, to stop soon: frames already
            computed are still written, and the outputs are closed properly.

    Raises:
        LrhdrError: the first failure of any worker. An input that ends early is no failure here:
            what it held is finished, and the report says so.
    """
    began = time.perf_counter()
    interrupt, failed = interrupt or Event(), Event()
    findings = findings or Findings()
    decoded: Lane[Frame] = Lane(DEPTH, failed, interrupt)
    finished: Lane[_Finished] = Lane(DEPTH, failed)
    span = reading(timeline, request.start, request.stop)
    decoder = _Worker(lambda: _decode(source, decoded, span), failed)
    encoder = _Worker(lambda: _encode(sinks, finished), failed)
    times = _Times()
    whole = False
    try:
        decoder.start()
        encoder.start()
        try:
            for output in outputs(
                model, times.noted(decoded), timeline, request, findings=findings
            ):
                shown = times.of(output.index)
                trusted = output if guard is None else guard.checked(output)
                finished.put(_Finished(output.index, trusted.picture, shown))
                if watch is not None:
                    watch(trusted)
                if interrupt.is_set():
                    break
            else:
                whole = True
        except Abandoned:
            pass  # by an interrupt, which is no error, or by a failure, which is raised below
        except InputError as error:
            failed.set()
            decoder.join(_PATIENCE_SECONDS)
            if decoder.result is not None:  # say why the clip is so short
                raise InputError(f"{error} {decoder.result}") from error
            raise
        finished.close()
        encoder.join()
        for worker in (decoder, encoder):
            if worker.error is not None:
                raise worker.error
        frames, last = encoder.result or (0, request.start - request.step)
        facts = sinks.close(complete=whole) if frames else []
        if not frames:
            sinks.abort()
    except BaseException:
        failed.set()
        encoder.join(_PATIENCE_SECONDS)
        sinks.abort()
        raise
    finally:
        failed.set()
        decoder.join(_PATIENCE_SECONDS)
        if not decoder.is_alive():
            source.close()
    seconds = time.perf_counter() - began
    ending, note = _ending(whole, decoder.result)
    return Report(
        ending=ending,
        note=note,
        frames=frames,
        next_frame=last + request.step,
        outputs=facts,
        findings=findings,
        seconds=seconds,
        busy_seconds={
            "decode": decoder.seconds - decoded.blocked_seconds,
            "infer": seconds - decoded.starved_seconds - finished.blocked_seconds,
            "encode": encoder.seconds - finished.starved_seconds,
        },
    )


def nothing_left(next_frame: int, facts: list[dict[str, object]]) -> Report:
    """The report where an earlier run had made every frame already."""
    return Report(
        ending="complete",
        note="",
        frames=0,
        next_frame=next_frame,
        outputs=facts,
        seconds=0.0,
        busy_seconds={},
    )


def _ending(whole: bool, incomplete: IncompleteError | None) -> tuple[Ending, str]:
    if not whole:
        return "interrupted", "the run was interrupted"
    return ("complete", "") if incomplete is None else ("incomplete", str(incomplete))


class _Times:
    """When each frame is shown, from its decoding to its output."""

    def __init__(self) -> None:
        self._times: dict[int, Fraction] = {}

    def noted(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self._times[frame.index] = frame.time
            yield frame

    def of(self, index: int) -> Fraction:
        """That of an output; those before it are forgotten."""
        shown = self._times[index]
        for old in [i for i in self._times if i <= index]:
            del self._times[old]
        return shown


def _decode(
    source: Source, lane: Lane[Frame], span: tuple[int, int | None]
) -> IncompleteError | None:
    """Send the frames that the outputs need; return why the input ended early, if it did."""
    first, stop = span
    incomplete = None
    try:
        for frame in source.frames(first):
            lane.put(frame)
            if stop is not None and frame.index + 1 >= stop:
                break
    except IncompleteError as error:
        incomplete = error
    lane.close()
    return incomplete


def _encode(sinks: Sinks, lane: Lane[_Finished]) -> tuple[int, int]:
    """Write the outputs; return how many, and the last one's index."""
    written, last = 0, 0
    for output in lane:
        sinks.write(output.index, output.picture, output.time)
        written, last = written + 1, output.index
    return written, last


class _Worker(Thread, Generic[T]):
    """A thread that keeps its result or its error, and tells the others when it fails."""

    def __init__(self, work: Callable[[], T], failed: Event) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._failed = failed
        self.result: T | None = None
        self.error: BaseException | None = None
        self.seconds = 0.0

    def run(self) -> None:
        began = time.perf_counter()
        try:
            self.result = self._work()
        except Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 (it is raised again by the caller)
            self.error = error
            self._failed.set()
        finally:
            self.seconds = time.perf_counter() - began
