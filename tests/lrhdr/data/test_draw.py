"""Drawn scenes: they follow the seed and the settings."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from lrhdr.data.draw import MotionSettings, draw_scene
from lrhdr.data.scenes import Floats, Scene

HEIGHT, WIDTH = SIZE = (40, 56)
MOMENTS = (-1, 0, 1)
PLAIN = MotionSettings(blurred=0.0, defocused=0.0, bent=0.0)
STILL = replace(PLAIN, speed=0.0, turn=0.0, zoom=0.0, acceleration=0.0, shake=0.0)
# Straight and steady, so that positions are linear in time.
STEADY = replace(PLAIN, turn=0.0, zoom=0.0, acceleration=0.0, shake=0.0)


def smooth(seed: int, rows: int = 80, columns: int = 100) -> Floats:
    noise = np.random.default_rng(seed).normal(size=(rows, columns, 3)).astype(np.float32)
    field = cv2.GaussianBlur(noise, (0, 0), 2.0)
    texture: Floats = (1.0 + 0.3 * field / field.std()).clip(0.1).astype(np.float32)
    return texture


IMAGES = [smooth(seed) for seed in range(2)]


def draw(seed: int, motion: MotionSettings, size: tuple[int, int] = SIZE) -> Scene:
    return draw_scene(np.random.default_rng(seed), IMAGES, MOMENTS, size, motion)


def test_a_scene_follows_its_seed() -> None:
    def frames(seed: int) -> list[Floats]:
        scene = draw(seed, MotionSettings())
        return [scene.radiance(k) for k in range(3)]

    for a, b in zip(frames(4), frames(4), strict=True):
        np.testing.assert_array_equal(a, b)
    assert abs(frames(4)[0] - frames(5)[0]).max() > 0.01


def test_scenes_are_light_and_cover_the_frame() -> None:
    layers, samples, bent = set(), set(), set()
    for seed in range(20):
        scene = draw(seed, MotionSettings())
        layers.add(len(scene.layers))
        samples.add(scene.samples)
        bent |= {layer.bend is not None for layer in scene.layers}
        for frame in range(3):
            light = scene.radiance(frame)
            assert light.shape == (HEIGHT, WIDTH, 3)
            assert light.dtype == np.float32
            assert np.isfinite(light).all()
            assert (light >= 0.0).all()
        _, seen = scene.flow(1, 2)
        assert seen.mean() > 0.1
    assert layers >= {1, 5}
    assert samples == {1, 3}
    assert bent == {False, True}


@pytest.mark.parametrize("size", [(24, 60), (60, 24), (33, 47)])
def test_a_scene_has_the_size_that_was_asked_for(size: tuple[int, int]) -> None:
    for seed in range(4):
        scene = draw(seed, MotionSettings(), size)
        assert scene.size == size
        assert scene.radiance(1).shape == (*size, 3)
        assert scene.owner(1).shape == size


def test_photographs_smaller_than_the_frame_are_enlarged() -> None:
    small = [smooth(1, 12, 17)]
    for seed in range(4):
        rng = np.random.default_rng(seed)
        scene = draw_scene(rng, small, MOMENTS, SIZE, MotionSettings())
        assert scene.radiance(1).shape == (HEIGHT, WIDTH, 3)
        assert scene.layers[0].texture.shape == (HEIGHT + 20, WIDTH + 20, 3)


@pytest.mark.parametrize("blur", [0.0, 1.0])
def test_without_motion_nothing_moves(blur: float) -> None:
    scene = draw(3, replace(STILL, blurred=blur))
    np.testing.assert_array_equal(scene.radiance(0), scene.radiance(2))
    flow, seen = scene.flow(0, 2)
    assert abs(flow).max() < 1e-6
    assert seen.all()


def test_shake_moves_every_layer_alike() -> None:
    for seed in range(8):
        flow, _ = draw(seed, replace(STILL, shake=2.0)).flow(0, 2)
        assert np.ptp(flow.reshape(-1, 2), axis=0).max() < 1e-4
        assert abs(flow).max() > 0.0


def test_nothing_is_faster_than_the_settings_say() -> None:
    speeds = []
    for seed in range(40):
        for layer in draw(seed, STEADY).layers:
            steps = [layer.maps[k + 1][:2, 2] - layer.maps[k][:2, 2] for k in range(2)]
            np.testing.assert_allclose(steps[0], steps[1], atol=1e-9)
            speeds.append(float(np.hypot(*steps[0])))
    assert max(speeds) <= STEADY.speed
    assert max(speeds) > 0.7 * STEADY.speed
    assert np.median(speeds) < 0.4 * STEADY.speed  # most things move slowly


def test_the_shutter_opens_about_the_frame_for_a_part_of_it() -> None:
    openings = []
    for seed in range(30):
        scene = draw(seed, replace(STEADY, blurred=1.0, cutouts=0))
        assert scene.samples == 3
        (layer,) = scene.layers
        at = np.array([m[:2, 2] for m in layer.maps])
        assert len(at) == 3 * len(MOMENTS)
        before, middle, after = at[0::3], at[1::3], at[2::3]
        np.testing.assert_allclose(middle, 0.5 * (before + after), atol=1e-9)
        frame = np.hypot(*(middle[1] - middle[0]))
        openings.append(float(np.hypot(*(after[0] - before[0])) / frame))
    assert min(openings) >= 0.1 * STEADY.shutter - 1e-6
    assert max(openings) <= STEADY.shutter + 1e-6
    assert np.ptp(openings) > 0.3 * STEADY.shutter


def test_a_steady_hand_holds_during_an_exposure() -> None:
    # Shake differs from frame to frame, not within one.
    (layer,) = draw(5, replace(STILL, blurred=1.0, cutouts=0, shake=2.0)).layers
    for frame in range(3):
        first, *others = layer.maps[3 * frame : 3 * frame + 3]
        for other in others:
            np.testing.assert_array_equal(first, other)
    assert abs(layer.maps[0] - layer.maps[3]).max() > 0.01


def test_what_is_out_of_focus_has_less_detail() -> None:
    def detail(motion: MotionSettings, seed: int) -> float:
        # The background is the same part of the same photograph.
        texture = draw(seed, motion).layers[0].texture
        return float(np.square(np.diff(texture, axis=0)).mean())

    for seed in range(8):
        sharp, soft = (detail(replace(PLAIN, defocused=share), seed) for share in (0.0, 1.0))
        assert soft < 0.95 * sharp


def test_bends_keep_to_their_size_and_can_be_undone() -> None:
    found = []
    for seed in range(20):
        scene = draw(seed, replace(PLAIN, bent=1.0))
        for layer in scene.layers:
            assert layer.bend is not None
            amplitude, wave = np.hypot(*layer.bend.amplitude), np.hypot(*layer.bend.wave)
            assert 0.2 * PLAIN.bend <= amplitude <= PLAIN.bend
            assert amplitude * wave <= 0.4 + 1e-9
            steps = np.diff(layer.bend.phases)
            np.testing.assert_allclose(steps, steps[0])
            found.append(amplitude)
    assert np.ptp(found) > 0.5 * PLAIN.bend
    assert all(layer.bend is None for seed in range(8) for layer in draw(seed, PLAIN).layers)


def test_flow_leads_to_the_same_light_whatever_was_drawn() -> None:
    motion = replace(MotionSettings(), speed=4.0, cutouts=0, bent=1.0)
    for seed in range(8):
        scene = draw(seed, replace(motion, blurred=0.0))
        flow, seen = scene.flow(1, 2)
        x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
        back = cv2.remap(scene.radiance(2), x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
        inside = seen > 0
        inside[[0, -1]], inside[:, [0, -1]] = False, False
        error = abs(back - scene.radiance(1))[inside]
        assert np.percentile(error, 95) < 0.05
