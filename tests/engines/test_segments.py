"""A clip with cuts and slips: every segment gives what it gives as a clip of its own."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.errors import InputError
from lrhdr_engines import Model, open_model
from lrhdr_engines.findings import Findings
from lrhdr_engines.media.source import Frame
from lrhdr_engines.request import Request
from lrhdr_engines.segments import outputs, radiance_of, reading
from lrhdr_engines.timeline import Segment, Timeline

CYCLES = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}
FRAMES = 14


@pytest.fixture(scope="module", params=[2, 3], ids=["2e", "3e"])
def model(request: pytest.FixtureRequest, tiny_models: Any) -> Model:
    exposures = request.param
    return open_model(tiny_models[exposures].folder, exposures, backend="onnxruntime", threads=1)


def clip(count: int = FRAMES) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (5, 7, 3), np.uint8) for _ in range(count)]


def turned(cycle: tuple[float, ...], by: int) -> tuple[float, ...]:
    return cycle[by:] + cycle[:by]


def timeline(exposures: int, bounds: tuple[int, ...]) -> Timeline:
    """Segments that begin at 0 and at each bound, the rhythm turned by one at each."""
    starts = (0, *bounds)
    stops = (*bounds, None)
    cycle = CYCLES[exposures]
    return Timeline(
        segments=tuple(
            Segment(start=a, stop=b, ev=turned(cycle, k % exposures))
            for k, (a, b) in enumerate(zip(starts, stops, strict=True))
        )
    )


def read(frames: list[Any], span: tuple[int, int | None]) -> Iterator[Frame]:
    for index in range(span[0], len(frames) if span[1] is None else min(span[1], len(frames))):
        yield Frame(index, frames[index], Fraction(index, 25))


def made(
    model: Model, frames: list[Any], of: Timeline, request: Request | None = None
) -> tuple[dict[int, Any], Findings]:
    request, findings = request or Request(), Findings()
    supply = read(frames, reading(of, request.start, request.stop))
    found = {out.index: out.hdr for out in outputs(model, supply, of, request, findings=findings)}
    return found, findings


def expected(model: Model, frames: list[Any], of: Timeline) -> dict[int, Any]:
    """Every segment streamed as a clip of its own."""
    result = {}
    for segment in of.segments:
        part = frames[segment.start : segment.stop]
        if len(part) < len(segment.ev):
            for k, rgb in enumerate(part):
                result[segment.start + k] = radiance_of(rgb, segment.ev[k])
            continue
        for out in model.stream(part, segment.ev):
            result[segment.start + out.index] = out.hdr
    return result


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_segments_are_clips_of_their_own(model: Model, data: st.DataObject) -> None:
    inner = st.lists(st.integers(1, FRAMES - 1), unique=True, max_size=4).map(sorted)
    of = timeline(model.exposures, tuple(data.draw(inner)))
    frames = clip()
    found, findings = made(model, frames, of)
    assert list(found) == list(range(FRAMES))
    whole = expected(model, frames, of)
    for index, hdr in found.items():
        assert np.array_equal(hdr, whole[index])
    ends = [segment.start for segment in of.segments] + [FRAMES]
    short = [i for a, b in pairwise(ends) if b - a < model.exposures for i in range(a, b)]
    assert findings.alone == (short if len(of.segments) > 1 else [])


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_part_is_the_same_wherever_it_begins(model: Model, data: st.DataObject) -> None:
    inner = st.lists(st.integers(1, FRAMES - 1), unique=True, max_size=3).map(sorted)
    of = timeline(model.exposures, tuple(data.draw(inner)))
    start = data.draw(st.integers(0, FRAMES - 1))
    stop = data.draw(st.none() | st.integers(start + 1, FRAMES))
    frames = clip()
    step = data.draw(st.sampled_from([1, 2]))
    found, _ = made(model, frames, of, Request(start=start, stop=stop, step=step))
    assert list(found) == list(range(start, FRAMES if stop is None else stop, step))
    whole = expected(model, frames, of)
    for index, hdr in found.items():
        assert np.array_equal(hdr, whole[index])


def test_masks_and_windows_count_the_clip(model: Model) -> None:
    of = timeline(model.exposures, (6,))
    wanted = Request(masks=lambda index: index == 8)
    frames = clip()
    supply = read(frames, reading(of, 0, None))
    for out in outputs(model, supply, of, wanted, findings=Findings()):
        assert (out.masks is not None) == (out.index == 8)
        assert out.window.index == out.index
        for slot, rgb in zip(out.window.slots, out.window.frames, strict=True):
            assert rgb is frames[slot]
            assert (slot < 6) == (out.index < 6)


def test_a_clip_that_breaks_off_before_a_segment(model: Model) -> None:
    of = timeline(model.exposures, (6, 10))
    found, findings = made(model, clip(8), of)
    assert list(found) == list(range(8))
    assert findings.alone == ([] if model.exposures == 2 else [6, 7])


def test_a_clip_shorter_than_a_cycle_is_refused(model: Model) -> None:
    with pytest.raises(InputError, match="has 1 frame"):
        made(model, clip(1), timeline(model.exposures, ()))


def test_a_start_behind_the_end_is_refused(model: Model) -> None:
    with pytest.raises(InputError, match="ends before frame 30"):
        made(model, clip(), timeline(model.exposures, (6,)), Request(start=30))


def test_one_exposure_alone_is_its_own_light() -> None:
    codes = np.array([[[255, 128, 0]]], np.uint8)
    light = radiance_of(codes, -3.0)
    assert light.dtype == np.float32
    np.testing.assert_allclose(light[0, 0], [8.0, 8.0 * (128 / 255) ** 2.2, 0.0], rtol=1e-6)


def test_frames_are_taken_as_they_come(model: Model) -> None:
    """Memory does not grow: an output needs no frame later than its window's."""
    of = timeline(model.exposures, (6,))
    taken: list[int] = []

    def supply() -> Iterator[Frame]:
        for frame in read(clip(), (0, None)):
            taken.append(frame.index)
            yield frame

    stream = outputs(model, supply(), of, Request(), findings=Findings())
    for out in islice(stream, 10):
        assert taken[-1] <= out.index + model.exposures
