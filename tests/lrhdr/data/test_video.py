"""Windows from ordinary video: their frames follow one another, and the truth is their light."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from lrhdr.contract import WINDOWS
from lrhdr.data import video
from lrhdr.data.camera import CameraSettings
from lrhdr.data.clips import Codes
from lrhdr.data.video import VideoItems, inverse_response
from lrhdr.data.windows import WindowItems, WindowSettings
from lrhdr.errors import TrainingError
from lrhdr.light import expose
from tests.lrhdr.data.test_clips import number_of, numbered, write_clip
from tests.lrhdr.data.test_footage import pan, scenery, septuplets

SIDE = 48
CLEAN = CameraSettings(noise=(0.0, 0.0), coded=0.0)


def items(root: Path, exposures: int = 2, seed: int = 1, **changes: Any) -> VideoItems:
    settings = WindowSettings(side=SIDE, camera=changes.pop("camera", CameraSettings()))
    length = changes.pop("length", 8)
    return VideoItems(root, settings, exposures=exposures, length=length, seed=seed)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of a pan; the second cuts to another scene in its middle."""
    folder = tmp_path_factory.mktemp("footage")
    write_clip(folder / "pan.mp4", pan(scenery(1), 3, 20))
    write_clip(folder / "cut.mkv", [*pan(scenery(2), 2, 11), *pan(scenery(3), 2, 11)])
    return folder


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("exposures", [2, 3])
def test_items_are_as_those_from_photographs(root: Path, exposures: int) -> None:
    window = WINDOWS[exposures]
    settings = WindowSettings(side=SIDE)
    photograph = scenery(1).astype(np.float32)
    like = WindowItems([photograph], settings, exposures=exposures, length=1, seed=1)[0]
    found = items(root, exposures)
    assert len(found) == 8
    references = set()
    for index in range(len(found)):
        item = found[index]
        assert {n: (v.shape, v.dtype) for n, v in item.items()} == {
            n: (v.shape, v.dtype) for n, v in like.items()
        }
        for value in (item["frames"], item["hdr"]):
            assert 0.0 <= float(value.min()) <= float(value.max()) <= 1.0
        slots = item["exposures"].tolist()
        assert min(slots) == 1.0
        for offset, exposure in zip(window.offsets, slots, strict=True):
            assert exposure == slots[(window.reference + offset) % exposures]
        references.add(sorted(set(slots)).index(slots[window.reference]))
    assert len(references) > 1


@pytest.mark.parametrize("exposures", [2, 3])
def test_the_reference_frame_shows_the_truth(root: Path, exposures: int) -> None:
    reference = WINDOWS[exposures].reference
    found = items(root, exposures, camera=CLEAN)
    for index in range(4):
        item = found[index]
        truth = expose(item["hdr"].numpy(), float(item["exposures"][reference]))
        assert abs(item["frames"][reference].numpy() - truth).max() <= 0.5 / 255 + 1e-5
        assert float(item["hdr"].std()) > 0.005


@pytest.mark.parametrize("exposures", [2, 3])
def test_an_item_depends_on_its_seed_and_number_alone(root: Path, exposures: int) -> None:
    found = items(root, exposures)
    late = found[5]
    other = items(root, exposures, length=600)
    other[0], other[1]
    assert same(other[5], late)
    assert not same(other[4], late)
    assert not same(items(root, exposures, seed=2)[5], late)


def shown(shot: list[Codes]) -> list[int]:
    """The numbers of a shot's frames, however it was turned. See `numbered`: bit 7 is dark."""
    upright = shot
    if all(np.ptp(crop[0, :, 1]) < 60 for crop in shot):
        upright = [crop.swapaxes(0, 1) for crop in shot]
    numbers = [number_of(np.ascontiguousarray(crop)) for crop in upright]
    mirrored = [number_of(np.ascontiguousarray(crop[:, ::-1])) for crop in upright]
    return numbers if max(numbers) < 128 else mirrored


@pytest.mark.parametrize(("exposures", "strides"), [(2, {1, 2, 3}), (3, {1})])
def test_frames_of_a_window_are_equally_spaced_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exposures: int, strides: set[int]
) -> None:
    monkeypatch.setattr(video, "has_cut", lambda run: False)  # numbers flicker
    septuplets(tmp_path, "00001/0001")
    square = [cv2.resize(numbered(65 + 2 * k), (SIDE, SIDE)) for k in range(7)]
    for k, picture in enumerate(square, 1):
        cv2.imwrite(str(tmp_path / f"sequences/00001/0001/im{k}.png"), picture)
    found = items(tmp_path, exposures)
    steps, first = set(), set()
    for seed in range(60):
        numbers = shown(found._shot(np.random.default_rng(seed)))
        assert len(numbers) == WINDOWS[exposures].frames
        gaps = set(np.diff(numbers).tolist())
        assert len(gaps) == 1
        steps |= gaps
        first.add(min(numbers))
    assert steps == {2 * sign * stride for stride in strides for sign in (1, -1)}
    assert first == {65 + 2 * k for k in range(7 - WINDOWS[exposures].frames + 1)}


def test_no_window_crosses_a_cut(tmp_path: Path) -> None:
    # Two flat scenes would look alike to the response; texture tells them apart.
    dark, bright = scenery(4) // 3, 170 + scenery(5) // 3
    write_clip(tmp_path / "a.mp4", [*pan(dark, 1, 12), *pan(bright, 1, 12)])
    found = items(tmp_path, 3)
    sides = set()
    for seed in range(30):
        levels = [crop.mean() > 128 for crop in found._shot(np.random.default_rng(seed))]
        assert len(set(levels)) == 1
        sides.add(levels[0])
    assert sides == {True, False}


def test_large_frames_are_scaled_down_and_small_ones_are_not(tmp_path: Path) -> None:
    large, small = tmp_path / "large", tmp_path / "small"
    for folder, height in ((large, 400), (small, 64)):
        folder.mkdir()
        picture = cv2.resize(scenery(1), (2 * height, height))
        for k in range(4):
            cv2.imwrite(str(folder / f"{k}.png"), picture)
    found = items(large)
    sides = [found._shot(np.random.default_rng(s))[0].shape[0] for s in range(20)]
    assert 400 / 3.0 <= min(sides) < max(sides) <= 400 / 1.5
    found = items(small)
    turned = set()
    for seed in range(30):
        (crop, *_) = found._shot(np.random.default_rng(seed))
        assert crop.shape == (SIDE, SIDE, 3)
        differences = [
            cv2.matchTemplate(picture[..., ::-1], np.ascontiguousarray(turn), cv2.TM_SQDIFF).min()
            for turn in (np.rot90(way, k) for way in (crop, crop[::-1]) for k in range(4))
        ]
        assert min(differences) < 1000  # OpenCV rounds; the others are 1e7
        turned.add(int(np.argmin(differences)))
    assert turned == set(range(8))


def test_a_response_is_undone_from_black_to_white() -> None:
    curves = [inverse_response(np.random.default_rng(seed)) for seed in range(20)]
    for curve in curves:
        assert curve.shape == (256,)
        assert curve.dtype == np.float32
        assert curve[0] == 0.0
        assert curve[255] == pytest.approx(1.0)
        assert (np.diff(curve) > 0.0).all()
    assert np.std([curve[128] for curve in curves]) > 0.01


def test_the_mean_response_is_that_of_the_literature(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mean:
        def normal(self, mean: float, deviation: float) -> float:
            return mean

    curve = inverse_response(Mean())  # type: ignore[arg-type]
    x = curve.astype(np.float64)
    y = 1.6 * x**0.65 / (x**0.65 + 0.6)
    np.testing.assert_allclose(y, np.arange(256) / 255, atol=1e-6)


def test_what_fails_while_drawing_is_named_and_another_is_drawn(tmp_path: Path) -> None:
    septuplets(tmp_path, "1/1", "1/2")
    for path in (tmp_path / "sequences/1/2").iterdir():
        path.write_text("no picture")
    for path in (tmp_path / "sequences/1/1").iterdir():
        cv2.imwrite(str(path), scenery(1))
    with pytest.warns(UserWarning, match=r"left out: .*sequences/1/2/im\d\.png cannot be read"):
        assert len([items(tmp_path)[index] for index in range(8)]) == 8


def test_footage_without_a_usable_window_is_refused(tmp_path: Path) -> None:
    write_clip(tmp_path / "small.mp4", [scenery(1)[:32, :320]] * 5)
    with (
        pytest.warns(UserWarning, match=r"small\.mp4 has frames of 320x32 pixels"),
        pytest.raises(TrainingError, match=r"gave no window in 50 draws \(.*small\.mp4") as caught,
    ):
        items(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_slide_show_is_refused(tmp_path: Path) -> None:
    for k in range(4):
        cv2.imwrite(str(tmp_path / f"{k}.png"), scenery(10 + k))
    with pytest.raises(TrainingError, match=r"no window in 50 draws \(a cut in every one\)"):
        items(tmp_path)
