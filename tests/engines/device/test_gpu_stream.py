"""The stream on a simulated device gives the plain loop's bits, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrhdr import light
from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR
from lrhdr.errors import ExposureError, InputError
from lrhdr_engines import open_model
from lrhdr_engines.device.layout import IN_FLIGHT
from lrhdr_engines.device.protocol import PQ_WHITE
from lrhdr_engines.device.simulated import SimulatedDevice

both = pytest.mark.parametrize("exposures", [2, 3])


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_clip_in_any_order_gives_the_plain_loops_bits(
    rig: Any, taped: Any, compare: Any, data: Any
) -> None:
    exposures = data.draw(st.sampled_from([2, 3]), "exposures")
    count = data.draw(st.integers(exposures, 20), "frames")
    start = data.draw(st.integers(0, count - 1), "start")
    wanted = data.draw(st.none() | st.integers(1, count), "count")
    dtype = data.draw(st.sampled_from([np.uint8, np.uint16]), "type")
    height, width = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)), "size")
    tape = data.draw(st.lists(st.integers(0, 3), max_size=300), "order")
    seed = data.draw(st.integers(0, 2**16), "then at random by")
    frames = rig.frames(count, height, width, dtype, seed)
    first = data.draw(st.integers(0, max(0, start - exposures + 1)), "first")
    part: dict[str, Any] = {"first": first, "start": start, "count": wanted}
    whole = rig.plain(exposures, frames, start=start, count=wanted)
    stream = rig.stream(device := SimulatedDevice(taped(tape, seed)), exposures, frames)
    device.seal()
    compare(list(stream.stream(frames[first:], **part)), whole)


@both
def test_many_orders_of_one_clip(rig: Any, exposures: int) -> None:
    frames = rig.frames(10)
    orders = set()
    for seed in range(60):
        order: list[str] = []
        rig.check(SimulatedDevice(seed=seed, fault=order.append), exposures, frames)
        orders.add(tuple(order))
    assert len(orders) == 60


@both
def test_extreme_orders(rig: Any, preferences: Any, exposures: int) -> None:
    for choose in preferences:
        rig.check(SimulatedDevice(choose), exposures, rig.frames(9))


@both
def test_every_steady_window_is_one_replay(rig: Any, exposures: int) -> None:
    frames, ring = rig.frames(20), 2 * exposures
    names: list[str] = []
    device = SimulatedDevice(fault=names.append)
    stream = rig.stream(device, exposures, frames)
    device.seal()
    assert len(stream._graphs) == ring
    assert stream.replayed == 0
    names.clear()
    list(stream.stream(frames))
    # All windows but those with stand-ins, and the first whole one of 2E: frame 0 is new to it too.
    replays = Counter(window % ring for window in range(2, len(frames) - (exposures - 1)))
    found = Counter({turn: graph.launches for turn, graph in enumerate(stream._graphs)})
    assert stream.replayed == sum(replays.values()) > 10
    assert found == replays
    queued = Counter(name.split()[0] for name in names)
    assert queued[EXTRACT] == queued["unpack"] == queued[LRHDR] == queued["pack"] == len(frames)


@both
@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 9, 20])
def test_no_graph_runs_more_often_than_in_the_plain_loop(
    rig: Any, exposures: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = rig.frames(max(count, exposures))
    stream = rig.stream(SimulatedDevice(), exposures, frames)
    engine = rig.models[exposures].engine
    run, runs = engine.run, Counter[str]()

    def counted(graph: str, available: Any) -> Any:
        runs[graph] += 1
        return run(graph, available)

    monkeypatch.setattr(engine, "run", counted)
    rig.plain(exposures, frames)
    plain = Counter(runs)
    runs.clear()
    list(stream.stream(frames))
    again = runs.pop(FLOW) - plain.pop(FLOW)
    assert runs == plain
    assert set(runs) == {EXTRACT, FUSE, LRHDR}
    assert again == 0 or (0 < again <= 2 and count < 2 * exposures)


@both
def test_a_picture_has_the_time_of_every_stage_that_made_it(rig: Any, exposures: int) -> None:
    at_once = SimulatedDevice(lambda actors: 0)  # nothing of another stream comes between
    frames = rig.frames(9)
    pictures = list(rig.stream(at_once, exposures, frames).stream(frames))
    for picture in pictures:
        assert " ".join(picture.stages) == "enqueue upload unpack compute pack download"
        assert picture.stages.pop("enqueue") > 0.0
    # An operation is a millisecond, and the record at the end is one of them.
    graphs = 1 + 1 + (exposures - 1) + 1  # extract, flow, fuse, lrhdr
    usual = {"upload": 2.0, "unpack": 2.0, "compute": graphs + 1.0, "pack": 2.0, "download": 3.0}
    steady = pictures[3 : len(frames) - (exposures - 1)]
    assert [picture.stages for picture in steady] == [usual] * len(steady)
    assert len(steady) >= 4


@both
def test_clips_follow_each_other(rig: Any, compare: Any, exposures: int) -> None:
    device = SimulatedDevice()
    frames = rig.frames(9)
    stream = rig.stream(device, exposures, frames)
    device.seal()
    for seed, count in ((1, 9), (2, exposures), (3, 7)):
        clip = rig.frames(count, seed=seed)
        compare(list(stream.stream(clip)), rig.plain(exposures, clip))


@both
def test_a_clip_left_in_the_middle_does_not_touch_the_next(
    rig: Any, compare: Any, exposures: int
) -> None:
    frames = rig.frames(12)
    stream = rig.stream(SimulatedDevice(), exposures, frames)
    left = stream.stream(rig.frames(12, seed=5))
    next(left)
    left.close()

    def broken() -> Iterator[Any]:
        yield from frames[:8]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(stream.stream(broken()))
    compare(list(stream.stream(frames)), rig.plain(exposures, frames))


@both
def test_outputs_run_behind_by_the_windows_in_flight(rig: Any, exposures: int) -> None:
    taken = 0

    def counted() -> Iterator[Any]:
        nonlocal taken
        for frame in rig.frames(15):
            taken += 1
            yield frame

    stream = rig.stream(SimulatedDevice(), exposures, rig.frames(1))
    for picture in stream.stream(counted()):
        assert taken == min(15, picture.index + exposures - 1 + IN_FLIGHT)


@both
def test_fp16_graphs(tiny_models: Any, compare: Any, rig: Any, exposures: int) -> None:
    model = open_model(tiny_models[exposures].folder, exposures, engine="fp16", threads=1)
    halves = type(rig)({exposures: model})
    frames, device = rig.frames(9), SimulatedDevice()
    found = list(halves.stream(device, exposures, frames).stream(frames))
    compare(found, halves.plain(exposures, frames))
    exact = rig.plain(exposures, frames)
    assert any((picture.pixels != exact[picture.index]).any() for picture in found)


@both
def test_pq_codes_are_those_of_the_plain_loops_radiance(rig: Any, exposures: int) -> None:
    frames = rig.frames(8, 6, 9)
    stream = rig.stream(SimulatedDevice(), exposures, frames, white_nits=203.0)
    expected = rig.plain(exposures, frames)
    pictures = list(stream.stream(frames))
    assert [picture.index for picture in pictures] == list(expected)
    for picture in pictures:
        radiance = expected[picture.index].astype(np.float64)
        nits = np.clip(radiance @ light.BT709_TO_BT2020.T * 203.0, 0.0, light.PQ_PEAK_NITS)
        exact = light.pq_encode(nits) * PQ_WHITE
        assert picture.pixels.dtype == np.uint16
        assert np.abs(picture.pixels - exact).max() <= 0.5 + 1e-6
        largest = nits.max(axis=2)
        assert picture.brightest_nits == pytest.approx(largest.max(), rel=1e-12)
        assert picture.mean_nits == pytest.approx(largest.mean(), rel=1e-12)


def test_values_that_are_not_finite_are_counted(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = rig.frames(6)
    stream = rig.stream(SimulatedDevice(), 2, frames)
    engine = rig.models[2].engine
    run, runs = engine.run, Counter[str]()

    def spoilt(graph: str, available: Any) -> Any:
        results = run(graph, available)
        runs[graph] += 1
        if graph == LRHDR and runs[graph] == 4:
            results["hdr"][0, 1, 2:4, 3] = np.nan, np.inf
        return results

    monkeypatch.setattr(engine, "run", spoilt)
    pictures = list(stream.stream(frames))
    assert [picture.bad for picture in pictures] == [0, 0, 0, 2, 0, 0]
    assert np.isfinite(pictures[3].pixels).sum() == pictures[3].pixels.size - 2


def test_what_does_not_fit_is_refused(rig: Any) -> None:
    frames = rig.frames(6)
    stream = rig.stream(SimulatedDevice(), 2, frames)
    with pytest.raises(InputError, match=r"frame 3 is of shape \(6, 8, 3\) and type uint8"):
        list(stream.stream([*frames[:3], frames[3][:, 1:], *frames[4:]]))
    with pytest.raises(InputError, match=r"type uint16; expected .* uint8"):
        list(stream.stream([frame.astype(np.uint16) for frame in frames]))
    with pytest.raises(InputError, match="the clip has 1 frame"):
        list(stream.stream(frames[:1]))
    with pytest.raises(ExposureError, match="3 EVs"):
        type(stream)(SimulatedDevice(), stream._programs, stream._layout, (0.0, 1.0, 2.0))


def test_closing_gives_all_device_memory_back(rig: Any) -> None:
    device = SimulatedDevice()
    before = device.memory().free
    stream = rig.stream(device, 3, rig.frames(1))
    assert device.memory().free < before
    stream.close()
    assert device.memory().free == before
