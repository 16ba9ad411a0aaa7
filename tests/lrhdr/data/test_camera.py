"""The camera: its exposures, its noise, and what its codec leaves."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.data.camera import (
    Camera,
    CameraSettings,
    Floats,
    code,
    draw_camera,
    draw_exposures,
    record,
    retone,
)
from lrhdr.light import BT709, expose, ycbcr_matrix

COUNTS = pytest.mark.parametrize("count", [2, 3])
TINY = 1e-6  # a codec step that leaves everything

seeds = st.integers(0, 2**16)
sides = st.integers(1, 20)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def natural(seed: int, height: int, width: int) -> Floats:
    """A coloured picture with detail of several sizes, off the clips at 0 and 1."""
    noise = rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    field = sum(s * cv2.GaussianBlur(noise, (0, 0), s) for s in (0.6, 2.0, 6.0))
    picture: Floats = np.clip(0.5 + 0.1 * field, 0.2, 0.8).astype(np.float32)
    return picture


@COUNTS
def test_exposures_rise_from_one_in_equal_steps(count: int) -> None:
    generator, steps = rng(), set()
    for _ in range(200):
        cycle = draw_exposures(generator, count, CameraSettings())
        assert len(cycle) == count
        assert cycle[0] == 1.0
        gaps = np.diff(np.log2(cycle))
        assert gaps == pytest.approx(gaps[0])
        assert 1.0 <= gaps[0] <= (4.0 if count == 2 else 2.5)
        steps.add(round(float(gaps[0]), 6))
    assert 2.0 in steps
    assert len(steps) > 20


def test_a_record_is_clipped_and_quantised() -> None:
    radiance = np.linspace(0.0, 2.0, 300, dtype=np.float32).reshape(10, 10, 3)
    frame = record(rng(), radiance, 4.0, 0.0, 256)
    assert frame.dtype == np.float32
    assert frame.min() == 0.0
    assert (frame[radiance >= 0.25] == 1.0).all()
    np.testing.assert_allclose(frame * 255, np.rint(frame * 255), atol=1e-4)
    assert abs(frame - expose(radiance, 4.0)).max() <= 0.5 / 255 + 1e-6
    exact = record(rng(), radiance, 4.0, 0.0, 0)
    np.testing.assert_allclose(exact, expose(radiance, 4.0), atol=1e-6)


def test_noise_is_linear_and_of_the_given_size() -> None:
    radiance = np.full((80, 80, 3), 0.25, np.float32)
    frame = record(rng(), radiance, 2.0, 0.003, 0)
    noise = frame.astype(np.float64) ** 2.2 / 2.0 - 0.25
    assert noise.std() == pytest.approx(0.003, rel=0.05)
    assert abs(noise.mean()) < 2e-4


def test_noise_does_not_leave_the_range() -> None:
    for level in (0.0, 1.0):
        frame = record(rng(), np.full((8, 8, 3), level, np.float32), 1.0, 0.1, 256)
        assert frame.min() >= 0.0
        assert frame.max() <= 1.0
        assert np.isfinite(frame).all()


def subsampled(frame: Floats) -> Floats:
    """4:2:0 alone, for even sides: chroma averaged over 2x2, and back by bilinear weights."""
    planes = list(np.moveaxis(frame.astype(np.float64) @ ycbcr_matrix(BT709).T, 2, 0))
    for index in (1, 2):
        rows, columns = planes[index].shape
        plane = planes[index].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
        for axis in (0, 1):
            lines = np.moveaxis(plane, axis, 0)
            padded = np.concatenate([lines[:1], lines, lines[-1:]])
            pairs = [0.75 * lines + 0.25 * padded[:-2], 0.75 * lines + 0.25 * padded[2:]]
            plane = np.moveaxis(np.stack(pairs, axis=1).reshape(-1, lines.shape[1]), 0, axis)
        planes[index] = plane
    back = np.stack(planes, axis=2) @ np.linalg.inv(ycbcr_matrix(BT709)).T
    picture: Floats = back.clip(0.0, 1.0).astype(np.float32)
    return picture


@pytest.mark.parametrize("size", [(16, 16), (22, 36), (8, 2)])
def test_without_a_step_only_the_chroma_is_coarser(size: tuple[int, int]) -> None:
    frame = natural(3, *size)
    coded = code(frame, TINY)
    np.testing.assert_allclose(coded, subsampled(frame), atol=2e-5)
    assert abs(coded - frame).max() > 0.01


@given(seed=seeds, height=sides, width=sides)
@settings(max_examples=30)
def test_without_a_step_a_grey_picture_of_any_size_is_kept(
    seed: int, height: int, width: int
) -> None:
    grey = np.repeat(rng(seed).random((height, width, 1)).astype(np.float32), 3, axis=2)
    np.testing.assert_allclose(code(grey, TINY), grey, atol=2e-5)


@given(seed=seeds, height=sides, width=sides, step=st.sampled_from([1.0, 6.0, 40.0]))
@settings(max_examples=30)
def test_frames_of_any_size_stay_frames(seed: int, height: int, width: int, step: float) -> None:
    frame = rng(seed).random((height, width, 3)).astype(np.float32)
    coded = code(frame, step / 255.0)
    assert coded.shape == frame.shape
    assert coded.dtype == np.float32
    assert coded.min() >= 0.0
    assert coded.max() <= 1.0


@given(
    colour=st.tuples(*[st.floats(0.0, 1.0)] * 3),
    step=st.floats(0.1, 40.0),
    height=sides,
    width=sides,
)
def test_a_flat_picture_survives_any_step_within_the_step(
    colour: tuple[float, float, float], step: float, height: int, width: int
) -> None:
    flat = np.broadcast_to(np.array(colour, np.float32), (height, width, 3))
    coded = code(flat, step / 255.0)
    np.testing.assert_allclose(coded, flat, atol=step / 255.0)
    assert np.ptp(coded, axis=(0, 1)).max() < 1e-5


@pytest.mark.parametrize(("sent", "kept"), [(0.55, 0.0), (0.65, 1.0), (7.55, 7.0), (7.65, 8.0)])
def test_halves_of_a_step_go_down(sent: float, kept: float) -> None:
    # The mean of a block is an eighth of its first coefficient.
    step = 64 / 255
    flat = np.full((8, 8, 3), sent * step / 8, np.float32)
    np.testing.assert_allclose(code(flat, step), np.full((8, 8, 3), kept * step / 8), atol=1e-5)


@given(seed=seeds, height=sides, width=sides, step=st.floats(0.5, 40.0))
@settings(max_examples=40)
def test_the_luma_error_is_that_of_rounded_coefficients(
    seed: int, height: int, width: int, step: float
) -> None:
    grey = np.repeat(0.3 + 0.4 * rng(seed).random((height, width, 1)), 3, axis=2)
    coded = code(grey.astype(np.float32), step / 255.0)
    # An orthonormal transform keeps energy: 0.6 of a step at most in each of 64 coefficients.
    frequency = np.add.outer(np.arange(8), np.arange(8))
    largest = 0.6 * step / 255.0 * (1.0 + 3.0 * frequency / 14.0)
    blocks = -(-height // 8) * -(-width // 8)
    energy = np.square((coded - grey)[..., 0]).sum()
    assert energy <= blocks * np.square(largest).sum() * (1.0 + 1e-4)


def test_a_bigger_step_is_never_nearer_on_average() -> None:
    frames = [natural(seed, 40, 48) for seed in range(6)]
    steps = (TINY, 1 / 255, 2 / 255, 4 / 255, 8 / 255, 16 / 255, 32 / 255)
    errors = [np.mean([abs(code(f, step) - f).mean() for f in frames]) for step in steps]
    assert all(a < b for a, b in pairwise(errors))
    assert errors[-1] > 2.0 * errors[0]


def test_fine_detail_goes_before_coarse() -> None:
    x = np.arange(64) + 0.5
    lost = []
    for half_waves in (8, 48):  # 1 and 6 of them in a block: transform coefficients of their own
        wave = (0.5 + 0.02 * np.cos(np.pi * half_waves * x / 64)).astype(np.float32)
        frame = np.broadcast_to(wave[:, None], (64, 64, 3))
        lost.append(float(abs(code(frame, 30 / 255) - frame).mean() / abs(frame - 0.5).mean()))
    assert lost[0] < 0.5
    assert lost[1] == pytest.approx(1.0, abs=0.05)


CAMERA = Camera(cycle=(1.0, 8.0), noise=0.01, levels=256, quantiser=0.0)


def test_only_the_longest_exposure_is_without_noise() -> None:
    radiance = np.full((40, 40, 3), 0.05, np.float32)
    camera = replace(CAMERA, cycle=(1.0, 4.0, 16.0), levels=65536)
    spread = [float(np.ptp(camera.shoot(rng(), radiance, e))) for e in camera.cycle]
    assert spread[0] > 0.05
    assert spread[1] > 0.05
    assert spread[2] == 0.0


@pytest.mark.parametrize("exposure", [1.0, 8.0])
def test_a_shot_is_recorded_and_then_coded(exposure: float) -> None:
    radiance = natural(2, 20, 28) / 4.0
    noise = CAMERA.noise if exposure == 1.0 else 0.0
    recorded = record(rng(5), radiance, exposure, noise, 256)
    np.testing.assert_array_equal(CAMERA.shoot(rng(5), radiance, exposure), recorded)
    coder = replace(CAMERA, quantiser=6.0)
    expected = code(recorded, 6.0 / 255.0)
    np.testing.assert_array_equal(coder.shoot(rng(5), radiance, exposure), expected)
    assert abs(expected - recorded).max() > 1.0 / 255.0


@COUNTS
def test_cameras_are_of_many_kinds_within_their_settings(count: int) -> None:
    chosen = CameraSettings(coded=0.5)
    cameras = [draw_camera(rng(seed), count, chosen) for seed in range(200)]
    for camera in cameras:
        assert len(camera.cycle) == count
        assert camera.cycle[0] == 1.0
        assert chosen.noise[0] <= camera.noise <= chosen.noise[1]
        if camera.quantiser:
            assert camera.levels == 256
            assert chosen.quantiser[0] <= camera.quantiser <= chosen.quantiser[1]
    assert {camera.levels for camera in cameras if not camera.quantiser} == {256, 1024, 65536}
    assert 0.35 < np.mean([camera.quantiser > 0.0 for camera in cameras]) < 0.65
    assert np.ptp([camera.noise for camera in cameras]) > 2e-3


@COUNTS
@given(seed=seeds, index=st.integers(0, 2**16))
@settings(max_examples=20)
def test_a_camera_depends_on_its_seed_and_number_alone(count: int, seed: int, index: int) -> None:
    first, again = (
        draw_camera(np.random.default_rng((seed, index)), count, CameraSettings()) for _ in range(2)
    )
    assert first == again
    others = [
        draw_camera(np.random.default_rng(key), count, CameraSettings())
        for key in ((seed + 1, index), (seed, index + 1))
    ]
    assert first not in others


@COUNTS
def test_a_share_of_none_or_all_is_exact(count: int) -> None:
    for share, expected in ((0.0, False), (1.0, True)):
        cameras = [draw_camera(rng(s), count, CameraSettings(coded=share)) for s in range(30)]
        assert {camera.quantiser > 0.0 for camera in cameras} == {expected}


@given(seed=seeds, tone=st.floats(0.0, 1.0))
def test_another_tone_is_a_power_of_every_channel(seed: int, tone: float) -> None:
    frame = rng(seed).uniform(0.05, 0.95, (5, 6, 3)).astype(np.float32)
    toned = retone(rng(seed), frame, tone)
    assert toned.dtype == np.float32
    powers = np.log(toned.astype(np.float64)) / np.log(frame.astype(np.float64))
    for channel in np.moveaxis(powers, 2, 0):
        np.testing.assert_allclose(channel, channel.mean(), rtol=1e-4)
    assert abs(np.log(powers)).max() <= tone + 1e-4
    # Black and white stay, whatever the curve.
    ends = np.array([[[0.0] * 3, [1.0] * 3]], np.float32)
    np.testing.assert_array_equal(retone(rng(seed), ends, tone), ends)


def test_channels_are_toned_apart() -> None:
    grey = np.full((2, 2, 3), 0.5, np.float32)
    drawn = np.stack([retone(rng(seed), grey, 0.7)[0, 0] for seed in range(30)])
    assert (np.ptp(drawn, axis=1) > 1e-3).all()
    assert drawn.min() < 0.3
    assert drawn.max() > 0.65
