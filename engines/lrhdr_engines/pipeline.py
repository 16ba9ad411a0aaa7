"""Decode, infer and encode: three workers with bounded lanes between them.

The decoder and the encoder have threads of their own; inference runs in the
calling thread. Whatever ends one of them ends all, and the first error is the
one that is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from threading import Event, Thread
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from lrhdr.errors import IncompleteError, InputError
from lrhdr_engines.lane import Abandoned, Lane
from lrhdr_engines.reconstruct import RgbFrame
from lrhdr_engines.streaming import Output, StreamingModel
from lrhdr_engines.window import context

if TYPE_CHECKING:
    from lrhdr_engines.media import Sink, Source

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
        start: index of the first output.
        frames: how many were written; the next would be `start + frames`.
        facts: what the sink says of the output; empty if nothing was written.
        seconds: of wall time.
        busy_seconds: of each worker, without its waiting.
    """

    ending: Ending
    note: str
    start: int
    frames: int
    facts: dict[str, object]
    seconds: float
    busy_seconds: dict[str, float]


def run(
    model: StreamingModel,
    source: Source,
    sink: Sink,
    ev: Sequence[float],
    *,
    start: int = 0,
    count: int | None = None,
    masks: Callable[[int], bool] | bool = False,
    watch: Callable[[Output], None] | None = None,
    interrupt: Event | None = None,
) -> Report:
    """Turn `source` into HDR frames in `sink`, and close both.

    Args:
        model: opened for as many exposures as `ev` has values.
        source: the clip.
        sink: takes the frames; aborted if anything fails or nothing was written.
        ev: exposure values in cycle order from the clip's first frame.
        start: index of the first output.
        count: how many outputs, at least 1; None for all.
        masks: which outputs `watch` wants masks of.
        watch: sees every output, in order, in the calling thread.
        interrupt: set it from anywhere, such as a signal handler, to stop soon: frames already
            computed are still written, and the output is closed properly.

    Raises:
        LrhdrError: the first failure of any worker. An input that ends early is no failure here:
            what it held is finished, and the report says so.
    """
    began = time.perf_counter()
    interrupt = interrupt or Event()
    failed = Event()
    decoded: Lane[RgbFrame] = Lane(DEPTH, failed, interrupt)
    outputs: Lane[Output] = Lane(DEPTH, failed)
    decoder = _Worker(lambda: _decode(source, decoded, model.exposures, start, count), failed)
    encoder = _Worker(lambda: _encode(sink, outputs, source.info.frame_rate), failed)
    first, _ = context(model.exposures, start, None)
    finished = False
    try:
        decoder.start()
        encoder.start()
        try:
            for output in model.stream(
                decoded, ev, first=first, start=start, count=count, masks=masks
            ):
                outputs.put(output)
                if watch is not None:
                    watch(output)
                if interrupt.is_set():
                    break
            else:
                finished = True
        except Abandoned:
            pass  # by an interrupt, which is no error, or by a failure, which is raised below
        except InputError as error:
            failed.set()
            decoder.join(_PATIENCE_SECONDS)
            if decoder.result is not None:  # say why the clip is so short
                raise InputError(f"{error} {decoder.result}") from error
            raise
        outputs.close()
        encoder.join()
        for worker in (decoder, encoder):
            if worker.error is not None:
                raise worker.error
        frames = encoder.result or 0
        facts = sink.close() if frames else {}
        if not frames:
            sink.abort()
    except BaseException:
        failed.set()
        encoder.join(_PATIENCE_SECONDS)
        sink.abort()
        raise
    finally:
        failed.set()
        decoder.join(_PATIENCE_SECONDS)
        if not decoder.is_alive():
            source.close()
    seconds = time.perf_counter() - began
    ending, note = _ending(finished, decoder.result)
    return Report(
        ending=ending,
        note=note,
        start=start,
        frames=frames,
        facts=facts,
        seconds=seconds,
        busy_seconds={
            "decode": decoder.seconds - decoded.blocked_seconds,
            "infer": seconds - decoded.starved_seconds - outputs.blocked_seconds,
            "encode": encoder.seconds - outputs.starved_seconds,
        },
    )


def _ending(finished: bool, incomplete: IncompleteError | None) -> tuple[Ending, str]:
    if not finished:
        return "interrupted", "the run was interrupted"
    return ("complete", "") if incomplete is None else ("incomplete", str(incomplete))


def _decode(
    source: Source, lane: Lane[RgbFrame], exposures: int, start: int, count: int | None
) -> IncompleteError | None:
    """Send the frames that the outputs need; return why the input ended early, if it did."""
    first, stop = context(exposures, start, None if count is None else start + count)
    incomplete = None
    try:
        for frame in source.frames(first):
            lane.put(frame.rgb)
            if stop is not None and frame.index + 1 >= stop:
                break
    except IncompleteError as error:
        incomplete = error
    lane.close()
    return incomplete


def _encode(sink: Sink, lane: Lane[Output], rate: Fraction) -> int:
    """Write the outputs; return how many."""
    written = 0
    for output in lane:
        sink.write(output.index, output.hdr, output.index / rate)
        written += 1
    return written


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
