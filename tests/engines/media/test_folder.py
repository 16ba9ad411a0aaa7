"""Folders of images: which frames, in which order, and exactly which numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr.errors import IncompleteError, InputError
from lrhdr_engines.media import Frame, open_source

Image = NDArray[Any]


def image(seed: int, shape: tuple[int, ...] = (17, 23, 3), dtype: Any = np.uint8) -> Image:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def save(path: Path, rgb: Image) -> Image:
    """Write RGB, RGBA or grey by OpenCV; returns it."""
    channels = rgb.shape[-1] if rgb.ndim == 3 else 2
    order: Any = {2: slice(None), 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    done, data = cv2.imencode(path.suffix, rgb if rgb.ndim == 2 else rgb[:, :, order])
    assert done
    path.write_bytes(data.tobytes())
    return rgb


def read(folder: Path, start: int = 0) -> list[Frame]:
    with open_source(folder) as source:
        return list(source.frames(start))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".ppm"])
def test_eight_bits_exactly(tmp_path: Path, suffix: str) -> None:
    expected = [save(tmp_path / f"f{k}{suffix}", image(k)) for k in range(3)]
    frames = read(tmp_path)
    assert [frame.index for frame in frames] == [0, 1, 2]
    for frame, rgb in zip(frames, expected, strict=True):
        assert frame.rgb.dtype == np.uint8
        np.testing.assert_array_equal(frame.rgb, rgb)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_exactly(tmp_path: Path, suffix: str) -> None:
    rgb = save(tmp_path / f"f{suffix}", image(0, dtype=np.uint16))
    with open_source(tmp_path) as source:
        assert source.info.bit_depth == 16
        frame = next(iter(source.frames()))
    assert frame.rgb.dtype == np.uint16
    np.testing.assert_array_equal(frame.rgb, rgb)


def test_grey_is_replicated_and_alpha_dropped(tmp_path: Path) -> None:
    grey = save(tmp_path / "a.png", image(0, (17, 23)))
    rgba = save(tmp_path / "b.png", image(1, (17, 23, 4)))
    first, second = read(tmp_path)
    np.testing.assert_array_equal(first.rgb, np.stack([grey] * 3, axis=2))
    np.testing.assert_array_equal(second.rgb, rgba[..., :3])


def test_jpeg(tmp_path: Path) -> None:
    smooth = cv2.resize(image(0, (3, 4, 3)), (64, 48))
    save(tmp_path / "a.jpg", smooth)
    assert np.abs(read(tmp_path)[0].rgb.astype(int) - smooth).mean() < 5


def test_facts_and_frame_rate(tmp_path: Path) -> None:
    save(tmp_path / "a.png", image(0))
    with open_source(tmp_path) as source:
        info = source.info
    assert (info.width, info.height, info.frames, info.kind) == (23, 17, 1, "folder")
    assert info.frame_rate == 24
    with open_source(tmp_path, Fraction(30000, 1001)) as source:
        assert source.info.frame_rate == Fraction(30000, 1001)


def test_ground_truth_and_other_files_are_left_out(tmp_path: Path) -> None:
    save(tmp_path / "a.png", image(0))
    for name in ("a.hdr", "b.exr", "Exposures.txt", ".hidden.png", "notes"):
        (tmp_path / name).write_bytes(b"0 3")
    (tmp_path / "img_hdr_list.txt").write_text("zz zz.hdr\n")
    assert len(read(tmp_path)) == 1


def test_numbers_sort_as_numbers(tmp_path: Path) -> None:
    values = [9, 10, 100, 2]
    for value in values:
        save(tmp_path / f"frame_{value}.png", np.full((2, 2, 3), value, np.uint8))
    assert [int(frame.rgb[0, 0, 0]) for frame in read(tmp_path)] == sorted(values)


@pytest.mark.parametrize("ending", ["", ".png"])
def test_list_names_and_orders_the_frames(tmp_path: Path, ending: str) -> None:
    for value in range(5):
        save(tmp_path / f"img.{value}.png", np.full((2, 2, 3), value, np.uint8))
    lines = "".join(f"img.{k}{ending}\r\n" for k in (3, 1, 4))
    (tmp_path / "img_list.txt").write_text(f"\ufeff{lines}\r\n", encoding="utf-8")
    assert [int(frame.rgb[0, 0, 0]) for frame in read(tmp_path)] == [3, 1, 4]


def test_list_that_names_a_missing_image(tmp_path: Path) -> None:
    save(tmp_path / "a.png", image(0))
    (tmp_path / "img_list.txt").write_text("a\nb\n")
    with pytest.raises(InputError, match="names 'b', and there is no such image"):
        open_source(tmp_path)


def test_list_that_is_ambiguous(tmp_path: Path) -> None:
    save(tmp_path / "a.png", image(0))
    save(tmp_path / "a.tif", image(0))
    (tmp_path / "img_list.txt").write_text("a\n")
    with pytest.raises(InputError, match=r"a\.png, a\.tif"):
        open_source(tmp_path)


def test_start(tmp_path: Path) -> None:
    for value in range(4):
        save(tmp_path / f"{value}.png", np.full((2, 2, 3), value, np.uint8))
    assert [(f.index, int(f.rgb[0, 0, 0])) for f in read(tmp_path, 2)] == [(2, 2), (3, 3)]


def test_different_sizes_name_both(tmp_path: Path) -> None:
    save(tmp_path / "a.png", image(0))
    save(tmp_path / "b.png", image(0, (17, 24, 3)))
    with pytest.raises(InputError, match=r"a\.png is 23x17 and .*b\.png is 24x17"):
        open_source(tmp_path)


def test_different_depths(tmp_path: Path) -> None:
    save(tmp_path / "a.png", image(0))
    save(tmp_path / "b.png", image(0, dtype=np.uint16))
    with pytest.raises(InputError, match=r"b\.png holds uint16 samples"):
        open_source(tmp_path)


def test_float_images_are_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.tif"), np.zeros((4, 4, 3), np.float32))
    with pytest.raises(InputError, match="holds float samples"):
        open_source(tmp_path)


def test_no_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no images"):
        open_source(tmp_path)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".ppm"])
@pytest.mark.parametrize("break_file", [_truncate, _empty])
@pytest.mark.parametrize("start", [0, 2, 3])
def test_unreadable_image_is_stood_in_for(
    tmp_path: Path, suffix: str, break_file: Callable[[Path], None], start: int
) -> None:
    for k in range(5):
        save(tmp_path / f"{k}{suffix}", image(k, (64, 64, 3)))
    whole = read(tmp_path)
    break_file(tmp_path / f"2{suffix}")
    break_file(tmp_path / f"3{suffix}")
    frames = read(tmp_path, start)
    assert [frame.index for frame in frames] == list(range(start, 5))
    assert [frame.index for frame in frames if frame.damaged] == [k for k in (2, 3) if k >= start]
    for frame in frames:
        expected = whole[1 if frame.damaged else frame.index]
        np.testing.assert_array_equal(frame.rgb, expected.rgb)
        assert frame.time == expected.time or frame.damaged


@pytest.mark.parametrize(("rate", "broken"), [(24, [4]), (2, [2, 3, 4]), (24, [3, 4])])
def test_unreadable_images_that_end_the_clip(tmp_path: Path, rate: int, broken: list[int]) -> None:
    for k in range(6 if len(broken) == 3 else 5):
        save(tmp_path / f"{k}.png", image(k))
    for k in broken:
        _truncate(tmp_path / f"{k}.png")
    frames: list[Frame] = []
    message = rf"{broken[0]}\.png cannot be read.*decoded {broken[0]} of"
    with (
        open_source(tmp_path, Fraction(rate)) as source,
        pytest.raises(IncompleteError, match=message),
    ):
        frames.extend(source.frames())
    assert [frame.index for frame in frames] == list(range(broken[0]))


def test_unreadable_first_image(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")
    save(tmp_path / "b.png", image(0))
    with pytest.raises(InputError, match=r"a\.png cannot be read"):
        open_source(tmp_path)
