"""Pictures that cannot be used are named, when they are read and not before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lrhdr.data.layouts import open_layout
from lrhdr.data.layouts.pictures import read_frame, read_truth
from lrhdr.errors import InputError

MakeSet = Callable[..., Path]


def test_eight_bits_fill_the_same_range(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "a.tif"
    save(path, np.arange(0, 256, dtype=np.uint8)[:255].reshape(5, 17, 3))
    frame = read_frame(path)
    assert frame[0, 0, 0] == 0.0
    assert frame.max() == np.float32(254 / 255)


def test_black_has_a_truth(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "a.hdr"
    save(path, np.zeros((4, 4, 3), np.float32))
    assert not read_truth(path).any()


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("name", ["shot.004.tif", "shot.004.hdr"])
def test_a_cut_off_picture_is_named_when_it_is_read(
    synthetic: MakeSet,
    capfd: pytest.CaptureFixture[str],
    name: str,
    fraction: float,
) -> None:
    root = synthetic(2)
    file = root / "Images" / "a_2expo" / name
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * fraction)])
    scene = open_layout(root, "synthetic", 2)[0]
    read = scene.read_frame if file.suffix == ".tif" else scene.read_truth
    read(3)
    with pytest.raises(InputError, match="cannot be read as an RGB picture") as caught:
        read(4)
    assert str(file) in str(caught.value)
    assert capfd.readouterr().err == ""  # OpenCV's own complaints are not shown


def test_opencv_talks_again_afterwards(tmp_path: Path) -> None:
    level = cv2.utils.logging.getLogLevel()
    with pytest.raises(InputError):
        read_frame(tmp_path / "missing.tif")
    assert cv2.utils.logging.getLogLevel() == level


@pytest.mark.parametrize("name", ["shot.004.tif", "shot.004.hdr"])
def test_another_size_is_named_when_it_is_read(synthetic: MakeSet, save: Any, name: str) -> None:
    root = synthetic(2)
    file = root / "Images" / "a_2expo" / name
    kind = np.uint16 if file.suffix == ".tif" else np.float32
    save(file, np.ones((6, 9, 3), kind))
    scene = open_layout(root, "synthetic", 2)[0]
    read = scene.read_frame if file.suffix == ".tif" else scene.read_truth
    with pytest.raises(InputError, match=r"is 9x6; expected 8x6, as .*shot\.000\.tif is") as caught:
        read(4)
    assert str(file) in str(caught.value)


def test_a_frame_of_other_samples_is_refused(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "a.tif"
    save(path, np.ones((4, 4, 3), np.float32))
    with pytest.raises(InputError, match=r"a\.tif holds float32 samples; expected 8 or 16 bits"):
        read_frame(path)
    save(tmp_path / "a.png", np.ones((4, 4, 3), np.uint8))
    (tmp_path / "a.png").rename(tmp_path / "a.hdr")
    with pytest.raises(InputError, match=r"a\.hdr holds uint8 samples; expected a Radiance"):
        read_truth(tmp_path / "a.hdr")


def test_grey_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    assert cv2.imwrite(str(path), np.ones((4, 4), np.uint16))
    with pytest.raises(InputError, match=r"a\.tif cannot be read as an RGB picture"):
        read_frame(path)
