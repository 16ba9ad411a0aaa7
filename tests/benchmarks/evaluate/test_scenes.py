"""Which scenes and frames are taken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.data.layouts import Picture
from lrhdr.errors import InputError
from lrhdr_benchmarks.evaluate.scenes import choose, frames_of, remembering, runs
from tests.benchmarks.evaluate.rooms import EV, scene_of, texture

SCENES = [scene_of([texture()] * 8, name=name) for name in ("hall", "lake", "road")]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (None, ["hall", "lake", "road"]),
        ("2", ["hall", "lake"]),
        ("9", ["hall", "lake", "road"]),
        ("road, hall", ["road", "hall"]),
        ("lake,lake", ["lake"]),
    ],
)
def test_scenes_by_number_or_name(wanted: str | None, names: list[str]) -> None:
    assert [scene.name for scene in choose(SCENES, wanted)] == names


@pytest.mark.parametrize("wanted", ["sea", "hall,sea", "0", "-1", ""])
def test_other_scenes_are_refused(wanted: str) -> None:
    with pytest.raises(InputError, match="some of hall, lake, road"):
        choose(SCENES, wanted)


@given(st.sets(st.integers(0, 30)))
def test_runs_are_the_stretches_without_a_gap(indices: set[int]) -> None:
    ordered = sorted(indices)
    stretches = [list(range(first, first + length)) for first, length in runs(ordered)]
    assert [index for stretch in stretches for index in stretch] == ordered
    ends = [stretch[-1] + 1 for stretch in stretches]
    assert not indices & set(ends)


@pytest.mark.parametrize("exposures", [2, 3])
def test_without_a_truth_the_frames_are_those_that_could_be_measured(exposures: int) -> None:
    truths = [texture()] * 9
    known = scene_of(truths, EV[exposures])
    unknown = scene_of(truths, EV[exposures], known=False)
    assert list(frames_of(known)) == list(range(exposures, 9 - exposures))
    assert list(frames_of(unknown)) == list(frames_of(known))


def test_pictures_that_are_shared_are_read_once() -> None:
    read: list[int] = []

    def frame(index: int) -> Picture:
        read.append(index)
        return texture(seed=index)

    scene = remembering(replace(SCENES[0], read_frame=frame))
    for index in (3, 2, 3, 4, 3):
        scene.read_frame(index)
    assert read == [3, 2, 4]
