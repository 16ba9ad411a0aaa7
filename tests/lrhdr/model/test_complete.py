"""Streams whose clipped channels come from shorter exposures, and the prior that merges them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lrhdr.baselines import unaligned_merge
from lrhdr.model.accr import EPSILON, complete
from lrhdr.model.config import AccrConfig, ModelConfig
from lrhdr.model.network import Network
from lrhdr.model.ops import damp, expose, linearise

CYCLES = {2: [1.0, 8.0], 3: [4.0, 1.0, 16.0]}


def completed(frames: list[Tensor], exposures: list[float]) -> list[Tensor]:
    e = [
        torch.full((frame.shape[0],), x, dtype=frame.dtype)
        for frame, x in zip(frames, exposures, strict=True)
    ]
    radiance = [linearise(f, x) for f, x in zip(frames, e, strict=True)]
    return complete(frames, e, radiance)


def reference(values: list[float], exposures: list[float], stream: int) -> float:
    """One channel of one pixel, in the words of the docstring."""
    trust: list[float] = [min(max((0.98 - v) / 0.08, 0.0), 1.0) for v in values]
    light: list[float] = [v**2.2 / e for v, e in zip(values, exposures, strict=True)]
    weights = [
        e * (t + 1e-3) * (e < exposures[stream]) for e, t in zip(exposures, trust, strict=True)
    ]
    weights[stream] = EPSILON  # of the shortest exposure, which has no shorter one, itself
    filled = sum(w * x for w, x in zip(weights, light, strict=True)) / sum(weights)
    return trust[stream] * light[stream] + (1.0 - trust[stream]) * filled


@settings(deadline=None)
@given(data=st.data(), count=st.sampled_from([2, 3]))
def test_it_is_what_it_says(data: st.DataObject, count: int) -> None:
    exposures = CYCLES[count]
    values = [data.draw(st.floats(0.0, 1.0)) for _ in exposures]
    frames = [torch.full((1, 3, 1, 1), v, dtype=torch.float64) for v in values]
    for stream, found in enumerate(completed(frames, exposures)):
        expected = reference(values, exposures, stream)
        assert float(found[0, 0, 0, 0]) == pytest.approx(expected, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("count", [2, 3])
def test_a_scene_without_motion_is_recovered_channel_by_channel(count: int) -> None:
    """Red clips in the long exposures long before luma does; every stream still has it."""
    exposures = CYCLES[count]
    truth = torch.rand(1, 3, 8, 8, dtype=torch.float64) * 0.02
    truth[:, 0] = 0.6
    e = [torch.full((1,), x, dtype=torch.float64) for x in exposures]
    frames = [expose(truth, x) for x in e]
    assert float(frames[-1][:, 0].min()) == 1.0  # clipped
    assert float(linearise(frames[-1], e[-1])[:, 0].max()) < 0.2
    for found in completed(frames, exposures):
        np.testing.assert_allclose(found, truth, rtol=1e-2)


def test_the_prior_merges_the_completed_streams(tiny: Callable[..., ModelConfig]) -> None:
    config = tiny(2, guided=True)
    accr = AccrConfig(width=4, residual=True, complete=True, tonemapped_cues=True)
    network = Network(replace(config, accr=accr)).eval()
    assert network.lrhdr.accr is not None
    damp(network.lrhdr.accr.decoder.head, 0.0)
    for head in network.lrhdr.apswf.heads:
        damp(head, 0.0)
    exposures = [1.0, 8.0, 1.0]
    frames = list(torch.rand(3, 1, 3, 16, 24, generator=torch.Generator().manual_seed(1)))
    with torch.no_grad():
        result = network(frames, torch.tensor([exposures]))
        (film,) = network.interpolate(frames, torch.tensor([exposures]))
    # The neighbours and the streams as they are have no weight.
    assert float(result.masks[:, :4].max()) < 1e-5
    streams = completed([frames[1], film], [8.0, 1.0])
    for candidate, stream in zip(result.candidates[4:], streams, strict=True):
        np.testing.assert_allclose(candidate, stream, atol=1e-5)
    # Weights by the luma of the reference, as the classical merge has them.
    planar = [film, frames[1], film]
    weights = unaligned_merge([f[0].permute(1, 2, 0).numpy() for f in planar], exposures)
    plain = result.masks[0, 4:5] * linearise(frames[1], torch.tensor([8.0]))[0]
    plain = plain + result.masks[0, 5:6] * linearise(film, torch.tensor([1.0]))[0]
    np.testing.assert_allclose(plain.permute(1, 2, 0), weights, atol=1e-5)


def test_completing_needs_the_residual_form() -> None:
    with pytest.raises(ValueError, match="residual"):
        AccrConfig(complete=True)
