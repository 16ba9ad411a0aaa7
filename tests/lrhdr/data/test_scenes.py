"""Scenes: their flow is exact, and what it hides is known."""

from __future__ import annotations

from itertools import permutations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr.data.scenes import Affine, Bend, Floats, Layer, Scene, grid

HEIGHT, WIDTH = SIZE = (44, 56)
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


def two_layers(*, bent: bool = False) -> Scene:
    """A turning background, and a disc that crosses it; both wave where they are `bent`."""
    phases = [0.7 * t for t in MOMENTS]
    behind = Bend(np.array([1.5, -1.0]), np.array([0.1, 0.15]), phases)
    before = Bend(np.array([0.5, 1.0]), np.array([-0.2, 0.1]), phases)
    back = Layer(
        smooth(1, 2 * WIDTH),
        None,
        [affine(20 + 2.3 * t, 20 - 1.6 * t, 0.02 * t, 1.0 + 0.01 * t) for t in MOMENTS],
        behind if bent else None,
    )
    front = Layer(
        2.0 * smooth(2, 36),
        disc(36),
        [shift(-8.0 - 4.5 * t, -4.0) for t in MOMENTS],
        before if bent else None,
    )
    return Scene([back, front], HEIGHT, WIDTH)


def warped(picture: NDArray[np.float32], flow: Floats) -> NDArray[np.float32]:
    """The picture at `end`, seen from the pixels of `start`."""
    x, y = np.moveaxis(grid(SIZE) + flow, 2, 0).astype(np.float32)
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR).astype(np.float32, copy=False)


def interior(scene: Scene, moment: int) -> NDArray[np.bool_]:
    """Pixels that are not at a layer's edge, where coverage is soft and texture is mixed."""
    owner = scene.owner(moment)
    kernel = np.ones((7, 7), np.uint8)
    return np.asarray(cv2.dilate(owner, kernel) == cv2.erode(owner, kernel))


@pytest.mark.parametrize("bent", [False, True], ids=["stiff", "bent"])
@pytest.mark.parametrize(("start", "end"), list(permutations(range(3), 2)))
def test_flow_leads_to_the_same_light(start: int, end: int, bent: bool) -> None:
    scene = two_layers(bent=bent)
    flow, seen = scene.flow(start, end)
    assert flow.shape == (HEIGHT, WIDTH, 2)
    assert seen.shape == (HEIGHT, WIDTH)
    assert set(np.unique(seen)) == {0.0, 1.0}
    back = warped(scene.radiance(end), flow)
    # The landing place must lie off the edges as well.
    clear = warped(interior(scene, end).astype(np.float32), flow) > 0.99
    usable = (seen > 0) & interior(scene, start) & clear
    usable[[0, -1]], usable[:, [0, -1]] = False, False
    for layer in (0, 1):
        both = usable & (scene.owner(start) == layer)
        assert both.sum() > 50
        # Two bilinear samplings, of 1/32 pixel each in OpenCV. Bending makes slopes steeper,
        # and the disc is twice as bright.
        tolerance = (0.03 if bent else 0.02) * (1 + layer)
        assert abs(back - scene.radiance(start))[both].max() < tolerance
        # Without the flow there would be nothing of that.
        assert abs(scene.radiance(end) - scene.radiance(start))[both].max() > 0.1 * (1 + layer)


def test_flow_of_a_shift_is_that_shift() -> None:
    scene = Scene([Layer(smooth(1, 96), None, [shift(20, 20), shift(22.5, 19)])], *SIZE)
    flow, seen = scene.flow(0, 1)
    # The window moved by (2.5, -1) over the texture, so the picture moved the other way.
    np.testing.assert_allclose(flow[..., 0], -2.5, atol=1e-5)
    np.testing.assert_allclose(flow[..., 1], 1.0, atol=1e-5)
    assert not seen[:, :2].any()
    assert not seen[-1].any()
    assert seen[:-1, 3:].all()


@pytest.mark.parametrize("bent", [False, True], ids=["stiff", "bent"])
def test_flow_there_and_back_is_no_flow(bent: bool) -> None:
    scene = two_layers(bent=bent)
    there, seen = scene.flow(0, 2)
    back, _ = scene.flow(2, 0)
    round_trip = there + warped(back, there)
    usable = (seen > 0) & interior(scene, 0)
    usable &= warped(interior(scene, 2).astype(np.float32), there) > 0.99
    usable[[0, -1]], usable[:, [0, -1]] = False, False
    assert usable.sum() > 500
    # A bent flow is read between pixels, at places of 1/32 pixel.
    assert abs(round_trip[usable]).max() < (0.02 if bent else 1e-3)


def test_no_flow_at_the_same_moment() -> None:
    for bent in (False, True):
        flow, seen = two_layers(bent=bent).flow(1, 1)
        assert abs(flow).max() < (1e-4 if bent else 1e-6)
        assert seen.all()


def test_what_a_cut_out_covers_is_hidden() -> None:
    scene = two_layers()
    background = Layer(scene.layers[0].texture, None, [shift(20, 20)] * 3)
    still = Scene([background, scene.layers[1]], *SIZE)
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
        Layer(smooth(1, WIDTH), None, [np.eye(3)]),
        Layer(3.0 * np.ones((30, 30, 3), np.float32), large, [shift(-5, -5)]),
        Layer(7.0 * np.ones((12, 12, 3), np.float32), small, [shift(-14, -14)]),
    ]
    scene = Scene(layers, *SIZE)
    owner, light = scene.owner(0), scene.radiance(0)
    assert owner[20, 20] == 2
    assert owner[8, 8] == 1
    assert owner[40, 40] == 0
    assert (light[20, 20] == 7.0).all()
    assert (light[8, 8] == 3.0).all()
    np.testing.assert_allclose(light[40, 40], layers[0].texture[40, 40], rtol=1e-6)


def test_an_empty_scene_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        Scene([], *SIZE).radiance(0)


bends = st.builds(
    lambda amplitude, share, along, across, phase: Bend(
        amplitude * np.array([np.cos(across), np.sin(across)]),
        share * 0.4 / amplitude * np.array([np.cos(along), np.sin(along)]),
        [0.0, phase],
    ),
    amplitude=st.floats(0.5, 4.0),
    share=st.floats(0.0, 1.0),
    along=st.floats(0.0, 2 * np.pi),
    across=st.floats(0.0, 2 * np.pi),
    phase=st.floats(-np.pi, np.pi),
)


@given(bend=bends)
def test_a_bend_and_its_inverse_cancel(bend: Bend) -> None:
    points = grid((9, 13)) * 5.0
    for moment in (0, 1):
        # 0.4^12 of an amplitude of up to 4 pixels is left.
        straight = bend.inverse(points, moment)
        np.testing.assert_allclose(bend(straight, moment), points, atol=1e-4)
        again = bend.inverse(bend(points, moment), moment)
        np.testing.assert_allclose(again, points, atol=1e-4)


def test_a_bend_is_a_wave_across_the_texture() -> None:
    bend = Bend(np.array([0.0, 2.0]), np.array([np.pi / 16, 0.0]), [0.0, np.pi / 2])
    points = np.array([[[0.0, 3.0], [8.0, 3.0], [16.0, 3.0], [24.0, 3.0]]])
    for moment, y in ((0, [3.0, 5.0, 3.0, 1.0]), (1, [5.0, 3.0, 1.0, 3.0])):
        bent = bend(points, moment)
        np.testing.assert_allclose(bent[0, :, 0], points[0, :, 0])
        np.testing.assert_allclose(bent[0, :, 1], y, atol=1e-12)


@given(bend=bends, turn=st.floats(-0.1, 0.1), x=st.floats(-5.0, 5.0))
def test_a_layer_is_carried_to_where_its_texture_went(bend: Bend, turn: float, x: float) -> None:
    layer = Layer(smooth(1, 8), None, [affine(3, 4, 0, 1), affine(x, 2, turn, 1.05)], bend)
    points = grid((7, 9)) * 6.0
    for start, end in ((0, 1), (1, 0)):
        there = points + layer.carry(points, start, end)
        before, after = layer.to_texture(points, start), layer.to_texture(there, end)
        np.testing.assert_allclose(after, before, atol=5e-4)


def test_flow_of_a_bent_layer_is_what_a_search_finds() -> None:
    scene = two_layers(bent=True)
    layer = scene.layers[0]
    flow, _ = scene.flow(0, 2)
    # Every eighth of a pixel of the last frame and beyond, and the texture that is there.
    fine = grid((2 * HEIGHT * 8, 2 * WIDTH * 8)) / 8.0 - (WIDTH / 2.0, HEIGHT / 2.0)
    shown = layer.to_texture(fine, 2)
    for row, column in ((1, 2), (3, 50), (40, 5), (42, 52)):
        assert scene.owner(0)[row, column] == 0
        wanted = layer.to_texture(np.array([[[column, row]]], np.float64), 0)
        nearest = np.argmin(((shown - wanted) ** 2).sum(axis=2))
        found = fine.reshape(-1, 2)[nearest] - (column, row)
        np.testing.assert_allclose(flow[row, column], found, atol=0.07)
        assert abs(found).max() > 0.5


def test_a_bent_layer_is_sampled_where_it_says() -> None:
    layer = two_layers(bent=True).layers[0]
    picture = layer.sample(layer.texture, SIZE, 0, cv2.BORDER_REFLECT_101)
    at = layer.to_texture(grid(SIZE), 0)
    for row, column in ((0, 0), (10, 40), (30, 7), (43, 55)):
        x, y = at[row, column]
        left, top = int(x), int(y)
        u, v = x - left, y - top
        corners = layer.texture[top : top + 2, left : left + 2]
        expected = np.einsum("y,x,yxc->c", [1.0 - v, v], [1.0 - u, u], corners)
        # OpenCV's places are of 1/32 pixel.
        np.testing.assert_allclose(picture[row, column], expected, atol=0.02)


def blurred() -> tuple[Scene, Scene]:
    """Two frames of three instants each, and the six instants as frames."""
    times = [-0.3, 0.0, 0.3, 0.7, 1.0, 1.3]
    background = Layer(smooth(1, 2 * WIDTH), None, [shift(20 + 6 * t, 20) for t in times])
    front = Layer(2.0 * smooth(2, 36), disc(36), [shift(-6 - 9 * t, 2 * t) for t in times])
    layers = [background, front]
    return Scene(layers, *SIZE, samples=3), Scene(layers, *SIZE)


def test_motion_blur_is_the_mean_of_its_instants() -> None:
    scene, instants = blurred()
    for frame in (0, 1):
        shots = [instants.radiance(3 * frame + k) for k in range(3)]
        np.testing.assert_allclose(scene.radiance(frame), np.mean(shots, axis=0), rtol=1e-6)
        assert scene.radiance(frame).dtype == np.float32
        assert abs(shots[0] - shots[2]).max() > 0.1


def test_a_blurred_frame_stands_at_its_middle_instant() -> None:
    scene, instants = blurred()
    for frame in (0, 1):
        np.testing.assert_array_equal(scene.owner(frame), instants.owner(3 * frame + 1))
    for found, expected in zip(scene.flow(0, 1), instants.flow(1, 4), strict=True):
        np.testing.assert_array_equal(found, expected)
