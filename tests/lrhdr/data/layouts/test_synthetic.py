"""The synthetic layout, as it is published: truths only where the protocol measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrhdr.data.layouts import open_layout
from lrhdr.errors import InputError

MakeSet = Callable[..., Path]


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("parent", [False, True])
def test_a_published_set_is_read(
    synthetic: MakeSet, codes: Any, light: Any, exposures: int, parent: bool
) -> None:
    root = synthetic(exposures, 9)
    scenes = open_layout(root.parent if parent else root, "synthetic", exposures)
    assert [scene.name for scene in scenes] == [f"a_{exposures}expo", f"b_{exposures}expo"]
    scene = scenes[1]
    assert scene.ev == {2: (-3.0, 0.0), 3: (-2.0, 0.0, 2.0)}[exposures]
    assert scene.exposures[: exposures + 1] == {2: [1, 8, 1], 3: [1, 4, 16, 1]}[exposures]
    assert scene.stems[0] == "shot.000"
    assert scene.measured == tuple(range(exposures, 9 - exposures))
    for index in range(len(scene)):
        frame, truth = scene.read_frame(index), scene.read_truth(index)
        np.testing.assert_allclose(frame, codes(index) / 65535, rtol=1e-6)
        assert frame.dtype == np.float32
        if index in scene.measured:
            assert truth is not None
            np.testing.assert_array_equal(truth, light(index))
        else:
            assert truth is None


def test_names_without_the_suffix_are_found(synthetic: MakeSet) -> None:
    root = synthetic(2)
    (root / "scenes_2expo.txt").write_bytes(b"\xef\xbb\xbfa \r\n\r\n  b_2expo\r\n")
    assert [scene.name for scene in open_layout(root, "synthetic", 2)] == ["a_2expo", "b_2expo"]


def test_a_truth_at_the_ends_is_read_but_not_measured(
    synthetic: MakeSet, save: Any, light: Any
) -> None:
    root = synthetic(2)
    save(root / "Images" / "a_2expo" / "shot.001.hdr", light(1))
    scene = open_layout(root, "synthetic", 2)[0]
    np.testing.assert_array_equal(scene.read_truth(1), light(1))
    assert scene.measured == (2, 3, 4, 5, 6)


def test_a_truth_above_one_is_divided_by_its_maximum(
    synthetic: MakeSet, save: Any, light: Any
) -> None:
    root = synthetic(2)
    save(root / "Images" / "a_2expo" / "shot.003.hdr", light(3, peak=8.0))
    truth = open_layout(root, "synthetic", 2)[0].read_truth(3)
    np.testing.assert_array_equal(truth, light(3))


@pytest.mark.parametrize(
    "name",
    [
        "scenes_2expo.txt",
        "Images/a_2expo/img_list.txt",
        "Images/a_2expo/Exposures.txt",
        "Images/b_2expo/shot.000.tif",
        "Images/b_2expo/shot.002.hdr",
    ],
)
def test_a_missing_file_is_named(synthetic: MakeSet, name: str) -> None:
    root = synthetic(2)
    (root / name).unlink()
    with pytest.raises(InputError) as caught:
        open_layout(root, "synthetic", 2)
    assert str(root / name) in str(caught.value)
    assert "expected" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("scenes_2expo.txt", "", "scenes_2expo.txt is empty"),
        ("scenes_2expo.txt", "a\nelsewhere\n", "names 'elsewhere'; expected a folder"),
        ("scenes_2expo.txt", "a\na\n", "names 'a' twice"),
        ("Images/a_2expo/img_list.txt", " \n\r\n", "img_list.txt is empty"),
        ("Images/a_2expo/img_list.txt", "shot.000\nshot.001\n", "names 2 frames, and .* 7 more"),
        ("Images/a_2expo/img_list.txt", "shot.000\nshot.000\n", "names 'shot.000' twice"),
        ("Images/a_2expo/Exposures.txt", "-2\n0\n2\n", "3 EVs: -2 0 2; expected .* 2 different"),
        ("Images/a_2expo/Exposures.txt", "1\n1.0\n", "2 EVs: 1 1; expected .* different"),
        ("Images/a_2expo/Exposures.txt", "0 fast\n", "'fast'; expected one cycle of 2"),
        ("Images/a_2expo/Exposures.txt", "0 inf\n", "0 inf; expected"),
        ("Images/a_2expo/Exposures.txt", "# none\n", "0 EVs: none"),
    ],
)
def test_what_does_not_fit_is_one_line(
    synthetic: MakeSet, name: str, text: str, message: str
) -> None:
    root = synthetic(2)
    (root / name).write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        open_layout(root, "synthetic", 2)
    assert str(root / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_binary_list_is_refused(synthetic: MakeSet) -> None:
    root = synthetic(2)
    (root / "scenes_2expo.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match=r"scenes_2expo\.txt is not a text file"):
        open_layout(root, "synthetic", 2)


@pytest.mark.parametrize(("exposures", "window"), [(2, 3), (3, 5)])
def test_a_short_scene_is_refused(synthetic: MakeSet, exposures: int, window: int) -> None:
    with pytest.raises(InputError, match=rf"img_list\.txt has {window - 1} .*at least {window}"):
        open_layout(synthetic(exposures, window - 1), "synthetic", exposures)
    with pytest.raises(InputError, match=rf"none of {2 * exposures} frames can be measured"):
        open_layout(synthetic(exposures, 2 * exposures), "synthetic", exposures)


def test_hidden_files_are_no_frames(synthetic: MakeSet) -> None:
    root = synthetic(2)
    (root / "Images" / "a_2expo" / "._shot.000.tif").write_bytes(b"a resource fork")
    assert len(open_layout(root, "synthetic", 2)) == 2
