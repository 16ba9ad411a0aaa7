"""Methods give what their models compute, for the right frames of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lrhdr.baselines import BASELINES
from lrhdr.data.layouts import Picture
from lrhdr.errors import BundleError, InputError, LrhdrError
from lrhdr_benchmarks.evaluate.bundle import BundleMethod
from lrhdr_benchmarks.evaluate.extras import need
from lrhdr_benchmarks.evaluate.methods import MethodChoice, open_methods
from lrhdr_benchmarks.evaluate.windowed import Windowed
from tests.benchmarks.evaluate.rooms import EV, panning, scene_of

if TYPE_CHECKING:
    from tests.engines.conftest import TinyModel


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("wanted", [range(9), [2, 3, 4], [0, 4, 5, 8]])
def test_a_bundle_gives_its_frames_in_the_scale_of_the_truth(
    tiny_bundles: dict[int, TinyModel], exposures: int, wanted: Sequence[int]
) -> None:
    tiny = tiny_bundles[exposures]
    ev = [value - 2.5 for value in EV[exposures]]
    scene = scene_of(panning(9), ev)
    method = BundleMethod(str(tiny.folder), exposures, "tiny")
    frames = [scene.read_frame(i) for i in range(9)]
    found = list(method.estimate(scene, wanted))
    assert [estimate.index for estimate in found] == list(wanted)
    for estimate in found:
        expected = tiny.expected(frames, ev, estimate.index) * 2.0 ** min(ev)
        np.testing.assert_allclose(estimate.hdr, expected, atol=2e-5)
        assert estimate.masks is not None
        np.testing.assert_allclose(estimate.masks.sum(axis=2), 1.0, atol=1e-5)
    assert "tiny" in method.about


@pytest.mark.parametrize("exposures", [2, 3])
def test_a_windowed_method_sees_stand_ins_of_the_same_exposure(exposures: int) -> None:
    seen: list[tuple[list[float], list[float]]] = []

    def merge(frames: Sequence[Picture], e: Sequence[float]) -> Picture:
        seen.append(([float(frame[0, 0, 0]) for frame in frames], list(e)))
        return frames[0]

    truths = [np.full((8, 8, 3), 0.01 * (i + 1), np.float32) for i in range(7)]
    scene = scene_of(truths, EV[exposures])
    method = Windowed(name="m", about="", merge=merge)
    assert [e.index for e in method.estimate(scene, [0, 3, 6])] == [0, 3, 6]
    expected: dict[int, list[tuple[int, ...]]] = {
        2: [(1, 0, 1), (2, 3, 4), (5, 6, 5)],
        3: [(1, 2, 0, 1, 2), (1, 2, 3, 4, 5), (4, 5, 6, 4, 5)],
    }
    for (pixels, e), slots in zip(seen, expected[exposures], strict=True):
        assert pixels == pytest.approx([float(scene.read_frame(i)[0, 0, 0]) for i in slots])
        assert e == [scene.exposures[i] for i in slots]


def test_every_classical_method_can_be_named() -> None:
    methods = open_methods(MethodChoice(against=", ".join(BASELINES)), 2)
    assert [method.name for method in methods] == list(BASELINES)
    scene = scene_of(panning(6))
    for method in methods:
        (estimate,) = method.estimate(scene, [2])
        assert estimate.hdr.shape == (24, 40, 3)
        assert estimate.masks is None
        assert method.about


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (MethodChoice(against="dis,best"), "the method 'best'; expected some of ref, merge, dis"),
        (MethodChoice(against="dis,ref,dis"), "two methods named 'dis'"),
        (MethodChoice(against=" , "), "nothing to measure"),
        (MethodChoice(hdrflow_checkpoint=Path("c.pth")), "Give --hdrflow"),
        (MethodChoice(hdrflow=Path("nowhere")), "model_2E.py does not exist"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(choice: MethodChoice, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_methods(choice, 2)


def test_a_bundle_for_another_number_of_exposures_is_refused(
    tiny_bundles: dict[int, TinyModel],
) -> None:
    with pytest.raises(BundleError, match="is for 3 exposures; expected one for 2"):
        open_methods(MethodChoice(models=[str(tiny_bundles[3].folder)]), 2)


def test_a_missing_package_is_named_with_the_remedy() -> None:
    need("numpy", "eval")
    with pytest.raises(LrhdrError, match=r"no_such_module is not installed.*'\.\[train\]'"):
        need("no_such_module", "train")
