"""The classical merges as subjects: the right windows, exposures and scale."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal

import cv2
import numpy as np
import pytest

from lrhdr.baselines import debevec_merge, dis_aligned_merge
from lrhdr.light import LUMA_BT601
from lrhdr.metrics import WELL_EXPOSED
from lrhdr_benchmarks.speed import clips
from lrhdr_benchmarks.speed.merges import MergeSubject
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.subject import Frame, Picture
from lrhdr_benchmarks.speed.windowed import windows

WIDTH, HEIGHT = 64, 48
# Frames of the window by output, written out; at the beginning those of the same exposure stand in.
WINDOWS: dict[int, list[tuple[int, ...]]] = {
    2: [(1, 0, 1), (0, 1, 2), (1, 2, 3), (2, 3, 4)],
    3: [(1, 2, 0, 1, 2), (2, 0, 1, 2, 3), (0, 1, 2, 3, 4), (1, 2, 3, 4, 5)],
}
MERGES = {"dis": dis_aligned_merge, "debevec": debevec_merge}
Kind = Literal["dis", "debevec"]


def case(exposures: int) -> Case:
    return Case(subject="merge", model="", exposures=exposures, width=WIDTH, height=HEIGHT)


def pictures(exposures: int, count: int) -> list[Picture]:
    frames = islice(clips.frames(WIDTH, HEIGHT, exposures), count)
    return [(frame / 255.0).astype(np.float32) for frame in frames]


@pytest.fixture
def kept_threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


@pytest.mark.parametrize("exposures", [2, 3])
def test_windows_follow_each_other_and_a_frame_is_prepared_once(exposures: int) -> None:
    prepared: list[Frame] = []

    def prepare(frame: Frame) -> int:
        prepared.append(frame)
        return len(prepared) - 1

    found = list(islice(windows(case(exposures), prepare), len(WINDOWS[exposures])))
    assert [window.slots for window in found] == WINDOWS[exposures]
    assert [window.frames for window in found] == WINDOWS[exposures]
    assert [window.index for window in found] == list(range(len(found)))
    assert len(prepared) == len(found) + exposures - 1


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("kind", ["dis", "debevec"])
def test_outputs_are_merges_of_their_windows(kind: Kind, exposures: int) -> None:
    frames = pictures(exposures, 6)
    ev = clips.ev(exposures)
    subject = MergeSubject(case(exposures), kind)
    assert subject.ahead == 1
    for slots in WINDOWS[exposures]:
        gains = [2.0 ** (ev[i % exposures] - min(ev)) for i in slots]
        expected = MERGES[kind]([frames[i] for i in slots], gains) / 2.0 ** min(ev)
        found = subject.output()
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    assert subject.stages() == subject.graph_ms() == {}
    subject.close()


@pytest.mark.parametrize("exposures", [2, 3])
def test_what_a_frame_exposes_well_is_its_own_radiance(exposures: int) -> None:
    subject = MergeSubject(case(exposures), "dis")
    ev = clips.ev(exposures)
    seen = 0
    for index, frame in enumerate(pictures(exposures, 2 * exposures)):
        luma = frame @ np.asarray(LUMA_BT601, np.float32)
        well = (luma > WELL_EXPOSED[0]) & (luma < WELL_EXPOSED[1])
        expected = frame.astype(np.float64) ** 2.2 / 2.0 ** ev[index % exposures]
        np.testing.assert_allclose(subject.output()[well], expected[well], rtol=1e-5)
        seen += int(well.sum())
    assert seen > 100


@pytest.mark.usefixtures("kept_threads")
def test_threads_are_opencvs() -> None:
    MergeSubject(case(2), "dis", 1)
    assert cv2.getNumThreads() == 1
