"""The layout of TOG13: linearised by the camera's response, without a truth."""

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
def test_frames_go_through_the_response(
    kalantari13: MakeSet, codes: Any, exposures: int, parent: bool
) -> None:
    root = kalantari13(exposures)
    (scene,) = open_layout(root.parent if parent else root, "kalantari13", exposures)
    assert scene.name == "dog"
    assert scene.stems[:2] == ("000", "001")
    assert scene.measured == ()
    assert scene.read_truth(3) is None
    linear = codes(3) / 65535.0 * [0.25, 0.5, 1.0]  # each channel over the peak of all
    np.testing.assert_allclose(scene.read_frame(3), linear ** (1 / 2.2), atol=1e-6)


def test_the_list_of_images_is_enough(kalantari13: MakeSet) -> None:
    root = kalantari13(2, 3)
    (root / "dog" / "img_hdr_list.txt").unlink()
    assert open_layout(root, "kalantari13", 2)[0].stems == ("000", "001", "002")


@pytest.mark.parametrize(
    "name", ["2Exp_scenes.txt", "BaslerCRF.mat", "dog/Exposures.txt", "dog/002.tif"]
)
def test_a_missing_file_is_named(kalantari13: MakeSet, name: str) -> None:
    root = kalantari13(2)
    (root / name).unlink()
    with pytest.raises(InputError) as caught:
        open_layout(root, "kalantari13", 2)
    assert str(root / name) in str(caught.value)


@pytest.mark.parametrize(("exposures", "window"), [(2, 3), (3, 5)])
def test_a_window_is_long_enough(kalantari13: MakeSet, exposures: int, window: int) -> None:
    (scene,) = open_layout(kalantari13(exposures, window), "kalantari13", exposures)
    assert len(scene) == window
    with pytest.raises(InputError, match=f"has {window - 1} frames; expected at least {window}"):
        open_layout(kalantari13(exposures, window - 1), "kalantari13", exposures)


@pytest.mark.parametrize(
    "response",
    [np.ones((256, 3)), np.zeros((65536, 3)), np.full((65536, 3), np.nan), np.ones((65536, 1))],
    ids=["256 codes", "black", "nan", "grey"],
)
def test_a_response_that_does_not_fit_is_refused(kalantari13: MakeSet, response: Any) -> None:
    with pytest.raises(InputError, match=r"BaslerCRF\.mat holds .*; expected the linear light"):
        open_layout(kalantari13(2, response=response), "kalantari13", 2)


def test_eight_bits_are_refused(kalantari13: MakeSet, codes: Any, save: Any) -> None:
    root = kalantari13(2)
    save(root / "dog" / "001.tif", (codes(1) >> 8).astype(np.uint8))
    (scene,) = open_layout(root, "kalantari13", 2)
    with pytest.raises(InputError, match=r"001\.tif holds uint8 samples; expected 16 bits"):
        scene.read_frame(1)
