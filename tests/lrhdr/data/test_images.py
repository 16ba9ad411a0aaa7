"""HDR photographs: read, cleaned, and kept apart for validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from numpy.typing import NDArray

from lrhdr.data.images import VALIDATION, list_images, load_images, read_image, split
from lrhdr.errors import TrainingError


def write(path: Path, pixels: NDArray[Any]) -> Path:
    height, width, channels = pixels.shape
    kind = "half" if path.suffix == ".exr" else "float"
    out = oiio.ImageOutput.create(str(path))
    assert out is not None
    assert out.open(str(path), oiio.ImageSpec(width, height, channels, kind))
    assert out.write_image(pixels.astype(np.float32))
    assert out.close()
    return path


def picture(seed: int = 0, shape: tuple[int, int, int] = (12, 16, 3)) -> NDArray[np.float32]:
    return np.random.default_rng(seed).lognormal(1.0, 1.0, shape).astype(np.float32)


@pytest.mark.parametrize("name", ["a.hdr", "a.exr"])
def test_an_image_is_read_up_to_its_scale(tmp_path: Path, name: str) -> None:
    pixels = picture()
    image = read_image(write(tmp_path / name, pixels))
    assert image.dtype == np.float32
    assert image.shape == pixels.shape
    assert np.median(image.max(axis=2)) == pytest.approx(1.0, rel=1e-5)
    # Radiance shares 8 bits of exponent among channels of 8 bits; half has 11 bits.
    ratio = image / pixels
    error = abs(image - pixels * np.median(ratio)) / image.max(axis=2, keepdims=True)
    assert error.max() < 0.01


def test_what_is_no_light_is_removed(tmp_path: Path) -> None:
    pixels = picture()
    pixels[0, 0], pixels[0, 1, 1], pixels[1, 0, 2] = np.nan, -5.0, np.inf
    image = read_image(write(tmp_path / "a.exr", pixels))
    assert np.isfinite(image).all()
    assert (image >= 0.0).all()
    assert (image[0, 0] == 0.0).all()
    assert image[0, 1, 1] == 0.0
    assert image[1, 0, 2] == image.max() > 1000.0


def test_alpha_is_dropped(tmp_path: Path) -> None:
    assert read_image(write(tmp_path / "a.exr", picture(shape=(12, 16, 4)))).shape == (12, 16, 3)


def test_black_stays_black(tmp_path: Path) -> None:
    black = np.zeros((8, 8, 3), np.float32)
    assert not read_image(write(tmp_path / "a.exr", black)).any()


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.hdr").write_text("no picture")
    write(tmp_path / "grey.exr", picture(shape=(8, 8, 1)))
    for name in ("text.hdr", "grey.exr", "missing.exr"):
        with pytest.raises(TrainingError, match=name) as caught:
            read_image(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", picture(shape=(64, 64, 3)))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(TrainingError, match=r"a\.exr"):
        read_image(path)


def test_only_hdr_images_are_listed_by_name(tmp_path: Path) -> None:
    for name in ("b.hdr", "a.EXR", "c.exr", "notes.txt", "d.png"):
        (tmp_path / name).touch()
    assert [path.name for path in list_images(tmp_path)] == ["a.EXR", "b.hdr", "c.exr"]


@pytest.mark.parametrize("name", [".", "missing"])
def test_a_folder_without_images_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TrainingError, match="holds no HDR image") as caught:
        list_images(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_an_unreadable_image_is_left_out_with_a_warning(tmp_path: Path) -> None:
    good = [write(tmp_path / f"{k}.hdr", picture(k)) for k in range(2)]
    bad = tmp_path / "bad.hdr"
    bad.write_text("no picture")
    with pytest.warns(UserWarning, match=r"left out: .*bad\.hdr"):
        images = load_images([good[0], bad, good[1]])
    assert len(images) == 2
    np.testing.assert_array_equal(images[1], read_image(good[1]))
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(TrainingError, match="none of 1 HDR images"),
    ):
        load_images([bad])


def paths(*stems: str) -> list[Path]:
    return [Path(f"{stem}.hdr") for stem in stems]


@pytest.mark.parametrize("count", [2, 3, 6, 7, 13, 40])
def test_split_is_whole_and_disjoint(count: int) -> None:
    everything = paths(*(f"p{k:02}" for k in range(count)))
    train, held = split(everything)
    assert train
    assert held
    assert not set(train) & set(held)
    assert sorted(train + held) == everything
    assert len(held) <= max(1, count // 6)


def test_known_validation_images_are_never_trained_on() -> None:
    known = sorted(VALIDATION)
    train, held = split(paths("a", *known, "b", "c"))
    assert train == paths("a", "b", "c")
    assert {path.stem for path in held} == VALIDATION


def test_one_known_image_decides() -> None:
    train, held = split(paths(*(f"p{k}" for k in range(9)), "pm_lobby"))
    assert held == paths("pm_lobby")
    assert len(train) == 9


def test_a_single_image_serves_both() -> None:
    assert split(paths("a")) == (paths("a"), paths("a"))
