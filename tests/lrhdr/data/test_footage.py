"""Footage: what is found in a folder, runs without gaps, and where a shot ends."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.data.clips import Codes
from lrhdr.data.footage import Footage, find_footage, has_cut
from lrhdr.errors import TrainingError
from tests.lrhdr.data.test_clips import number_of, numbered, write_clip


def write_pictures(folder: Path, names: list[str]) -> None:
    """Each shows the number of its place in `names`."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), numbered(place))


def septuplets(root: Path, *names: str) -> None:
    for name in names:
        write_pictures(root / "sequences" / name, [f"im{k}.png" for k in range(1, 8)])


def places(found: list[Footage], root: Path) -> list[str]:
    return [str(footage.path.relative_to(root)) for footage in found]


def test_clips_and_picture_folders_are_found_at_any_depth(tmp_path: Path) -> None:
    write_clip(tmp_path / "b.mp4", [numbered(k) for k in range(6)])
    (tmp_path / "deep" / "er").mkdir(parents=True)
    write_clip(tmp_path / "deep" / "er" / "a.MKV", [numbered(k) for k in range(6)])
    write_pictures(tmp_path / "shots", [f"shot_{k:03}.jpg" for k in range(9)])
    (tmp_path / "notes.txt").touch()
    found = find_footage(tmp_path, 5)
    assert places(found, tmp_path) == ["b.mp4", "deep/er/a.MKV", "shots"]
    assert [len(footage) for footage in found] == [6, 6, 9]
    for footage in found:
        assert [number_of(frame) for frame in footage.read(2, 3)] == [2, 3, 4]


def test_septuplets_are_found_with_and_without_their_list(tmp_path: Path) -> None:
    septuplets(tmp_path, "00001/0001", "00001/0002", "00002/0001")
    assert len(find_footage(tmp_path, 5)) == 3
    (tmp_path / "sep_trainlist.txt").write_text("00002/0001\n00001/0001\n\n")
    found = find_footage(tmp_path, 5)
    assert places(found, tmp_path) == ["sequences/00002/0001", "sequences/00001/0001"]
    assert [number_of(frame) for frame in found[0].read(0, 7)] == [*range(7)]


def test_what_the_list_names_in_vain_is_named_in_a_warning(tmp_path: Path) -> None:
    septuplets(tmp_path, "00001/0001", "00001/0002")
    (tmp_path / "sequences/00001/0002/im4.png").unlink()
    (tmp_path / "sep_trainlist.txt").write_text("00001/0001\n00001/0002\n00001/0003\n")
    with pytest.warns(UserWarning, match="left out") as caught:
        found = find_footage(tmp_path, 5)
    assert len(found) == 1
    for warning, (name, frames) in zip(caught, (("0002", 3), ("0003", 0)), strict=True):
        assert f"{name} has {frames} frames in a row" in str(warning.message)


def test_a_run_ends_where_a_number_is_missing(tmp_path: Path) -> None:
    names = [f"f{k}.png" for k in range(1, 15)]  # f2 before f10
    write_pictures(tmp_path, names)
    (tmp_path / "f6.png").unlink()
    found = find_footage(tmp_path, 3)
    shown = [[number_of(frame) for frame in run.read(0, len(run))] for run in found]
    assert shown == [[*range(5)], [*range(6, 14)]]


def test_runs_of_different_names_are_not_joined(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a1.png", "a2.png", "b3.png", "b4.png", "b5.jpg", "b6.jpg", "c.png"])
    assert [len(run) for run in find_footage(tmp_path, 2)] == [2, 2, 2]
    with pytest.raises(TrainingError, match="no footage of 3 frames"):
        find_footage(tmp_path, 3)


def test_an_unreadable_or_short_clip_is_left_out_with_a_warning(tmp_path: Path) -> None:
    write_clip(tmp_path / "good.mp4", [numbered(k) for k in range(6)])
    write_clip(tmp_path / "short.mp4", [numbered(k) for k in range(4)])
    (tmp_path / "bad.mp4").write_text("no video")
    with pytest.warns(UserWarning, match="left out") as caught:
        found = find_footage(tmp_path, 5)
    assert places(found, tmp_path) == ["good.mp4"]
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert messages[0].startswith(f"left out: {tmp_path / 'bad.mp4'} cannot be read")
    assert messages[1].startswith(f"left out: {tmp_path / 'short.mp4'} has 4 frames")


@pytest.mark.parametrize("name", [".", "missing"])
def test_a_folder_without_footage_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TrainingError, match="holds no footage of 3 frames") as caught:
        find_footage(tmp_path / name, 3)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_picture_that_cannot_be_read_or_does_not_fit_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, [f"f{k}.png" for k in range(5)])
    (run,) = find_footage(tmp_path, 5)
    (tmp_path / "f3.png").write_text("no picture")
    assert len(run.read(0, 3)) == 3
    with pytest.raises(TrainingError, match=r"f3\.png cannot be read"):
        run.read(1, 3)
    cv2.imwrite(str(tmp_path / "f3.png"), numbered(3, (32, 96)))
    with pytest.raises(TrainingError, match=r"f3\.png is not as large"):
        run.read(1, 3)


def scenery(seed: int, contrast: float = 1.0) -> Codes:
    """A photograph-like picture, 180x320: structure at every scale."""
    rng = np.random.default_rng(seed)
    field = np.zeros((180, 320, 3), np.float32)
    for octave in range(2, 8):
        noise = rng.normal(size=(2**octave, 2**octave, 3)).astype(np.float32)
        field += cv2.resize(noise, (320, 180), interpolation=cv2.INTER_CUBIC) / octave
    codes: Codes = (128 + contrast * 60 * field / field.std()).clip(0, 255).astype(np.uint8)
    return codes


def pan(picture: Codes, speed: int, count: int = 5) -> list[Codes]:
    return [picture[:, speed * k : speed * k + 200] for k in range(count)]


@settings(max_examples=30)
@given(st.integers(0, 999), st.integers(0, 6), st.sampled_from([0.1, 1.0]))
def test_a_moving_shot_has_no_cut(seed: int, speed: int, contrast: float) -> None:
    assert not has_cut(pan(scenery(seed, contrast), speed))


@settings(max_examples=30)
@given(st.integers(0, 999), st.integers(1, 4), st.sampled_from([0.1, 1.0]))
def test_a_cut_is_found_wherever_it_is(seed: int, place: int, contrast: float) -> None:
    one, other = (pan(scenery(s, contrast), 3) for s in (seed, seed + 1000))
    assert has_cut([*one[:place], *other[place:]])


@settings(max_examples=30)
@given(st.integers(0, 999))
def test_noise_and_a_slow_fade_are_no_cut(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dark = [rng.integers(0, 6, (180, 320, 3)).astype(np.uint8) for _ in range(3)]
    assert not has_cut(dark)
    picture = scenery(seed)
    assert not has_cut([(picture * level).astype(np.uint8) for level in (1.0, 0.9, 0.8)])


def test_black_slides_and_flashes_are_cuts() -> None:
    picture, black = scenery(1), np.zeros((180, 320, 3), np.uint8)
    assert has_cut([picture, picture, black])
    assert has_cut([picture, np.full_like(picture, 255), picture])
    assert not has_cut([black, black, black])
