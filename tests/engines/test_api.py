from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, LRHDR_MASKS, WINDOWS
from lrhdr.errors import ExposureError, InputError
from lrhdr_engines import Model, open_model
from lrhdr_engines.backends.protocol import Tensors
from lrhdr_engines.window import context

EVS = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}


@pytest.fixture(scope="module", params=[2, 3], ids=["2e", "3e"])
def case(request: pytest.FixtureRequest, tiny_models: Any) -> tuple[Any, Model]:
    tiny = tiny_models[request.param]
    return tiny, open_model(tiny.folder, tiny.exposures, backend="onnxruntime", threads=1)


def test_every_frame_as_worked_out_by_hand(case: Any, make_frames: Any) -> None:
    tiny, model = case
    frames = make_frames(7)
    ev = EVS[tiny.exposures]
    results = list(model.stream(frames, ev))
    assert [out.index for out in results] == list(range(7))
    for out in results:
        assert out.hdr.dtype == np.float32
        assert out.hdr.flags.c_contiguous
        expected = tiny.expected(frames, ev, out.index)
        np.testing.assert_allclose(out.hdr, expected, rtol=2e-5, atol=1e-6)


@settings(max_examples=15)
@given(height=st.integers(1, 13), width=st.integers(1, 13))
def test_odd_sizes_and_sizes_below_the_multiple(
    case: Any, make_frames: Any, height: int, width: int
) -> None:
    tiny, model = case
    frames = make_frames(tiny.exposures, height, width)
    ev = EVS[tiny.exposures]
    for out in model.stream(frames, ev):
        assert out.hdr.shape == (height, width, 3)
        expected = tiny.expected(frames, ev, out.index)
        np.testing.assert_allclose(out.hdr, expected, rtol=2e-5, atol=1e-6)


def test_the_same_light_in_other_types(case: Any, make_frames: Any) -> None:
    tiny, model = case
    frames = make_frames(4)
    ev = EVS[tiny.exposures]
    narrow = [out.hdr for out in model.stream(frames, ev)]
    wide = [out.hdr for out in model.stream([f.astype(np.uint16) * 257 for f in frames], ev)]
    real = [out.hdr for out in model.stream([f / 255.0 for f in frames], ev)]
    for a, b, c in zip(narrow, wide, real, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-6)
        np.testing.assert_allclose(c, a, rtol=1e-6)


def test_results_do_not_depend_on_where_the_run_began(case: Any, make_frames: Any) -> None:
    tiny, model = case
    frames = make_frames(9)
    ev = EVS[tiny.exposures]
    whole = [out.hdr for out in model.stream(frames, ev)]
    for start in range(9):
        for count in (1, 3, None):
            stop = None if count is None else start + count
            first, end = context(tiny.exposures, start, stop)
            part = list(model.stream(frames[first:end], ev, first=first, start=start, count=count))
            assert [out.index for out in part] == list(range(9))[start:stop]
            for out in part:
                assert np.array_equal(out.hdr, whole[out.index])


def test_scale_puts_one_where_ev_0_clips(tiny: Any) -> None:
    # A white scene: the model's H is near 1 in every candidate, at the shortest exposure's clip.
    frames = [np.full((8, 8, 3), 255, np.uint8)] * 3
    model = open_model(tiny.folder)
    metered = next(iter(model.stream(frames, [0, -3]))).hdr
    research = next(iter(model.stream(frames, [3, 0]))).hdr
    np.testing.assert_allclose(metered, research * 8.0, rtol=1e-6)


def test_masks_share_out_every_pixel(case: Any, make_frames: Any) -> None:
    tiny, model = case
    frames = make_frames(5, 7, 9)
    plain = [out.hdr for out in model.stream(frames, EVS[tiny.exposures])]
    asked = list(model.stream(frames, EVS[tiny.exposures], masks=lambda index: index != 1))
    assert asked[1].masks is None
    for out in asked:
        assert np.array_equal(out.hdr, plain[out.index])
        assert len(out.candidates) == WINDOWS[tiny.exposures].candidates
        if out.masks is not None:
            assert out.masks.shape == (7, 9, len(out.candidates))
            np.testing.assert_allclose(out.masks.sum(axis=2), 1.0, atol=1e-5)


def test_shared_work_is_done_once(case: Any, make_frames: Any, monkeypatch: Any) -> None:
    tiny, model = case
    calls: Counter[str] = Counter()
    run = model.engine.run

    def counted(graph: str, available: Tensors) -> Any:
        calls[graph] += 1
        return run(graph, available)

    monkeypatch.setattr(model.engine, "run", counted)
    count = 20
    for _ in model.stream(make_frames(count), EVS[tiny.exposures]):
        pass
    assert calls[EXTRACT] == count
    # 2E: the pair around every output. 3E: an output's second pair is the next one's first.
    pairs = {2: count, 3: count + 1}[tiny.exposures]
    # 3E, at each end: (1, 1), (2, 2), (2, 2), (0, 3) and the like: stand-ins make pairs of twins.
    assert pairs <= calls[FLOW] <= pairs + 2
    assert calls[FUSE] == count * (tiny.exposures - 1)
    assert calls[LRHDR] == count
    assert calls[LRHDR_MASKS] == 0


def test_fp16_graphs_come_close(case: Any, make_frames: Any, caplog: Any) -> None:
    tiny, model = case
    frames = make_frames(4)
    ev = EVS[tiny.exposures]
    half = open_model(tiny.folder, tiny.exposures, engine="fp16")
    assert half.engine.precision == "fp16"
    (note,) = caplog.messages
    assert "slower than fp32" in note
    for a, b in zip(model.stream(frames, ev), half.stream(frames, ev), strict=True):
        assert np.abs(a.hdr - b.hdr).max() < 0.01 * a.hdr.max()
        assert not np.array_equal(a.hdr, b.hdr)


def test_the_number_of_evs_must_fit(tiny: Any, make_frames: Any) -> None:
    with pytest.raises(ExposureError, match="3 EVs; expected 2"):
        next(open_model(tiny.folder).stream(make_frames(4), EVS[3]))


def test_frames_of_different_sizes_are_refused(tiny: Any, make_frames: Any) -> None:
    frames = [*make_frames(2, 8, 8), *make_frames(2, 8, 9)]
    with pytest.raises(InputError, match="8x8, 9x8"):
        list(open_model(tiny.folder).stream(frames, EVS[2]))


@pytest.mark.parametrize(
    "frame", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), int)]
)
def test_arrays_that_are_no_frames_are_refused(tiny: Any, frame: Any) -> None:
    with pytest.raises(InputError, match="expected \\(height, width, 3\\)"):
        list(open_model(tiny.folder).stream([frame] * 3, EVS[2]))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_handed_out(tiny: Any, make_frames: Any, bad: float) -> None:
    frames = [frame / 255.0 for frame in make_frames(6)]
    frames[5][2, 3, 0] = bad
    finite = [np.isfinite(out.hdr).all() for out in open_model(tiny.folder).stream(frames, EVS[2])]
    assert finite == [True] * 4 + [False] * 2


def test_outputs_between_two_steps_are_not_made(
    tiny: Any, make_frames: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, frames = open_model(tiny.folder, backend="onnxruntime"), make_frames(9)
    whole = {out.index: out.hdr for out in model.stream(frames, EVS[2])}
    run, graphs = model.engine.run, []

    def counted(graph: str, available: Any) -> Any:
        graphs.append(graph)
        return run(graph, available)

    monkeypatch.setattr(model.engine, "run", counted)
    half = {out.index: out.hdr for out in model.stream(frames, EVS[2], start=1, step=2)}
    assert list(half) == [1, 3, 5, 7]
    assert graphs.count(LRHDR) == 4
    assert all(np.array_equal(half[index], whole[index]) for index in half)
