from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import BackendError, IncompleteError, InputError, OutputError
from lrhdr_engines import Model, open_model, pipeline
from lrhdr_engines.findings import Findings
from lrhdr_engines.guard import Guard
from lrhdr_engines.lane import Abandoned, Lane
from lrhdr_engines.media.several import Sinks
from lrhdr_engines.media.source import Frame
from lrhdr_engines.pipeline import DEPTH, Report
from lrhdr_engines.request import Request
from lrhdr_engines.timeline import Segment, Timeline

EV = (0.0, -3.0)


class Clip:
    """A source of made frames that can fail, stall or end early."""

    def __init__(self, frames: list[Any], fail_at: int | None = None, error: Any = None) -> None:
        self.data = frames
        self.fail_at = fail_at
        self.error = error
        self.read = 0
        self.closed = False

    def frames(self, start: int = 0) -> Iterator[Any]:
        for index in range(start, len(self.data)):
            if index == self.fail_at:
                raise self.error
            self.read += 1
            yield Frame(index, self.data[index], Fraction(index, 25))

    def close(self) -> None:
        self.closed = True


class Kept:
    """A sink that keeps what it was given, can be slow, and can fail."""

    def __init__(
        self, fail_at: int | None = None, seconds: float = 0.0, bad_close: bool = False
    ) -> None:
        self.written: dict[int, Any] = {}
        self.fail_at = fail_at
        self.seconds = seconds
        self.bad_close = bad_close
        self.state = "open"

    takes_pq = False

    @property
    def next_index(self) -> int:
        return max(self.written, default=-1) + 1

    def write(self, index: int, radiance: Any, shown: Fraction) -> None:
        assert shown == Fraction(index, 25)
        time.sleep(self.seconds)
        if index == self.fail_at:
            raise OutputError("the disk is full")
        self.written[index] = radiance

    def close(self, *, complete: bool = True, keep: bool = False) -> dict[str, object]:
        if self.bad_close:
            raise OutputError("the disk is full")
        self.state = "closed" if complete else "kept"
        return {"frames": len(self.written)}

    def tidy(self) -> None:
        pass

    def abort(self) -> None:
        self.state = "aborted"


def run(
    model: Any,
    source: Any,
    sink: Any,
    ev: tuple[float, ...],
    *,
    start: int = 0,
    count: int | None = None,
    step: int = 1,
    **options: Any,
) -> Report:
    """The pipeline over a clip without cuts and slips, into one output."""
    timeline = Timeline(segments=(Segment(start=0, stop=None, ev=ev),))
    stop = None if count is None else start + count
    request = Request(start=start, stop=stop, step=step)
    return pipeline.run(model, source, Sinks([sink]), timeline, request, **options)


@pytest.fixture(scope="module")
def model(tiny: Any) -> Model:
    return open_model(tiny.folder, backend="onnxruntime", threads=1)


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def test_a_clip_goes_through(model: Model, tiny: Any, make_frames: Any) -> None:
    frames = make_frames(9)
    source, sink = Clip(frames), Kept()
    seen: list[int] = []
    report = run(model, source, sink, EV, watch=lambda out: seen.append(out.index))
    assert (report.ending, report.frames, report.outputs) == ("complete", 9, [{"frames": 9}])
    assert source.closed
    assert seen == list(sink.written) == list(range(9))
    for index, hdr in sink.written.items():
        expected = tiny.expected(frames, EV, index)
        np.testing.assert_allclose(hdr, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("start", "count"), [(0, 2), (3, 4), (8, None), (5, 100)])
def test_a_part_is_the_same_and_reads_no_more_than_its_context(
    model: Model, make_frames: Any, start: int, count: int | None
) -> None:
    frames = make_frames(9)
    whole = Kept()
    run(model, Clip(frames), whole, EV)
    source, sink = Clip(frames), Kept()
    report = run(model, source, sink, EV, start=start, count=count)
    stop = 9 if count is None else min(9, start + count)
    assert list(sink.written) == list(range(start, stop))
    assert (report.next_frame, report.frames) == (stop, stop - start)
    assert all(np.array_equal(sink.written[i], whole.written[i]) for i in sink.written)
    assert source.read <= min(9, stop + 1) - max(0, start - 1)


@pytest.mark.parametrize("fail_at", [0, 1, 5, 30])
@pytest.mark.parametrize("error", [InputError("cannot read on"), ZeroDivisionError("a defect")])
def test_a_failing_decoder(model: Model, make_frames: Any, fail_at: int, error: Exception) -> None:
    source, sink = Clip(make_frames(40), fail_at, error), Kept(seconds=0.001)
    with pytest.raises(type(error), match=str(error)):
        run(model, source, sink, EV)
    assert sink.state == "aborted"
    assert source.closed


@pytest.mark.parametrize("fail_at", [0, 5, 39])
def test_a_failing_encoder(model: Model, make_frames: Any, fail_at: int) -> None:
    source, sink = Clip(make_frames(40)), Kept(fail_at)
    with pytest.raises(OutputError, match="disk is full"):
        run(model, source, sink, EV)
    assert sink.state == "aborted"
    assert source.closed


def test_a_sink_that_fails_to_close(model: Model, make_frames: Any) -> None:
    sink = Kept(bad_close=True)
    with pytest.raises(OutputError, match="disk is full"):
        run(model, Clip(make_frames(4)), sink, EV)
    assert sink.state == "aborted"


class Failing:
    """A model that fails at one of its outputs, or spoils it."""

    def __init__(self, model: Model, bad: int, spoilt: float | None = None) -> None:
        self.model, self.bad, self.spoilt = model, bad, spoilt
        self.engine, self.exposures = model.engine, model.exposures

    def stream(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        for output in self.model.stream(*arguments, **options):
            if output.index != self.bad:
                yield output
            elif self.spoilt is not None:
                yield replace(output, picture=output.hdr * np.float32(self.spoilt))
            else:
                raise BackendError("the device was lost")


@pytest.mark.parametrize("bad", [0, 7, 39])
def test_failing_inference(model: Model, make_frames: Any, bad: int) -> None:
    sink = Kept(seconds=0.001)
    with pytest.raises(BackendError, match="the device was lost"):
        run(Failing(model, bad), Clip(make_frames(40)), sink, EV)
    assert sink.state == "aborted"


@pytest.mark.parametrize("spoilt", [np.nan, 0.0, 100.0])
def test_a_guard_sees_every_output(model: Model, spoilt: float) -> None:
    light = np.random.default_rng(1).uniform(0.05, 0.5, (40, 48, 3))
    frames = [
        np.rint(255 * (light * 2.0 ** EV[i % 2]) ** (1 / 2.2)).astype(np.uint8) for i in range(9)
    ]
    clean, sink, findings = Kept(), Kept(), Findings()
    run(model, Clip(frames), clean, EV)
    timeline = Timeline(segments=(Segment(start=0, stop=None, ev=EV),))
    guard = Guard(timeline, findings, again=lambda: model.engine)
    run(Failing(model, 4, spoilt), Clip(frames), sink, EV, guard=guard, findings=findings)
    assert findings == Findings(rerun=[4])
    for index, hdr in clean.written.items():
        np.testing.assert_allclose(sink.written[index], hdr, rtol=1e-6)


def test_a_failing_watcher(model: Model, make_frames: Any) -> None:
    def watch(output: Any) -> None:
        raise ZeroDivisionError

    sink = Kept()
    with pytest.raises(ZeroDivisionError):
        run(model, Clip(make_frames(40)), sink, EV, watch=watch)
    assert sink.state == "aborted"


def test_an_input_that_ends_early_is_finished(model: Model, tiny: Any, make_frames: Any) -> None:
    frames = make_frames(9)
    source, sink = Clip(frames, 6, IncompleteError("decoded 6 of 9 frames")), Kept()
    report = run(model, source, sink, EV)
    assert (report.ending, report.frames) == ("incomplete", 6)
    assert "6 of 9" in report.note
    assert sink.state == "closed"
    np.testing.assert_allclose(sink.written[5], tiny.expected(frames[:6], EV, 5), rtol=2e-5)


def test_an_input_that_ends_before_a_cycle(model: Model, make_frames: Any) -> None:
    source, sink = Clip(make_frames(9), 1, IncompleteError("decoded 1 of 9 frames")), Kept()
    with pytest.raises(InputError, match=r"has 1 frame.*decoded 1 of 9"):
        run(model, source, sink, EV)
    assert sink.state == "aborted"


def test_a_start_behind_the_end(model: Model, make_frames: Any) -> None:
    sink = Kept()
    with pytest.raises(InputError, match="ends before frame 40"):
        run(model, Clip(make_frames(9)), sink, EV, start=40)
    assert sink.state == "aborted"


def test_an_interrupted_run_keeps_what_it_has(model: Model, make_frames: Any) -> None:
    interrupt = threading.Event()

    def watch(output: Any) -> None:
        if output.index == 7:
            interrupt.set()

    source, sink = Clip(make_frames(1000)), Kept(seconds=0.001)
    report = run(model, source, sink, EV, watch=watch, interrupt=interrupt)
    assert (report.ending, report.frames, sink.state) == ("interrupted", 8, "kept")
    assert list(sink.written) == list(range(8))
    assert source.read < 8 + 2 + DEPTH + 2


def test_an_interrupt_while_the_decoder_stalls(model: Model, make_frames: Any) -> None:
    interrupt, caught_up = threading.Event(), threading.Event()

    class Stalled(Clip):
        def frames(self, start: int = 0) -> Iterator[Any]:
            yield from super().frames(start)
            assert caught_up.wait(5.0)
            interrupt.set()
            time.sleep(0.3)  # until long after the run has noticed

    def watch(output: Any) -> None:
        if output.index == 3:
            caught_up.set()

    source, sink = Stalled(make_frames(5)), Kept()
    report = run(model, source, sink, EV, watch=watch, interrupt=interrupt)
    # The clip's last frame waits for a successor that may still come, so it is not made.
    assert (report.ending, list(sink.written), sink.state) == (
        "interrupted",
        [0, 1, 2, 3],
        "kept",
    )


def test_an_interrupt_before_the_first_frame(model: Model, make_frames: Any) -> None:
    interrupt = threading.Event()
    interrupt.set()
    sink = Kept()
    report = run(model, Clip(make_frames(5)), sink, EV, interrupt=interrupt)
    assert (report.ending, report.frames, report.outputs) == ("interrupted", 0, [])
    assert sink.state == "aborted"


def test_a_keyboard_interrupt_abandons(model: Model, make_frames: Any) -> None:
    def watch(output: Any) -> None:
        raise KeyboardInterrupt

    sink = Kept()
    with pytest.raises(KeyboardInterrupt):
        run(model, Clip(make_frames(50)), sink, EV, watch=watch)
    assert sink.state == "aborted"


@pytest.mark.parametrize(("slow_source", "slow_sink"), [(0.0, 0.002), (0.002, 0.0)])
def test_memory_does_not_grow_with_the_clip(
    model: Model, slow_source: float, slow_sink: float
) -> None:
    alive = most = 0

    def gone() -> None:
        nonlocal alive
        alive -= 1

    class Endless(Clip):
        def frames(self, start: int = 0) -> Iterator[Any]:
            nonlocal alive, most
            for index in range(300):
                frame = np.full((8, 8, 3), index % 251, np.uint8)
                weakref.finalize(frame, gone)
                alive += 1
                most = max(most, alive)
                time.sleep(slow_source)
                yield Frame(index, frame, Fraction(index, 25))

    class Dropping(Kept):
        def write(self, index: int, radiance: Any, shown: Fraction) -> None:
            time.sleep(self.seconds)

    report = run(model, Endless([]), Dropping(seconds=slow_sink), EV)
    assert report.frames == 300
    # Both lanes full (outputs remember their windows), the window, one in each worker's hands.
    assert most <= 2 * DEPTH + 8


def test_workers_overlap(model: Model, make_frames: Any) -> None:
    class Slow(Clip):
        def frames(self, start: int = 0) -> Iterator[Any]:
            for frame in super().frames(start):
                time.sleep(0.01)
                yield frame

    report = run(model, Slow(make_frames(40)), Kept(seconds=0.01), EV)
    assert report.seconds < 0.75 * (report.busy_seconds["decode"] + report.busy_seconds["encode"])
    for busy in report.busy_seconds.values():
        assert 0 < busy <= report.seconds


def test_a_lane_holds_no_more_than_its_depth() -> None:
    lane: Lane[int] = Lane(3)
    for item in range(3):
        lane.put(item)
    sender = threading.Thread(target=lane.put, args=(3,))
    sender.start()
    sender.join(0.05)
    assert sender.is_alive()
    assert next(iter(lane)) == 0
    sender.join()
    lane.close()
    assert list(lane) == [1, 2, 3]


def test_a_stop_frees_both_ends_of_a_lane() -> None:
    stop = threading.Event()
    lane: Lane[int] = Lane(1, stop)
    stop.set()
    with pytest.raises(Abandoned):
        lane.put(0)
    with pytest.raises(Abandoned):
        next(iter(lane))


def test_patience_is_finite() -> None:
    assert 0 < pipeline._PATIENCE_SECONDS < 60
