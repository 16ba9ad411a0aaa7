"""Validation: its figures are those of a direct computation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr.baselines import dis_aligned_merge, unaligned_merge
from lrhdr.data.draw import MotionSettings
from lrhdr.data.windows import InterpolationItems, WindowItems, WindowSettings
from lrhdr.light import tonemap
from lrhdr.metrics import psnr_t
from lrhdr.model.config import ModelConfig
from lrhdr.model.network import Network
from lrhdr.model.ops import tonemap as tonemap_torch
from lrhdr.training.validate import Validation, best_candidate, psnr
from tests.lrhdr.training.miniature import SIDE, tiny

Pictures = list[NDArray[np.float32]]
WINDOWS = WindowSettings(side=SIDE, motion=MotionSettings(speed=3.0))


def planes(picture: torch.Tensor) -> NDArray[np.float64]:
    return picture.permute(1, 2, 0).double().numpy()


@pytest.mark.parametrize("exposures", [2, 3])
def test_figures_of_the_network(exposures: int, pictures: Pictures) -> None:
    torch.manual_seed(1)
    network = Network(tiny("lite", exposures))
    items = WindowItems(pictures, WINDOWS, exposures=exposures, length=6, seed=1)
    found = Validation(items).network(network)
    expected: dict[str, list[float]] = {}
    for item in (items[k] for k in range(6)):
        frames = [np.ascontiguousarray(planes(f), np.float32) for f in item["frames"]]
        e, truth = item["exposures"].tolist(), planes(item["hdr"])
        with torch.no_grad():
            result = network(list(item["frames"].unsqueeze(0).unbind(1)), item["exposures"][None])
        candidates = np.stack([planes(c[0]) for c in result.candidates])
        errors = ((tonemap(candidates) - tonemap(truth)) ** 2).sum(axis=-1)
        best = np.take_along_axis(candidates, errors.argmin(axis=0)[None, ..., None], axis=0)[0]
        middle = len(frames) // 2
        rank = sorted(set(e)).index(e[middle])
        for name, picture in (
            ("ours", planes(result.hdr[0])),
            ("ref", candidates[middle]),
            ("oracle", best),
            ("merge", unaligned_merge(frames, e)),
            ("dis", dis_aligned_merge(frames, e)),
        ):
            value = psnr_t(picture, truth)
            expected.setdefault(name, []).append(value)
            if name in ("ours", "ref", "oracle"):
                expected.setdefault(f"{name}_e{rank}", []).append(value)
        alive = (result.masks[0] > 0).sum(dim=0).double().mean()
        expected.setdefault("alive", []).append(float(alive))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == pytest.approx(np.mean(values), abs=1e-3), name
    assert found["oracle"] > max(found["ref"], found["ours"])


def test_figures_of_the_interpolator(tiny_config: ModelConfig, pictures: Pictures) -> None:
    torch.manual_seed(1)
    film = Network(tiny_config).film
    items = InterpolationItems(pictures, WINDOWS, length=6, seed=1)
    found = Validation(items).interpolator(film)
    expected: dict[str, list[float]] = {}
    for item in (items[k] for k in range(6)):
        one = {k: v.unsqueeze(0) for k, v in item.items()}
        with torch.no_grad():
            out = film(one["a"], one["b"], one["time"], one["reference"], one["exposures"])
        e_reference, e_pair = item["exposures"].tolist()
        role = "bright" if e_pair > e_reference else "dark"
        average = (one["a"] + one["b"]) / 2
        for name, picture in (("film", out), ("average", average)):
            error = float(((picture - one["target"]).double() ** 2).mean())
            expected.setdefault(f"{name}_{role}", []).append(-10 * math.log10(error))
    assert (
        found.keys()
        == expected.keys()
        == {f"{n}_{r}" for n in ("film", "average") for r in ("bright", "dark")}
    )
    for name, values in expected.items():
        assert found[name] == pytest.approx(np.mean(values), abs=1e-3), name


@given(
    n=st.integers(1, 6), seed=st.integers(0, 2**32 - 1), size=st.tuples(*[st.integers(1, 5)] * 2)
)
@settings(max_examples=40)
def test_the_best_candidate_is_nowhere_worse(n: int, seed: int, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    truth, *candidates = torch.rand(n + 1, 2, 3, *size, generator=generator)
    best = best_candidate(candidates, truth)
    assert best.shape == truth.shape

    def error(picture: torch.Tensor) -> torch.Tensor:
        return ((tonemap_torch(picture) - tonemap_torch(truth)) ** 2).sum(dim=1)

    errors = torch.stack([error(c) for c in candidates])
    assert torch.equal(error(best), errors.min(dim=0).values)


def test_psnr_is_capped() -> None:
    a = torch.zeros(1, 3, 4, 4)
    assert psnr(a, a) == pytest.approx(80.0)
    assert psnr(a, a + 0.1) == pytest.approx(20.0, abs=1e-4)


def test_items_are_drawn_once(pictures: Pictures) -> None:
    items = WindowItems(pictures, WINDOWS, exposures=2, length=3, seed=1)
    validation = Validation(items)
    items.images = []  # nothing to draw from any more
    assert len(validation.items) == 3
    assert validation.classical == validation.classical
    assert validation.classical.keys() == {"merge", "dis"}
