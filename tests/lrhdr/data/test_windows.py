"""Windows: what the camera would have recorded, and the truth beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from lrhdr.contract import WINDOWS
from lrhdr.data.camera import CameraSettings
from lrhdr.data.draw import MotionSettings
from lrhdr.data.windows import (
    Floats,
    InterpolationItems,
    WindowItems,
    WindowSettings,
    normalise,
    recolour,
)
from lrhdr.light import expose

SIDE = 32
PLAIN_CAMERA = CameraSettings(noise=(0.0, 0.0), coded=0.0)
CLEAN = WindowSettings(side=SIDE, camera=PLAIN_CAMERA)


def images(count: int = 2) -> list[Floats]:
    made = []
    for seed in range(count):
        noise = np.random.default_rng(seed).normal(size=(96, 96, 3)).astype(np.float32)
        field = cv2.GaussianBlur(noise, (0, 0), 3.0)
        made.append(np.exp2(2.0 * field / field.std()).astype(np.float32))
    return made


def window_items(exposures: int, seed: int = 1, **changes: Any) -> WindowItems:
    settings = changes.pop("settings", WindowSettings(side=SIDE))
    length = changes.pop("length", 8)
    return WindowItems(images(), settings, exposures=exposures, length=length, seed=seed)


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_normalised_light_fills_zero_to_one() -> None:
    frames = [10.0 * image for image in images(3)]
    clipped = []
    for seed in range(30):
        scaled = normalise(np.random.default_rng(seed), frames, 8.0)
        stack = np.stack(scaled)
        assert stack.dtype == np.float32
        assert stack.min() >= 0.0
        assert stack.max() <= 1.0
        # One factor for all frames: ratios stay where nothing is clipped.
        free = (stack < 1.0).all(axis=0)
        ratio = scaled[1][free] / scaled[0][free]
        np.testing.assert_allclose(ratio, (frames[1] / frames[0])[free], rtol=1e-4)
        clipped.append(float((stack == 1.0).mean()))
    assert min(clipped) < 0.01
    assert max(clipped) < 0.2


def test_black_is_normalised_without_a_division_by_zero() -> None:
    black = [np.zeros((8, 8, 3), np.float32)] * 3
    for seed in range(4):
        assert not np.stack(normalise(np.random.default_rng(seed), black, 8.0)).any()


def test_recolouring_permutes_and_bends_a_scene_alike() -> None:
    frames = images(2)
    changed = recolour(np.random.default_rng(3), frames)
    matched = set()
    for before, after in zip(frames, changed, strict=True):
        for channel in range(3):
            for source in range(3):
                slope, rest = np.polyfit(
                    np.log(before[..., source].ravel()), np.log(after[..., channel].ravel()), 1
                )
                if abs(rest) < 1e-3:
                    matched.add((channel, source, round(float(slope), 3)))
    assert len(matched) == 3  # the same pairs and the same power in both frames
    assert len({power for _, _, power in matched}) == 1
    assert {source for _, source, _ in matched} == {0, 1, 2}


@pytest.mark.parametrize("exposures", [2, 3])
def test_windows_have_the_shapes_of_the_contract(exposures: int) -> None:
    window = WINDOWS[exposures]
    items = window_items(exposures)
    assert len(items) == 8
    references = set()
    for index in range(len(items)):
        item = items[index]
        assert item["frames"].shape == (window.frames, 3, SIDE, SIDE)
        assert item["exposures"].shape == (window.frames,)
        assert item["hdr"].shape == (3, SIDE, SIDE)
        assert {value.dtype for value in item.values()} == {torch.float32}
        for value in (item["frames"], item["hdr"]):
            assert 0.0 <= float(value.min()) <= float(value.max()) <= 1.0
        slots = item["exposures"].tolist()
        assert min(slots) == 1.0
        assert len(set(slots)) == exposures
        for offset, exposure in zip(window.offsets, slots, strict=True):
            assert exposure == slots[(window.reference + offset) % exposures]
        references.add(sorted(set(slots)).index(slots[window.reference]))
    assert len(references) > 1  # the reference plays every part


@pytest.mark.parametrize("exposures", [2, 3])
def test_the_reference_frame_shows_the_truth(exposures: int) -> None:
    reference = WINDOWS[exposures].reference
    items = window_items(exposures, settings=CLEAN)
    for index in range(len(items)):
        item = items[index]
        truth = expose(item["hdr"].numpy(), float(item["exposures"][reference]))
        assert abs(item["frames"][reference].numpy() - truth).max() <= 0.5 / 255 + 1e-5


def test_noise_is_in_the_shorter_exposures_only() -> None:
    noisy = WindowSettings(side=SIDE, camera=replace(PLAIN_CAMERA, noise=(3e-3, 3e-3)))
    clean, dirty = window_items(2, settings=CLEAN), window_items(2, settings=noisy)
    longer = shorter = 0
    for index in range(8):
        a, b = clean[index], dirty[index]
        assert torch.equal(a["exposures"], b["exposures"])
        assert torch.equal(a["hdr"], b["hdr"])
        first = next(k for k, e in enumerate(a["exposures"].tolist()) if e == 1.0)
        last = next(k for k, e in enumerate(a["exposures"].tolist()) if e > 1.0)
        shorter += not torch.equal(a["frames"][first], b["frames"][first])
        longer += not torch.equal(a["frames"][last], b["frames"][last])
    assert shorter == 8
    assert longer == 0


@pytest.mark.parametrize("exposures", [2, 3])
def test_a_toned_window_differs_in_its_reference_alone(exposures: int) -> None:
    toned = WindowSettings(side=SIDE, camera=replace(PLAIN_CAMERA, toned=1.0))
    plain, changed = (window_items(exposures, settings=s) for s in (CLEAN, toned))
    reference = WINDOWS[exposures].reference
    for index in range(4):
        a, b = plain[index], changed[index]
        assert torch.equal(a["hdr"], b["hdr"])
        same_frames = [torch.equal(x, y) for x, y in zip(a["frames"], b["frames"], strict=True)]
        assert same_frames == [slot != reference for slot in range(len(same_frames))]


def test_a_coded_window_is_near_the_plain_one() -> None:
    # Whether frames are coded decides the draw of the number of codes, and with it what follows;
    # the reference is compared with its own truth.
    coded = WindowSettings(
        side=SIDE, camera=replace(PLAIN_CAMERA, coded=1.0, quantiser=(12.0, 12.0))
    )
    errors = []
    for settings in (CLEAN, coded):
        items = window_items(2, settings=settings)
        for index in range(8):
            item = items[index]
            truth = expose(item["hdr"].numpy(), float(item["exposures"][1]))
            errors.append(float(abs(item["frames"][1].numpy() - truth).mean()))
    assert max(errors[:8]) < 0.5 / 255
    assert 1.0 / 255 < np.mean(errors[8:]) < 10.0 / 255


def test_motion_reaches_the_windows() -> None:
    motion = MotionSettings(
        speed=0.0, turn=0.0, zoom=0.0, acceleration=0.0, shake=0.0, bent=0.0, blurred=0.0
    )
    still = window_items(2, settings=replace(CLEAN, motion=motion))[1]
    assert torch.equal(still["frames"][0], still["frames"][2])
    moving = window_items(2, settings=CLEAN)[1]
    assert not torch.equal(moving["frames"][0], moving["frames"][2])


@pytest.mark.parametrize("exposures", [2, 3])
def test_a_window_depends_on_its_seed_and_number_alone(exposures: int) -> None:
    items = window_items(exposures)
    late = items[5]
    other = window_items(exposures, length=600)
    other[0], other[1]
    assert same(other[5], late)
    assert not same(other[4], late)
    assert not same(window_items(exposures, seed=2)[5], late)


def test_an_interpolation_item_depends_on_its_seed_and_number_alone() -> None:
    settings = WindowSettings(side=SIDE)
    items = InterpolationItems(images(), settings, length=8, seed=1)
    late = items[5]
    assert same(InterpolationItems(images(), settings, length=99, seed=1)[5], late)
    assert not same(items[6], late)
    assert not same(InterpolationItems(images(), settings, length=8, seed=2)[5], late)


def test_interpolation_items_hold_what_they_say() -> None:
    items = InterpolationItems(images(), CLEAN, length=24, seed=3)
    times = set()
    for index in range(len(items)):
        item = items[index]
        shapes = {name: tuple(value.shape) for name, value in item.items()}
        image, flow, plane = (3, SIDE, SIDE), (2, SIDE, SIDE), (SIDE, SIDE)
        assert shapes == (
            dict.fromkeys(("a", "b", "reference", "target"), image)
            | dict.fromkeys(("ab", "ba", "to_a", "to_b"), flow)
            | dict.fromkeys(("seen_a", "seen_b"), plane)
            | {"time": (), "exposures": (2,)}
        )
        reference, pair = item["exposures"].tolist()
        assert reference != pair
        # The darker of both pictures of the same light, brought to the other's exposure.
        ratio = pair / reference
        lit = expose(item["reference"].numpy() ** 2.2, ratio)
        seen = (item["reference"].numpy() < 0.99) & (item["reference"].numpy() > 0.3)
        if seen.sum() > 100:
            step = max(1.0, ratio ** (1 / 2.2))
            assert abs(lit - item["target"].numpy())[seen].max() <= 0.51 * step / 255 + 1e-4
        times.add(round(float(item["time"]), 3))
    assert times == {0.333, 0.5, 0.667}


def test_flows_of_an_item_lead_from_the_target_to_its_neighbours() -> None:
    items = InterpolationItems(images(), CLEAN, length=12, seed=5)
    axis = np.arange(SIDE, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    for index in range(len(items)):
        item = {name: value.numpy() for name, value in items[index].items()}
        for side in ("a", "b"):
            flow, seen = item[f"to_{side}"], item[f"seen_{side}"] > 0
            neighbour = np.ascontiguousarray(item[side].transpose(1, 2, 0))
            found = cv2.remap(neighbour, x + flow[0], y + flow[1], cv2.INTER_LINEAR)
            error = abs(found - item["target"].transpose(1, 2, 0)).mean(axis=2)
            # Soft edges and fine texture differ; by far the most pixels agree.
            assert seen.sum() == 0 or np.median(error[seen]) < 0.03
