"""The model on a simulated device gives the plain model's outputs, bit for bit.

Or their PQ codes, as float64 has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrhdr.contract import EXTRACT, LRHDR
from lrhdr.errors import BackendError, ExposureError, InputError
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.device.errors import explain_code
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.streaming import StreamingModel
from tests.engines.gpu.pair import EVS, Pair, shots


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_clip_gives_the_plain_models_outputs(
    machines: Any, tmp_path_factory: Any, data: Any
) -> None:
    exposures = data.draw(st.sampled_from([2, 3]), "exposures")
    count = data.draw(st.integers(exposures, 14), "frames")
    start = data.draw(st.integers(0, count - 1), "start")
    first = data.draw(st.integers(0, max(0, start - exposures + 1)), "first")
    wanted = data.draw(st.none() | st.integers(1, count), "count")
    shown = data.draw(st.booleans() | st.sets(st.integers(0, count - 1)), "masks")
    height, width = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)), "size")
    dtype = data.draw(st.sampled_from([np.uint8, np.uint16]), "type")
    white = data.draw(st.sampled_from([None, None, 100.0, 203.0, 1000.0]), "white")
    seed = data.draw(st.integers(0, 2**16), "order")
    machine = machines(exposures, tmp_path_factory.mktemp("engines"))
    pair = Pair(machine, SimulatedDevice(seed=seed))
    pair.compare(
        shots(count, height, width, dtype, seed)[first:],
        EVS[exposures],
        first=first,
        start=start,
        count=wanted,
        step=data.draw(st.sampled_from([1, 2]), "step"),
        masks=shown if isinstance(shown, bool) else shown.__contains__,
        pq_white_nits=white,
    )


def test_masks_are_asked_of_the_cpu_for_those_frames_alone(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair(machine, SimulatedDevice())
    ev = EVS[pair.ours.exposures]
    outputs = list(pair.ours.stream(shots(12), ev, masks=lambda index: index in (3, 9)))
    assert [out.index for out in outputs if out.masks is not None] == [3, 9]
    assert pair.loads == 1
    list(pair.ours.stream(shots(12), ev))
    assert pair.loads == 1


def test_codes_and_masks_may_be_asked_for_together(machine: Any) -> None:
    pair = Pair(machine, SimulatedDevice())
    pair.compare(
        shots(9), EVS[pair.ours.exposures], pq_white_nits=203.0, masks=lambda index: index == 4
    )
    assert pair.loads == 1


@pytest.mark.parametrize("white", [0.0, -203.0, 10000.1, float("nan")])
def test_a_white_beyond_pq_is_refused(machine: Any, white: float) -> None:
    pair = Pair(machine, SimulatedDevice())
    with pytest.raises(InputError, match=r"white at .* cd/m2; expected more than 0"):
        next(pair.ours.stream(shots(7), EVS[pair.ours.exposures], pq_white_nits=white))


def test_nothing_is_made_before_the_first_frame(machine: Any) -> None:
    pair = Pair(machine, SimulatedDevice())
    free = pair.device.memory().free
    stream = pair.ours.stream(iter(shots(9)), EVS[pair.ours.exposures])
    assert (pair.sizes, pair.device.memory().free) == ([], free)
    next(stream)
    assert pair.sizes == ["12x8"]  # padded to multiples of 4


def test_clips_of_one_kind_share_the_stream_and_others_replace_it(machine: Any) -> None:
    pair = Pair(machine, SimulatedDevice())
    ev = EVS[pair.ours.exposures]
    used = []
    for frames in (shots(7), shots(9, seed=1), shots(7, 12, 8), shots(7, 12, 8, np.uint16)):
        pair.compare(frames, ev)
        used.append(pair.device.memory().free)
    assert pair.sizes == ["12x8", "8x12", "8x12"]
    assert used[0] == used[1]  # and the memory of the former is given back:
    pair.compare(shots(7), ev)
    assert pair.device.memory().free == used[0]
    pair.compare(shots(7), [value + 1 for value in ev])  # the exposures are part of the kind,
    made = len(pair.sizes)
    for white in (203.0, 203.0, 100.0, None):  # and so is the white
        pair.compare(shots(7), ev, pq_white_nits=white)
    assert len(pair.sizes) == made + 3
    pair.ours.close()
    assert pair.device.memory().free == pair.device.memory().total


def test_a_clip_left_in_the_middle_does_not_touch_the_next(machine: Any) -> None:
    pair = Pair(machine, SimulatedDevice())
    left = pair.ours.stream(shots(9), EVS[pair.ours.exposures])
    next(left)
    left.close()  # type: ignore[attr-defined]
    pair.compare(shots(9, seed=1), EVS[pair.ours.exposures])


def test_fp16(machine: Any) -> None:
    halves = dict.fromkeys(STREAMING, "fp16")
    pair = Pair(machine, SimulatedDevice(), **halves)
    assert pair.ours.engine.precision == "fp16"
    pair.compare(shots(7), EVS[pair.ours.exposures])


def test_the_fusion_may_be_fp32_beside_fp16(machine: Any) -> None:
    halves = dict.fromkeys(STREAMING, "fp16")
    ev = EVS[machine.bundle.manifest.exposures]
    found = [
        [out.hdr for out in Pair(machine, SimulatedDevice(), **kind).ours.stream(shots(7), ev)]
        for kind in (halves | {LRHDR: "fp32"}, halves, {})
    ]
    for mixed, half, full in zip(*found, strict=True):
        np.testing.assert_allclose(mixed, full, rtol=0.05, atol=1e-3)
        assert not np.array_equal(mixed, full)
        assert mixed.shape == half.shape


def test_floats_are_the_codes_that_they_are_rounded_to(machine: Any) -> None:
    pair = Pair(machine, SimulatedDevice())
    ev = EVS[pair.ours.exposures]
    wide = shots(7, dtype=np.uint16)
    real = [frame / 65535 for frame in wide]
    by_code = list(pair.plain.stream(wide, ev))
    for found, wanted in zip(pair.ours.stream(real, ev, masks=True), by_code, strict=True):
        np.testing.assert_array_equal(found.hdr, wanted.hdr)
        assert found.window.frames[0].dtype == np.float64  # as given, not as uploaded
        assert found.masks is not None


def test_bad_floats_are_refused_where_they_come(machine: Any) -> None:
    pair = Pair(machine, SimulatedDevice())
    reach = pair.ours.exposures - 1
    real = [frame / 65535 for frame in shots(9, dtype=np.uint16)]
    real[6][2, 3, 0] = np.nan
    with pytest.raises(InputError, match="frame 6 has values"):
        list(pair.ours.stream(real, EVS[reach + 1]))


def test_what_the_plain_model_refuses_is_refused_alike(machine: Any) -> None:
    pair = Pair(machine, SimulatedDevice())
    exposures = pair.ours.exposures
    ev = EVS[exposures]

    def refusal(model: StreamingModel, frames: Any, ev: Any, **part: Any) -> str:
        with pytest.raises(InputError) as caught:
            list(model.stream(frames, ev, **part))
        return str(caught.value)

    cases: list[tuple[Any, Any, dict[str, Any]]] = [
        ([], ev, {}),
        (shots(exposures - 1), ev, {}),
        (shots(5), ev, {"start": 9}),
        ([], ev, {"first": 7, "start": 9}),
        (shots(5), ev, {"first": 3, "start": 3}),
        (shots(5), (*ev, 5.0), {}),
        ([np.zeros((8, 8), np.uint8)] * 5, ev, {}),
    ]
    for frames, values, part in cases:
        ours = refusal(pair.ours, frames, values, **part)
        assert ours == refusal(pair.plain, frames, values, **part)
    with pytest.raises(ExposureError):
        next(pair.ours.stream(shots(5), (0.0,)))
    mixed = [*shots(4), *shots(2, 6, 8)]
    assert "frame 4 is of shape (6, 8, 3)" in refusal(pair.ours, mixed, ev)


def test_a_source_that_fails_is_heard(machine: Any) -> None:
    pair = Pair(machine, SimulatedDevice())
    ev = EVS[pair.ours.exposures]

    def broken() -> Iterator[Any]:
        yield from shots(6)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(pair.ours.stream(broken(), ev))
    pair.compare(shots(6), ev)


def test_a_device_that_is_too_small_or_lost_says_so_and_closes(machine: Any) -> None:
    small = Pair(machine, SimulatedDevice(capacity=5000))
    ev = EVS[small.ours.exposures]
    with pytest.raises(BackendError, match="the GPU is out of memory"):
        next(small.ours.stream(shots(6), ev))
    small.ours.close()
    assert small.device.memory().free == small.device.memory().total

    lost: list[str] = []

    def fault(name: str) -> None:
        if lost and name.startswith(EXTRACT):
            raise explain_code("CUDA_ERROR_LAUNCH_FAILED", "the test")

    pair = Pair(machine, SimulatedDevice(fault=fault))
    stream = pair.ours.stream(shots(20), ev)
    next(stream)
    lost.append("now")
    with pytest.raises(BackendError, match="the GPU was lost"):
        list(stream)
    pair.ours.close()
    assert pair.device.memory().free == pair.device.memory().total
