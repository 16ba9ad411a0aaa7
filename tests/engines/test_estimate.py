"""Exposures from pixels: right on clips whose exposures are known, and refused where they are not.

The clips are those of `benchmarks/exposure_clips.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from exposure_clips import Pixels, render
from exposure_held import compressed
from lrhdr.errors import ExposureError
from lrhdr_engines import estimate
from lrhdr_engines.estimate import MAX_FRAMES, MIN_CONFIDENCE, Estimate, estimate_exposures

# EV, of a step: half of the finer grid that steps are rounded to, and what may be
# left of the measured shifts (docs/exposures.md).
TOLERANCE = 0.15


def relative(ev: tuple[float, ...]) -> list[float]:
    return [value - min(ev) for value in ev]


def check(found: Estimate, ev: tuple[float, ...]) -> None:
    assert found.period == len(ev)
    assert found.phase == int(np.argmax(ev))
    assert relative(found.ev) == pytest.approx(relative(ev), abs=TOLERANCE)
    anchor = max(found.ev) if len(ev) == 2 else sorted(found.ev)[1]
    assert anchor == 0.0
    assert MIN_CONFIDENCE <= found.confidence <= 1.0
    assert found.reasons


def refused(frames: list[Pixels]) -> str:
    with pytest.raises(ExposureError) as caught:
        estimate_exposures(frames)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("the exposures cannot be told from the pixels: ")
    assert "--ev" in message
    return message


@pytest.mark.parametrize("step", [1.0, 1.5, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("phase", [0, 1])
def test_cycles_of_two(step: float, phase: int) -> None:
    ev = (0.0, -step) if phase == 0 else (-step, 0.0)
    check(estimate_exposures(render(ev, 16, seed=int(4 * step))), ev)


@pytest.mark.parametrize("step", [1.0, 2.0, 3.0, 4.0])
@pytest.mark.parametrize(
    "order", [(-1, 0, 1), (0, 1, -1), (1, -1, 0), (1, 0, -1), (0, -1, 1), (-1, 1, 0)]
)
def test_cycles_of_three(step: float, order: tuple[int, int, int]) -> None:
    ev = tuple(step * level for level in order)
    check(estimate_exposures(render(ev, 18, seed=int(4 * step))), ev)


def test_unequal_steps() -> None:
    ev = (-3.0, 0.0, 1.0)
    check(estimate_exposures(render(ev, 18)), ev)


def test_a_step_is_rounded_no_further_than_its_uncertainty() -> None:
    ev = (0.0, -2.3)
    found = estimate_exposures(render(ev, 24))
    assert found.ev[1] != -2.0
    assert abs(found.ev[1] + 2.3) <= found.uncertainty + 1 / 16


def test_sixteen_bits_tell_the_same() -> None:
    for ev in ((0.0, -3.0), (-2.0, 0.0, 2.0)):
        eight = estimate_exposures(render(ev, 18))
        sixteen = estimate_exposures(render(ev, 18, dtype=np.uint16))
        assert (eight.ev, eight.period, eight.phase) == (sixteen.ev, sixteen.period, sixteen.phase)


def test_compression_does_not_hide_the_step() -> None:
    ev = (0.0, -3.0)
    check(estimate_exposures(compressed(render(ev, 16, size=(192, 128)), crf=23)), ev)


@pytest.mark.parametrize("middle", [0.03, 0.2, 0.6])
def test_a_clip_may_be_dark_or_bright(middle: float) -> None:
    ev = (0.0, -3.0)
    check(estimate_exposures(render(ev, 16, middle=middle)), ev)


def test_light_that_fades_falls_out() -> None:
    ev = tuple(value - 0.05 * index for index, value in enumerate((0.0, -2.0) * 8))
    found = estimate_exposures(render(ev, 16))
    assert (found.period, found.phase, found.ev) == (2, 0, (0.0, -2.0))


def test_no_more_frames_are_read_than_needed() -> None:
    taken = 0

    def endless() -> Iterator[Pixels]:
        nonlocal taken
        frames = render((0.0, -3.0), 4, motion="still")
        while True:
            taken += 1
            yield frames[(taken - 1) % 4]

    check(estimate_exposures(endless()), (0.0, -3.0))
    assert taken == MAX_FRAMES


def test_more_frames_make_it_more_confident() -> None:
    short, long = (estimate_exposures(render((0.0, -3.0), count)) for count in (6, 24))
    assert short.confidence < long.confidence


def test_constant_exposure_is_refused() -> None:
    assert "the light changes by only" in refused(render((0.0, 0.0), 16))


def test_flicker_is_refused() -> None:
    refused(render((0.0, -0.2), 16))


def test_a_small_step_is_taken_for_flicker() -> None:
    message = refused(render((0.0, -0.4), 16))
    assert "0.4" in message
    assert "flickering light" in message


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_frames_are_refused(count: int) -> None:
    assert f"{count} frames are too few" in refused(render((0.0, -3.0), count))


def test_a_cycle_and_a_half_of_three_is_refused() -> None:
    assert "no cycle of two or three" in refused(render((-2.0, 0.0, 2.0), 5))


@pytest.mark.parametrize("code", [0, 255])
def test_black_or_clipped_frames_are_refused(code: int) -> None:
    frames: list[Pixels] = [np.full((64, 96, 3), code, np.uint8) for _ in range(16)]
    assert "black or clipped" in refused(frames)


def test_nothing_seen_at_both_levels_is_refused() -> None:
    frames: list[Pixels] = [np.full((64, 96, 3), 255 * (i % 2), np.uint8) for i in range(16)]
    assert "black or clipped" in refused(frames)


def test_a_cycle_of_four_is_refused() -> None:
    assert "the cycle is 4 frames long" in refused(render((0.0, -1.0, -2.0, -3.0), 16))


def test_a_cycle_of_four_with_two_equal_frames_is_refused() -> None:
    assert "the cycle is 4 frames long" in refused(render((0.0, -3.0, 0.0, -2.0), 16))


@pytest.mark.parametrize("ev", [(0.0, -3.0), (-2.0, 0.0, 2.0)])
@pytest.mark.parametrize("dropped", [9, 10, 11, 12])
def test_a_dropped_frame_is_refused(ev: tuple[float, ...], dropped: int) -> None:
    frames = render(ev, 24)
    del frames[dropped]
    message = refused(frames)
    assert "slips near frame" in message
    assert abs(int(message.partition("near frame ")[2].split(",")[0]) - dropped) <= len(ev)


def test_a_cut_is_survived() -> None:
    before, after = render((0.0, -3.0), 12, seed=1), render((0.0, -3.0), 12, seed=2)
    check(estimate_exposures(before + after), (0.0, -3.0))


def test_frames_without_order_are_refused() -> None:
    ev = np.random.default_rng(5).choice([0.0, -1.0, -2.0, -3.0], 24)
    refused(render(tuple(ev), 24))


def test_weak_evidence_is_refused_with_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "MIN_CONFIDENCE", 0.99)
    message = refused(render((0.0, -3.0), 16))
    assert "at a confidence of 0." in message
    assert "If that is right, say so: --ev 0,-3." in message


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((64, 96), np.uint8),
        np.zeros((64, 96, 4), np.uint8),
        np.zeros((64, 96, 3), np.float32),
        np.zeros((0, 96, 3), np.uint8),
    ],
)
def test_what_is_no_frame_is_refused(frame: Pixels) -> None:
    with pytest.raises(ExposureError, match="a frame of shape"):
        estimate_exposures([frame] * 8)
