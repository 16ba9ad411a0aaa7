"""Scenes: their flow is exact, and what it hides is known."""

from __future__ import annotations

from itertools import permutations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr.data.draw import MotionSettings, draw_scene
from lrhdr.data.scenes import Affine, Floats, Layer, Scene

SIDE = 48
MOMENTS = (-1, 0, 1)


def smooth(seed: int, side: int) -> Floats:
    noise = np.random.default_rng(seed).normal(size=(side, side, 3)).astype(np.float32)
    field = cv2.GaussianBlur(noise, (0, 0), side / 12)
    texture: Floats = (1.0 + 0.3 * field / field.std()).clip(0.1).astype(np.float32)
    return texture


def shift(x: float, y: float) -> Affine:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def affine(x: float, y: float, turn: float, scale: float) -> Affine:
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y], [0.0, 0.0, 1.0]])


def disc(side: int) -> Floats:
    mask = np.zeros((side, side), np.float32)
    cv2.circle(mask, (side // 2, side // 2), side // 3, 1.0, -1)
    return mask


def two_layers() -> Scene:
    """A turning background, and a disc that crosses it."""
    back = Layer(
        smooth(1, 2 * SIDE),
        None,
        [affine(20 + 2.3 * t, 20 - 1.6 * t, 0.02 * t, 1.0 + 0.01 * t) for t in MOMENTS],
    )
    front = Layer(2.0 * smooth(2, 36), disc(36), [shift(-6.0 - 4.5 * t, -6.0) for t in MOMENTS])
    return Scene([back, front], SIDE)


def warped(picture: NDArray[np.float32], flow: Floats) -> NDArray[np.float32]:
    """The picture at `end`, seen from the pixels of `start`."""
    axis = np.arange(flow.shape[0], dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    found = cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
    return found.astype(np.float32)


def interior(scene: Scene, moment: int) -> NDArray[np.bool_]:
    """Pixels that are not at a layer's edge, where coverage is soft and texture is mixed."""
    owner = scene.owner(moment)
    kernel = np.ones((7, 7), np.uint8)
    return np.asarray(cv2.dilate(owner, kernel) == cv2.erode(owner, kernel))


@pytest.mark.parametrize(("start", "end"), list(permutations(range(3), 2)))
def test_flow_leads_to_the_same_light(start: int, end: int) -> None:
    scene = two_layers()
    flow, seen = scene.flow(start, end)
    assert flow.shape == (SIDE, SIDE, 2)
    assert seen.shape == (SIDE, SIDE)
    assert set(np.unique(seen)) == {0.0, 1.0}
    back = warped(scene.radiance(end), flow)
    # The landing place must lie off the edges as well.
    clear = warped(interior(scene, end).astype(np.float32), flow) > 0.99
    usable = (seen > 0) & interior(scene, start) & clear
    usable[[0, -1]], usable[:, [0, -1]] = False, False
    for layer in (0, 1):
        both = usable & (scene.owner(start) == layer)
        assert both.sum() > 50
        # Two bilinear samplings, of 1/32 pixel each in OpenCV; the disc is twice as bright.
        tolerance = 0.02 * (1 + layer)
        assert abs(back - scene.radiance(start))[both].max() < tolerance
        # Without the flow there would be nothing of that.
        assert abs(scene.radiance(end) - scene.radiance(start))[both].max() > 5 * tolerance


def test_flow_of_a_shift_is_that_shift() -> None:
    scene = Scene([Layer(smooth(1, 96), None, [shift(20, 20), shift(22.5, 19)])], SIDE)
    flow, seen = scene.flow(0, 1)
    # The window moved by (2.5, -1) over the texture, so the picture moved the other way.
    np.testing.assert_allclose(flow[..., 0], -2.5, atol=1e-5)
    np.testing.assert_allclose(flow[..., 1], 1.0, atol=1e-5)
    assert not seen[:, :2].any()
    assert not seen[-1].any()
    assert seen[:-1, 3:].all()


def test_flow_there_and_back_is_no_flow() -> None:
    scene = two_layers()
    there, seen = scene.flow(0, 2)
    back, _ = scene.flow(2, 0)
    round_trip = there + warped(back, there)
    usable = (seen > 0) & interior(scene, 0)
    usable &= warped(interior(scene, 2).astype(np.float32), there) > 0.99
    usable[[0, -1]], usable[:, [0, -1]] = False, False
    assert usable.sum() > 500
    assert abs(round_trip[usable]).max() < 1e-3


def test_no_flow_at_the_same_moment() -> None:
    flow, seen = two_layers().flow(1, 1)
    assert abs(flow).max() < 1e-6
    assert seen.all()


def test_what_a_cut_out_covers_is_hidden() -> None:
    scene = two_layers()
    still = Scene(
        [Layer(scene.layers[0].texture, None, [shift(20, 20)] * 3), scene.layers[1]], SIDE
    )
    _, seen = still.flow(0, 2)
    back_at_start = still.owner(0) == 0
    covered = still.owner(2) == 1
    # A background that rests is hidden exactly where the disc is at the end.
    np.testing.assert_array_equal(seen[back_at_start] == 0, covered[back_at_start])
    assert (back_at_start & covered).sum() > 50
    # Nothing is in front of the disc, and it stays inside.
    assert seen[still.owner(0) == 1].all()


def test_the_last_layer_is_in_front() -> None:
    small, large = disc(12), np.ones((30, 30), np.float32)
    layers = [
        Layer(smooth(1, SIDE), None, [np.eye(3)]),
        Layer(3.0 * np.ones((30, 30, 3), np.float32), large, [shift(-5, -5)]),
        Layer(7.0 * np.ones((12, 12, 3), np.float32), small, [shift(-14, -14)]),
    ]
    scene = Scene(layers, SIDE)
    owner, light = scene.owner(0), scene.radiance(0)
    assert owner[20, 20] == 2
    assert owner[8, 8] == 1
    assert owner[40, 40] == 0
    assert (light[20, 20] == 7.0).all()
    assert (light[8, 8] == 3.0).all()
    np.testing.assert_allclose(light[40, 40], layers[0].texture[40, 40], rtol=1e-6)


def test_an_empty_scene_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        Scene([], SIDE).radiance(0)


def test_a_drawn_scene_follows_the_seed() -> None:
    images = [smooth(seed, 80) for seed in range(2)]

    def draw(seed: int) -> list[Floats]:
        rng = np.random.default_rng(seed)
        scene = draw_scene(rng, images, MOMENTS, SIDE, MotionSettings())
        return [scene.radiance(k) for k in range(3)]

    for a, b in zip(draw(4), draw(4), strict=True):
        np.testing.assert_array_equal(a, b)
    assert abs(draw(4)[0] - draw(5)[0]).max() > 0.01


def test_drawn_scenes_are_light_and_cover_the_frame() -> None:
    images = [smooth(seed, 80) for seed in range(2)]
    counts = set()
    for seed in range(20):
        scene = draw_scene(np.random.default_rng(seed), images, MOMENTS, SIDE, MotionSettings())
        counts.add(len(scene.layers))
        for moment in range(3):
            light = scene.radiance(moment)
            assert light.shape == (SIDE, SIDE, 3)
            assert np.isfinite(light).all()
            assert (light >= 0.0).all()
        _, seen = scene.flow(1, 2)
        assert seen.mean() > 0.1
    assert counts >= {1, 5}


def test_without_motion_nothing_moves() -> None:
    still = MotionSettings(speed=0.0, turn=0.0, zoom=0.0, acceleration=0.0, shake=0.0)
    scene = draw_scene(np.random.default_rng(3), [smooth(1, 80)], MOMENTS, SIDE, still)
    np.testing.assert_array_equal(scene.radiance(0), scene.radiance(2))
    flow, seen = scene.flow(0, 2)
    assert abs(flow).max() < 1e-6
    assert seen.all()


def test_shake_moves_every_layer_alike() -> None:
    shaken = MotionSettings(speed=0.0, turn=0.0, zoom=0.0, acceleration=0.0, shake=2.0)
    for seed in range(8):
        scene = draw_scene(np.random.default_rng(seed), [smooth(1, 80)], MOMENTS, SIDE, shaken)
        flow, _ = scene.flow(0, 2)
        assert np.ptp(flow.reshape(-1, 2), axis=0).max() < 1e-4
        assert abs(flow).max() > 0.0
