"""The kernels' own source on the CPU against float64; tolerances stand in oracle.py.

What this cannot show: the launch, and the device's log2 and exp2. `rough.h` puts the worst that
the PTX ISA allows those in their place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr_engines.plugin.sources import source_folder
from tests.engines.plugin.kernels import Array, HostKernels, placed
from tests.engines.plugin.oracle import EPS, exact_hdr, exact_masks, mask_bound

HERE = Path(__file__).parent
ALPHAS = (1.05, 1.2, 1.25, 1.4, 1.5, 1.6, 1.75, 1.9, 2.0)
COUNTS = range(2, 17)


@pytest.fixture(scope="module", params=["exact", "rough"])
def host(request: pytest.FixtureRequest, compile_cpp: Any) -> Any:
    options = ["-shared", "-fPIC"]
    if request.param == "rough":
        options += ["-include", str(HERE / "rough.h")]
    path = compile_cpp(source_folder() / "host.cpp", f"{request.param}.so", *options)
    return HostKernels(path)


seeds = st.integers(0, 2**32 - 1)
# Plane sizes around 16 bytes, and odd ones.
sizes = st.one_of(st.integers(1, 41), st.sampled_from([64, 96, 255]))
Dtype = type[np.float32] | type[np.float16]
dtypes: st.SearchStrategy[Dtype] = st.sampled_from([np.float32, np.float16])
# From nearly equal to one clear winner.
spreads = st.sampled_from([0.0, 1e-3, 0.3, 2.0, 30.0, 1000.0])


@pytest.mark.parametrize("count", COUNTS)
@settings(max_examples=20)
@given(data=st.data())
def test_entmax(host: Any, count: int, data: st.DataObject) -> None:
    alpha, dtype = data.draw(st.sampled_from(ALPHAS)), data.draw(dtypes)
    rng = np.random.default_rng(data.draw(seeds))
    shape = (data.draw(st.integers(1, 3)), count, data.draw(sizes))
    logits = (rng.normal(size=shape) * data.draw(spreads)).astype(dtype)
    masks = host.entmax(logits, alpha, shift=data.draw(st.integers(0, 3)))
    assert masks.dtype == dtype
    stored = float(np.float32(alpha))
    for found, given_logits in zip(masks, logits, strict=True):
        exact = exact_masks(given_logits, stored)
        assert np.abs(found - exact).max() <= mask_bound(alpha, dtype)


@pytest.mark.parametrize("alpha", [1.01, *ALPHAS])
@settings(max_examples=20)
@given(data=st.data())
def test_entmax_of_extreme_logits(host: Any, alpha: float, data: st.DataObject) -> None:
    dtype = data.draw(dtypes)
    kind = np.finfo(dtype)
    largest = float(kind.max)
    extremes = [0.0, 1.0, -1.0, largest, -largest, largest / 3, float(kind.tiny)]
    values = st.sampled_from([*extremes, -np.inf])
    count = data.draw(st.sampled_from([2, 3, 10, 16]))
    column = data.draw(st.lists(values, min_size=count, max_size=count).filter(any_finite))
    logits = np.repeat(np.array(column, dtype)[:, None], 5, axis=1)
    with np.errstate(invalid="ignore"):
        exact = exact_masks(logits, float(np.float32(alpha)))
    found = host.entmax(logits[None], alpha)[0]
    assert np.abs(found - exact).max() <= mask_bound(alpha, dtype)


def any_finite(column: list[float]) -> bool:
    return bool(np.isfinite(column).any())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("alpha", [1.3, 1.5, 2.0])
def test_what_is_not_a_number_shows(host: Any, bad: float, alpha: float) -> None:
    logits = np.zeros((1, 6, 9), np.float32)
    logits[0, 2, 4] = bad
    masks = host.entmax(logits, alpha)
    assert np.isnan(masks[0, :, 4]).all()
    assert np.isfinite(np.delete(masks, 4, axis=2)).all()


@pytest.mark.parametrize("count", COUNTS)
@settings(max_examples=20)
@given(data=st.data())
def test_fusion(host: Any, count: int, data: st.DataObject) -> None:
    alpha, dtype = data.draw(st.sampled_from(ALPHAS)), data.draw(dtypes)
    images = data.draw(st.integers(1, count))
    rng = np.random.default_rng(data.draw(seeds))
    pixels = data.draw(sizes)
    logits: Array = (rng.normal(size=(count, pixels)) * data.draw(spreads)).astype(dtype)
    # Gamma space from below 0, which counts as 0; radiance as small as 8-bit black.
    frames: list[Array] = [rng.uniform(-0.1, 1.0, (3, pixels)).astype(dtype) for _ in range(images)]
    radiances: list[Array] = [
        (10.0 ** rng.uniform(-6, 0, (3, pixels))).astype(dtype) for _ in range(count - images)
    ]
    exposures = rng.choice([1.0, 2.0**1.5, 8.0, 64.0], images).astype(np.float32)
    hdr, masks = host.fusion(
        logits, frames, exposures, radiances, alpha=alpha, masks=data.draw(st.booleans()),
        shift=data.draw(st.integers(0, 3)),
    )  # fmt: skip
    exact = exact_masks(logits, float(np.float32(alpha)))
    wanted = exact_hdr(exact, frames, exposures, radiances)
    off = mask_bound(alpha, np.float32)
    reach = exact_hdr(np.ones_like(exact), frames, exposures, radiances)
    assert hdr.dtype == np.float32
    assert (np.abs(hdr - wanted) <= off * reach + 8.0 * EPS * wanted).all()
    if masks is not None:
        assert np.abs(masks - exact).max() <= off


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_both_paths_give_the_same_bits(host: Any, dtype: Dtype) -> None:
    rng = np.random.default_rng(5)
    logits: Array = rng.normal(size=(2, 10, 48)).astype(dtype)
    assert host.wide(placed(logits, 0))
    assert not host.wide(placed(logits, 1))
    assert not host.wide(placed(logits[..., :-1], 0))
    wide, narrow = (host.entmax(logits, 1.75, shift=shift) for shift in (0, 1))
    np.testing.assert_array_equal(wide, narrow)
    frames: list[Array] = [rng.random((3, 48)).astype(dtype) for _ in range(7)]
    radiances: list[Array] = [rng.random((3, 48)).astype(dtype) for _ in range(3)]
    exposures = np.geomspace(1.0, 64.0, 7).astype(np.float32)
    results = [
        host.fusion(logits[0], frames, exposures, radiances, alpha=1.75, masks=True, shift=shift)
        for shift in (0, 1)
    ]
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
