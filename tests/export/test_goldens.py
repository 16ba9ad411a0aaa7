from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from lrhdr.contract import GOLDENS, WINDOWS
from lrhdr.model.network import Network
from lrhdr_export.goldens import SIDE, compute_goldens, golden_window, inputs, photograph


@pytest.fixture(params=[2, 3])
def exposures(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def stored(exported: Any, exposures: int) -> dict[str, Any]:
    with np.load(exported.folders[exposures] / GOLDENS) as file:
        return dict(file)


def test_shapes_and_ranges(exported: Any, exposures: int) -> None:
    window, goldens = WINDOWS[exposures], stored(exported, exposures)
    assert {name: value.shape for name, value in goldens.items()} == {
        "frames": (window.frames, SIDE, SIDE, 3),
        "exposures": (window.frames,),
        "interpolated": (len(window.interpolations), 3, SIDE, SIDE),
        "hdr": (3, SIDE, SIDE),
        "masks": (window.candidates, SIDE, SIDE),
    }
    assert goldens["frames"].dtype == np.uint8
    for name, kind in (("interpolated", np.float32), ("hdr", np.float32), ("masks", np.float16)):
        assert goldens[name].dtype == kind
        assert 0.0 <= goldens[name].min() < goldens[name].max() <= 1.0
    np.testing.assert_allclose(goldens["masks"].sum(axis=0, dtype=np.float64), 1.0, atol=2e-3)


def test_the_window_alternates(exposures: int) -> None:
    window = golden_window(exposures)
    e, step = window["exposures"], {2: 3.0, 3: 2.0}[exposures]
    assert e.min() == 1.0
    np.testing.assert_array_equal(e[exposures:], e[:-exposures])
    assert sorted(np.log2(e[:exposures])) == pytest.approx([step * k for k in range(exposures)])
    # Longer exposures are brighter, and frames of one exposure differ by motion.
    means = window["frames"].mean(axis=(1, 2, 3))
    order = np.argsort(e[:exposures])
    assert (np.diff(means[:exposures][order]) > 0).all()
    assert (window["frames"][0] != window["frames"][exposures]).any()


def test_windows_and_photographs_repeat(exposures: int) -> None:
    first, second = golden_window(exposures), golden_window(exposures)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])
    picture = photograph(1, 64, 128)
    np.testing.assert_array_equal(picture, photograph(1, 64, 128))
    assert (picture != photograph(2, 64, 128)).any()
    assert picture.dtype == np.float32
    assert np.median(picture.max(axis=2)) == pytest.approx(1.0)
    assert picture.max() / np.percentile(picture, 1) > 100.0


def test_goldens_repeat(networks: dict[int, Network], exported: Any, exposures: int) -> None:
    again, first = compute_goldens(networks[exposures]), stored(exported, exposures)
    assert again.keys() == first.keys()
    for name, value in first.items():
        # A parallel sum may round its float64 elsewhere, far below float32.
        np.testing.assert_allclose(again[name], value, rtol=1e-6, atol=1e-9, err_msg=name)


def test_inputs_are_planar_and_in_unit_range(exported: Any, exposures: int) -> None:
    goldens = stored(exported, exposures)
    frames, e = inputs(goldens)
    assert len(frames) == len(e) == WINDOWS[exposures].frames
    for frame, image in zip(frames, goldens["frames"], strict=True):
        assert frame.shape == (1, 3, SIDE, SIDE)
        assert frame.dtype == np.float64
        np.testing.assert_array_equal(frame[0, 1], image[..., 1] / 255.0)


@torch.no_grad()
def test_the_stored_vectors_are_the_network_in_float64(
    networks: dict[int, Network], exported: Any, exposures: int
) -> None:
    goldens = stored(exported, exposures)
    network = copy.deepcopy(networks[exposures]).double()
    frames, e = inputs(goldens)
    tensors, slots = [torch.from_numpy(f) for f in frames], torch.from_numpy(e)[None]
    result = network(tensors, slots)
    np.testing.assert_allclose(goldens["hdr"], result.hdr[0].numpy(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(goldens["masks"], result.masks[0].numpy(), rtol=5e-4, atol=1e-7)
    for k, film in enumerate(network.interpolate(tensors, slots)):
        np.testing.assert_allclose(
            goldens["interpolated"][k], film[0].numpy(), rtol=1e-6, atol=1e-9
        )
    # The masks weigh the candidates, Eq. 18.
    fused = sum(result.masks[:, i : i + 1] * c for i, c in enumerate(result.candidates))
    np.testing.assert_allclose(goldens["hdr"], fused[0].numpy(), rtol=1e-6, atol=1e-9)
