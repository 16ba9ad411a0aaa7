"""The classical merges: their rule pixel by pixel, and their order on a moving scene."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr.baselines import (
    BASELINES,
    Picture,
    debevec_merge,
    dis_aligned_merge,
    unaligned_merge,
)
from lrhdr.errors import InputError
from lrhdr.light import expose
from lrhdr.metrics import psnr_t

HEIGHT, WIDTH = 96, 128
TWO = {"dark": [8.0, 1.0, 8.0], "bright": [1.0, 8.0, 1.0]}
THREE = {
    "low": [4.0, 16.0, 1.0, 4.0, 16.0],
    "middle": [16.0, 1.0, 4.0, 16.0, 1.0],
    "high": [1.0, 4.0, 16.0, 1.0, 4.0],
}
WINDOWS = {**TWO, **THREE}
COMMON_RULE = sorted(BASELINES.keys() - {"debevec"})  # those that mend the reference


def scene(margin: int = 32) -> Picture:
    """Radiance over ten stops, up to 1: texture at several scales, mostly grey."""
    rng = np.random.default_rng(1)
    size = (HEIGHT + 2 * margin, WIDTH + 2 * margin)
    stops = np.zeros((*size, 3), dtype=np.float32)
    for octave in range(2, 7):
        grey = rng.normal(size=(2**octave, 2**octave, 1))
        colour = 0.1 * rng.normal(size=(2**octave, 2**octave, 3))
        layer = cv2.resize((grey + colour).astype(np.float32), size[::-1])
        stops += 4.0 * layer / octave
    radiance: Picture = np.clip(2.0 ** (stops - 4.5), 2.0**-10, 1.0).astype(np.float32)
    return radiance


RADIANCE = scene()


def view(radiance: Picture, x: float, y: float, margin: int = 32) -> Picture:
    """What a camera at (x, y) pixels sees."""
    shift = np.array([[1, 0, margin + x], [0, 1, margin + y]], dtype=np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(radiance, shift, (WIDTH, HEIGHT), flags=flags).astype(np.float32)


def window(exposures: list[float], speed: float) -> tuple[list[Picture], Picture]:
    """Frames of a camera that pans at `speed` pixels a frame, noisy and 8-bit; the true middle."""
    rng = np.random.default_rng(2)
    middle = len(exposures) // 2
    frames, truth = [], None
    for k, exposure in enumerate(exposures):
        seen = view(RADIANCE, speed * (k - middle), 0.4 * speed * (k - middle))
        noisy = seen * exposure + rng.normal(0.0, 1e-3, seen.shape)
        frames.append((np.rint(expose(noisy, 1.0) * 255.0) / 255.0).astype(np.float32))
        truth = seen if k == middle else truth
    assert truth is not None
    return frames, truth


def scores(exposures: list[float], speed: float) -> dict[str, float]:
    frames, truth = window(exposures, speed)
    return {name: psnr_t(merge(frames, exposures), truth) for name, merge in BASELINES.items()}


@pytest.mark.parametrize("name", WINDOWS)
def test_on_a_moving_scene_alignment_wins(name: str) -> None:
    found = scores(WINDOWS[name], speed=5.0)
    assert found["dis"] > found["ref"] + 0.5
    assert found["dis"] > found["merge"] + 1.0
    assert found["dis-mid"] > found["merge"] + 1.0


@pytest.mark.parametrize("name", ["bright", "high"])
def test_where_much_is_clipped_even_ghosts_are_better_than_the_reference(name: str) -> None:
    found = scores(WINDOWS[name], speed=2.0)
    assert found["dis"] > found["merge"] + 1.0 > found["ref"] + 2.0


@pytest.mark.parametrize("name", WINDOWS)
def test_on_a_still_scene_every_merge_beats_the_reference(name: str) -> None:
    found = scores(WINDOWS[name], speed=0.0)
    for merge in ("merge", "dis", "dis-mid"):
        assert found[merge] > found["ref"] + 1.0
        assert found[merge] == pytest.approx(found["merge"], abs=0.3)


@pytest.mark.parametrize("name", WINDOWS)
def test_the_merge_is_its_rule_pixel_by_pixel(name: str) -> None:
    exposures = WINDOWS[name]
    frames, _ = window(exposures, speed=3.0)
    merged = unaligned_merge(frames, exposures)
    t = len(frames) // 2
    for row, column in [(0, 0), (11, 70), (40, 40), (95, 127), *_extremes(frames[t])]:
        pixels = [frame[row, column].astype(np.float64) for frame in frames]
        radiance = [p**2.2 / e for p, e in zip(pixels, exposures, strict=True)]
        y = float(pixels[t] @ (0.299, 0.587, 0.114))
        expected = radiance[t].copy()
        longer = [radiance[k] for k in (t - 1, t + 1) if exposures[k] > exposures[t]]
        shorter = [radiance[k] for k in (t - 1, t + 1) if exposures[k] < exposures[t]]
        if longer:
            weight = min(max((0.2 - y) / 0.2, 0.0), 1.0)
            expected += weight * (sum(longer) / len(longer) - radiance[t])
        if shorter:
            weight = min(max((y - 0.8) / 0.2, 0.0), 1.0)
            expected += weight * (sum(shorter) / len(shorter) - radiance[t])
        np.testing.assert_allclose(merged[row, column], expected, rtol=2e-4, atol=1e-7)


def _extremes(frame: Picture) -> list[tuple[int, int]]:
    """Where both weights are at work: the darkest and the brightest pixel."""
    y = frame.mean(axis=2)
    rows = [np.unravel_index(int(i), y.shape) for i in (y.argmin(), y.argmax())]
    return [(int(row), int(column)) for row, column in rows]


@given(
    seed=st.integers(0, 2**16),
    exposures=st.sampled_from(list(WINDOWS.values())),
    name=st.sampled_from(COMMON_RULE),
)
def test_a_well_exposed_reference_is_kept(seed: int, exposures: list[float], name: str) -> None:
    rng = np.random.default_rng(seed)
    frames = [rng.random((16, 20, 3), dtype=np.float32) for _ in exposures]
    reference = len(frames) // 2
    frames[reference] = np.float32(0.3) + np.float32(0.4) * frames[reference]
    merged = BASELINES[name](frames, exposures)
    assert merged.dtype == np.float32
    np.testing.assert_allclose(
        merged, frames[reference] ** 2.2 / exposures[reference], rtol=1e-5, atol=1e-7
    )


@given(seed=st.integers(0, 2**16), exposures=st.sampled_from(list(WINDOWS.values())))
def test_results_stay_in_range(seed: int, exposures: list[float]) -> None:
    rng = np.random.default_rng(seed)
    frames = [rng.random((16, 20, 3), dtype=np.float32) for _ in exposures]
    for merge in BASELINES.values():
        merged = merge(frames, exposures)
        assert merged.min() >= 0.0
        assert merged.max() <= 1.0 + 1e-6


def test_integer_motion_is_undone() -> None:
    exposures = TWO["dark"]
    frames, truth = window(exposures, speed=0.0)
    moved = [np.roll(frames[0], 4, axis=1), frames[1], np.roll(frames[2], -4, axis=1)]
    inner = (slice(8, -8), slice(12, -12))
    aligned = dis_aligned_merge(moved, exposures)
    still = dis_aligned_merge(frames, exposures)
    assert psnr_t(aligned[inner], truth[inner]) > psnr_t(still[inner], truth[inner]) - 1.5


@pytest.mark.parametrize("name", ["ref", "merge", "dis", "debevec"])
def test_three_exposures_use_only_the_adjacent_frames(name: str) -> None:
    exposures = THREE["middle"]
    frames, _ = window(exposures, speed=2.0)
    before = BASELINES[name](frames, exposures)
    frames[0], frames[4] = np.zeros_like(frames[0]), np.ones_like(frames[4])
    np.testing.assert_array_equal(BASELINES[name](frames, exposures), before)


def flat(values: list[float]) -> list[Picture]:
    return [np.full((16, 16, 3), value, dtype=np.float32) for value in values]


def test_the_nearer_frame_weighs_more_in_an_interpolated_one() -> None:
    # A black reference takes all of `longer`; only the pair (t-1, t+2), time 1/3, is longer.
    frames = flat([0.5, 0.3, 0.0, 0.5, 0.6])
    merged = BASELINES["dis-mid"](frames, [1.0, 4.0, 2.0, 1.0, 4.0])
    expected = (2 / 3 * 0.3**2.2 + 1 / 3 * 0.6**2.2) / 4.0
    np.testing.assert_allclose(merged, expected, rtol=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_neighbour_of_the_same_exposure_mends_nothing(value: float) -> None:
    frames = flat([0.5, value, 0.4])
    for name in COMMON_RULE:
        merged = BASELINES[name](frames, [4.0, 4.0, 4.0])
        np.testing.assert_array_equal(merged, frames[1] ** 2.2 / 4.0)


def bracket(radiance: Picture, exposures: list[float]) -> list[Picture]:
    """8-bit frames of a still scene, without noise."""
    return [(np.rint(expose(radiance, e) * 255.0) / 255.0).astype(np.float32) for e in exposures]


@pytest.mark.parametrize("name", WINDOWS)
def test_debevec_recovers_the_light_where_some_frame_is_well_exposed(name: str) -> None:
    exposures = WINDOWS[name]
    grey = np.geomspace(1e-5, 1.0, 5000, dtype=np.float32).reshape(50, 100, 1).repeat(3, axis=2)
    frames = bracket(grey, exposures)
    merged = debevec_merge(frames, exposures)
    t = len(frames) // 2
    near = np.stack(frames[t - 1 : t + 2])
    well = ((near > 0.1) & (near < 0.9)).any(axis=0)
    assert well.mean() > 0.5
    # Half a code at 0.1 is 2 % of the code and 4.4 % of the light; the rest is in the duller ones.
    np.testing.assert_allclose(merged[well], grey[well], rtol=0.06)
    assert np.mean(merged[well] / grey[well]) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("name", WINDOWS)
def test_debevec_is_a_weighted_mean_of_logarithms(name: str) -> None:
    exposures = WINDOWS[name]
    frames, _ = window(exposures, speed=3.0)
    merged = debevec_merge(frames, exposures)
    t = len(frames) // 2
    for row, column in [(0, 0), (11, 70), (40, 40), (95, 127), *_extremes(frames[t])]:
        total = weights = np.zeros(3)
        for k in (t - 1, t, t + 1):
            codes = np.rint(frames[k][row, column].astype(np.float64) * 255.0)
            weight = np.maximum(np.minimum(codes, 255.0 - codes), 1e-6).mean()
            light = (np.maximum(codes, 0.25) / 255.0) ** 2.2 / exposures[k]
            total, weights = total + weight * np.log(light), weights + weight
        expected = np.exp(total / weights).clip(0.0, 1.0)
        np.testing.assert_allclose(merged[row, column], expected, rtol=1e-4)


def test_debevec_is_too_dark_where_every_frame_is_clipped() -> None:
    merged = debevec_merge(flat([1.0, 1.0, 1.0]), [8.0, 1.0, 8.0])
    np.testing.assert_allclose(merged, 8.0 ** (-2 / 3), rtol=1e-5)


def test_debevec_has_ghosts_where_the_dis_aligned_merge_has_none() -> None:
    for exposures in WINDOWS.values():
        found = scores(exposures, speed=5.0)
        assert found["dis"] > found["debevec"] + 3.0


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_a_window_of_no_known_length_is_refused(count: int) -> None:
    frames: list[NDArray[np.float32]] = [np.zeros((16, 16, 3), dtype=np.float32)] * count
    for merge in BASELINES.values():
        with pytest.raises(InputError, match=f"a window of {count} frames"):
            merge(frames, [1.0] * count)


def test_frames_of_different_sizes_are_refused() -> None:
    frames = [np.zeros((16, width, 3), dtype=np.float32) for width in (16, 16, 17)]
    with pytest.raises(InputError, match=r"\(16, 17, 3\)"):
        BASELINES["merge"](frames, TWO["dark"])


@pytest.mark.parametrize("name", ["dis", "dis-mid"])
def test_frames_too_small_for_flow_are_refused(name: str) -> None:
    frames = [np.zeros((8, 16, 3), dtype=np.float32)] * 3
    with pytest.raises(InputError, match="between 16x8 frames"):
        BASELINES[name](frames, TWO["dark"])
