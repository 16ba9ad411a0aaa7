"""The real layout: one truth a scene where things move, one a frame where the camera does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrhdr.data.layouts import open_layout
from lrhdr.errors import InputError

MakeSet = Callable[..., Path]


@pytest.mark.parametrize(("exposures", "count"), [(2, 5), (3, 7), (2, 6)])
def test_a_dynamic_scene_has_its_truth_in_the_middle(
    real: MakeSet, codes: Any, light: Any, exposures: int, count: int
) -> None:
    root = real("dynamic", exposures, count) / f"dynamic_RGB_data_{exposures}exp_release"
    (scene,) = open_layout(root, "real", exposures)
    middle = count // 2
    assert scene.name == "room"
    assert scene.measured == (middle,)
    assert scene.stems[1] == "img_01"
    np.testing.assert_allclose(scene.read_frame(1), codes(1) / 65535, rtol=1e-6)
    # The last that was written under the one name; brought to 1 from its peak of 4.
    np.testing.assert_array_equal(scene.read_truth(middle), light(count - 1))
    assert all(scene.read_truth(index) is None for index in range(count) if index != middle)


@pytest.mark.parametrize(("exposures", "count"), [(2, 6), (3, 9)])
def test_a_static_scene_has_a_truth_for_every_frame(
    real: MakeSet, light: Any, exposures: int, count: int
) -> None:
    root = real("static", exposures, count)
    (scene,) = open_layout(root, "real", exposures)
    assert scene.name == "static-room"
    assert scene.measured == tuple(range(exposures, count - exposures))
    for index in range(count):
        np.testing.assert_array_equal(scene.read_truth(index), light(index))


def test_the_parent_gives_both(real: MakeSet) -> None:
    real("dynamic", 2, 5)
    real("static", 3, 9)
    root = real("static", 2, 6)
    scenes = open_layout(root, "real", 2)
    assert [(scene.name, len(scene)) for scene in scenes] == [
        ("dynamic-room", 5),
        ("static-room", 6),
    ]


def test_no_such_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scene_all\.txt is missing; expected it, or dynamic_RGB"):
        open_layout(tmp_path, "real", 2)


def test_the_folder_of_other_exposures_is_refused(real: MakeSet) -> None:
    root = real("dynamic", 3, 7) / "dynamic_RGB_data_3exp_release"
    with pytest.raises(InputError, match=r"Exposures\.txt has 3 EVs: -2 0 2; expected .* of 2"):
        open_layout(root, "real", 2)


def test_a_frame_may_have_no_truth(real: MakeSet) -> None:
    root = real("static", 2, 8)
    pairs = next(root.glob("static*/room/img_hdr_list.txt"))
    pairs.write_text(pairs.read_text().replace("img_03.hdr", "None"))
    (pairs.parent / "img_list.txt").unlink()  # the pairs say it all
    (scene,) = open_layout(root, "real", 2)
    assert scene.measured == (2, 4, 5)
    assert scene.read_truth(3) is None


@pytest.mark.parametrize("name", ["img_hdr_list.txt", "Exposures.txt", "img_05.tif", "img_00.hdr"])
def test_a_missing_file_is_named(real: MakeSet, name: str) -> None:
    root = real("static", 2, 6)
    file = next(root.glob(f"static*/room/{name}"))
    file.unlink()
    with pytest.raises(InputError) as caught:
        open_layout(root, "real", 2)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("img_hdr_list.txt", "img_00.tif\n", r"the line 'img_00\.tif' of 1 names"),
        ("img_hdr_list.txt", "a.tif a.hdr b.tif\n", "of 3 names"),
        ("img_hdr_list.txt", "img_00.tif img_00.hdr\n", "names 1 frames, and .* holds 5 more"),
        ("img_hdr_list.txt", "a.tif a.hdr\na.tif b.hdr\n", r"names 'a\.tif' twice"),
        ("img_list.txt", "img_00.tif\n", "differ; expected the same images in both"),
    ],
)
def test_lists_that_do_not_fit_are_refused(
    real: MakeSet, name: str, text: str, message: str
) -> None:
    root = real("static", 2, 6)
    file = next(root.glob(f"static*/room/{name}"))
    file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        open_layout(root, "real", 2)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
