"""Whole clips: exposures, cuts and slips where they are, and none where there are none.

A small seeded part of `benchmarks/exposure_errors.py`, on smaller pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure_clips import Motion, Recipe
from exposure_errors import attempt, right
from exposure_held import Held
from exposure_trials import Trial
from lrhdr.errors import ExposureError
from lrhdr_engines.media import Frame
from lrhdr_engines.probe.clip import from_pixels, read

SMALL = Recipe(size=(160, 96), count=40)
TWO, THREE = (0.0, -3.0), (-2.0, 0.0, 2.0)


def check(recipe: Recipe, crf: int | None = None) -> None:
    trial = Trial(name="", recipe=recipe, crf=crf)
    outcome = attempt(trial)
    assert right(trial, outcome), outcome


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    ev=st.sampled_from([TWO, THREE, (-1.0, 0.0), (0.0, -4.0), (0.0, 1.5, -1.5)]),
    frame=st.integers(9, 30),
    event=st.integers(0, 3),
    seed=st.integers(0, 26),
)
def test_an_event_is_found_where_it_is(
    ev: tuple[float, ...], frame: int, event: int, seed: int
) -> None:
    recipes = (
        replace(SMALL, cuts=(frame,)),
        replace(SMALL, dropped=(frame,)),
        replace(SMALL, duplicated=(frame,)),
        replace(SMALL, replaced=(frame,)),
    )
    check(replace(recipes[event], ev=ev, seed=seed))


@pytest.mark.parametrize("motion", ["still", "hand", "whip", "object"])
@pytest.mark.parametrize("ev", [TWO, THREE])
def test_motion_is_no_event(motion: Motion, ev: tuple[float, ...]) -> None:
    check(replace(SMALL, ev=ev, motion=motion))


@pytest.mark.parametrize(
    "recipe",
    [
        replace(SMALL, flashes=(15,)),
        replace(SMALL, flashes=(15, 16, 30)),
        replace(SMALL, flicker=0.1),
        replace(SMALL, fade=20),
        replace(SMALL, drift=-1.0),
    ],
    ids=["flash", "flashes", "flicker", "fade", "drift"],
)
def test_light_is_no_event(recipe: Recipe) -> None:
    check(recipe)


def test_a_slip_survives_compression() -> None:
    check(replace(SMALL, dropped=(21,)), crf=30)


@pytest.mark.parametrize("ev", [(0.0, 0.0), (0.0, -0.3), (0.0, -1.0, -2.0, -3.0)])
def test_what_is_no_rhythm_is_refused(ev: tuple[float, ...]) -> None:
    trial = Trial(name="", recipe=replace(SMALL, ev=ev), alternates=False)
    outcome = attempt(trial)
    assert right(trial, outcome), outcome


def test_a_cycle_of_two_is_not_taken_for_four() -> None:
    # Ratios of variances, which a period of 4 explains as well, must not decide.
    found = from_pixels(read(Held(replace(SMALL, noise=4.0, flicker=0.05).render())))
    assert len(found.segments[0].ev) == 2


def test_the_first_64_frames_may_be_cut_to_pieces() -> None:
    cuts = tuple(range(5, 60, 5))
    recipe = replace(SMALL, count=120, cuts=cuts)
    found = from_pixels(read(Held(recipe.render())))
    assert found.segments[0].ev == TWO
    assert found.segments[-1].start == cuts[-1]


def test_segments_have_no_gaps_and_may_be_a_single_frame() -> None:
    found = from_pixels(read(Held(replace(SMALL, replaced=(20,)).render())))
    assert [(s.start, s.stop) for s in found.segments] == [(0, 20), (20, 21), (21, None)]
    assert found.segments[1].ev == (-3.0, 0.0)


def test_the_curve_is_named_and_gives_the_true_step() -> None:
    found = from_pixels(read(Held(replace(SMALL, ev=(0.0, -3.6), curve="srgb").render())))
    assert found.curve is not None
    assert found.curve.name == "srgb"
    assert found.curve.ev[1] == pytest.approx(-3.6, abs=0.03)
    assert found.segments[0].ev[1] == pytest.approx(-3.8, abs=0.2)


def test_gamma_22_is_not_called_another_curve() -> None:
    assert from_pixels(read(Held(SMALL.render()))).curve is None


def test_a_damaged_frame_is_neither_a_cut_nor_a_repeat() -> None:
    class Damaged(Held):
        def frames(self, start: int = 0) -> Iterator[Frame]:
            whole = list(super().frames(start))
            for frame in whole:
                lost = frame.index in (14, 15)
                yield replace(frame, rgb=whole[13].rgb, damaged=True) if lost else frame

    reading = read(Damaged(SMALL.render()))
    found = from_pixels(reading)
    assert reading.cuts == ()
    assert found.slips == ()
    assert np.isnan(reading.figures.luma[[14, 15]]).all()


def test_no_more_frames_are_read_than_asked_for_and_each_is_told() -> None:
    told: list[int] = []
    reading = read(Held(SMALL.render()), 12, told.append)
    assert len(reading.figures) == 12
    assert told == list(range(1, 13))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_frames_are_refused(count: int) -> None:
    with pytest.raises(ExposureError, match=f"{count} frames are too few"):
        from_pixels(read(Held(SMALL.render()[:count])))
