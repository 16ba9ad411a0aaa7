from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from lrhdr import light
from lrhdr.model.accr import Accr, Decoder, Encoder, ExposureGate, RepresentationMapper
from lrhdr.model.config import AccrConfig
from lrhdr.model.ops import damp, initialise, linearise, tonemap

PAPER = AccrConfig(width=4)
LITE = AccrConfig(width=4, mix=True, residual=True, tonemapped_cues=True)
EXPOSURES = {2: [1.0, 8.0], 3: [4.0, 1.0, 16.0]}


def streams(exposures: int, seed: int = 0) -> tuple[list[Tensor], list[Tensor]]:
    rng = np.random.default_rng(seed)
    frames = [torch.from_numpy(rng.random((2, 3, 6, 8))) for _ in range(exposures)]
    return frames, [torch.full((2,), e, dtype=torch.float64) for e in EXPOSURES[exposures]]


@pytest.mark.parametrize(("exposure", "expected"), [(1.0, 0.5), (4.0, 0.8), (8.0, 8 / 9)])
def test_the_gate_starts_between_half_and_open(exposure: float, expected: float) -> None:
    # sigmoid(log e) = e / (1 + e)
    gate = ExposureGate()(torch.tensor([exposure]))
    assert gate.shape == (1, 1, 1, 1)
    assert float(gate.detach()) == pytest.approx(expected, abs=1e-6)


@given(w=st.floats(-3.0, 3.0), b=st.floats(-3.0, 3.0), exposure=st.floats(0.0, 64.0))
def test_the_gate_is_equation_3(w: float, b: float, exposure: float) -> None:
    gate = ExposureGate().double()
    with torch.no_grad():
        gate.w.fill_(w)
        gate.b.fill_(b)
        found = float(gate(torch.tensor([exposure], dtype=torch.float64)))
    expected = 1.0 / (1.0 + np.exp(-(w * np.log(exposure + 1e-8) + b)))
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-300)


@pytest.mark.parametrize("config", [PAPER, LITE], ids=["paper", "lite"])
def test_the_encoder_is_equation_2(config: AccrConfig) -> None:
    encoder = Encoder(config).double()
    (frame, _), (_, exposure) = streams(2)
    # Sub-pixel p of colour c is channel 4 c + p; the two halves of the 12 are multiplied.
    u = torch.stack([frame[:, c, y::2, x::2] for c in range(3) for y in (0, 1) for x in (0, 1)], 1)
    with torch.no_grad():
        u = encoder.mix(u)
        alpha = 1.0 / (1.0 + 1.0 / (8.0 + 1e-8))
        high = encoder.high_fidelity(u[:, :6] * u[:, 6:])
        low = F.conv2d(
            frame, encoder.large_field.weight, encoder.large_field.bias, stride=2, padding=1
        )
        features = low + alpha * high
        found = encoder(frame, exposure)
        np.testing.assert_allclose(found, features + encoder.refine(features), atol=1e-12)
    assert found.shape == (2, 4, 3, 4)


def test_the_mapper_starts_as_identity() -> None:
    mapper, features, cues = RepresentationMapper(4, 6), torch.randn(2, 4, 3, 5), torch.randn(1)
    assert torch.equal(mapper(features, cues.expand(2, 6, 3, 5)), features)


def test_the_mapper_is_an_affine_map_of_every_feature() -> None:
    mapper, features = RepresentationMapper(4, 6), torch.randn(2, 4, 3, 5)
    cues = torch.randn(2, 6, 3, 5)
    initialise(mapper)
    with torch.no_grad():
        k, b = mapper.modulation(mapper.hidden(torch.cat([features, cues], 1))).chunk(2, dim=1)
        expected = (1.0 + k) * features + b
        np.testing.assert_allclose(mapper(features, cues), expected, rtol=1e-5, atol=1e-5)
        assert not torch.allclose(mapper(features, -cues), expected)


@pytest.mark.parametrize("exposures", [2, 3])
def test_the_cues_are_equation_8(exposures: int) -> None:
    frames, e = streams(exposures)
    values = [linearise(f, x) for f, x in zip(frames, e, strict=True)]
    found = Accr(PAPER, exposures).cues(values)
    gamma = [
        light.linearise(f.numpy(), x) for f, x in zip(frames, EXPOSURES[exposures], strict=True)
    ]
    c = np.concatenate([other - gamma[0] for other in gamma[1:]], axis=1)
    both = np.concatenate([c, c * c], axis=1)
    expected = both.reshape(2, 6 * (exposures - 1), 3, 2, 4, 2).mean(axis=(3, 5))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("config", [PAPER, LITE], ids=["paper", "lite"])
@pytest.mark.parametrize("exposures", [2, 3])
def test_every_stream_is_mapped_by_the_same_cues(config: AccrConfig, exposures: int) -> None:
    accr = Accr(config, exposures).double()
    frames, e = streams(exposures)
    seen: list[Tensor] = []
    assert accr.mapper is not None
    accr.mapper.register_forward_pre_hook(lambda _, args: seen.append(args[1]))
    with torch.no_grad():
        accr(frames, e)
    values = [linearise(f, x) for f, x in zip(frames, e, strict=True)]
    if config.tonemapped_cues:
        values = [tonemap(v) for v in values]
    assert len(seen) == exposures
    for cues in seen:
        np.testing.assert_allclose(cues, accr.cues(values), rtol=1e-12)


@pytest.mark.parametrize("config", [PAPER, LITE], ids=["paper", "lite"])
@given(seed=st.integers(0, 2**16), exposures=st.sampled_from([2, 3]), gain=st.sampled_from([1, 50]))
@settings(max_examples=15)
def test_outputs_are_radiance(config: AccrConfig, seed: int, exposures: int, gain: int) -> None:
    accr = Accr(config, exposures)
    damp(accr.decoder.head, gain)  # a head gone wild must not leave the range either
    frames, e = streams(exposures, seed)
    with torch.no_grad():
        outputs = accr([frame.float() for frame in frames], [x.float() for x in e])
    assert len(outputs) == exposures
    for output in outputs:
        assert output.shape == (2, 3, 6, 8)
        assert output.dtype == torch.float32
        assert bool(((output >= 0.0) & (output <= 1.0)).all())


@pytest.mark.parametrize("exposures", [2, 3])
def test_the_residual_decoder_starts_near_the_linear_frame(exposures: int) -> None:
    accr = Accr(replace(LITE, width=16), exposures)
    frames, e = streams(exposures)
    with torch.no_grad():
        outputs = accr(frames, e)
    for output, frame, x in zip(outputs, frames, e, strict=True):
        difference = (tonemap(output) - tonemap(linearise(frame, x))).abs()
        assert 0.0 < float(difference.mean()) < 0.08


def test_a_silent_residual_decoder_is_the_linear_frame() -> None:
    accr = Accr(LITE, 2).double()
    damp(accr.decoder.head, 0.0)
    frames, e = streams(2)
    with torch.no_grad():
        outputs = accr(frames, e)
    for output, frame, x in zip(outputs, frames, e, strict=True):
        np.testing.assert_allclose(output, linearise(frame, x), rtol=1e-9, atol=1e-15)


def test_a_direct_decoder_is_a_sigmoid() -> None:
    decoder = Decoder(PAPER)
    damp(decoder.head, 0.0)
    half = decoder(torch.randn(1, 4, 3, 4), torch.rand(1, 3, 6, 8))
    assert torch.equal(half, torch.full((1, 3, 6, 8), 0.5))


def test_streams_share_their_weights() -> None:
    accr = Accr(PAPER, 2).double()
    (frame, _), (exposure, _) = streams(2)
    with torch.no_grad():
        one, other = accr([frame, frame], [exposure, exposure])
    assert torch.equal(one, other)


def parameters(config: AccrConfig) -> set[str]:
    return set(Accr(config, 2).state_dict())


def test_the_switches_remove_their_parameters() -> None:
    everything = parameters(LITE)
    eic = {n for n in everything if any(part in n for part in (".gate.", ".mix.", "high_fidelity"))}
    mapper = {name for name in everything if name.startswith("mapper.")}
    assert len(eic) == 6
    assert len(mapper) == 4
    assert parameters(replace(LITE, eic=False)) == everything - eic
    assert parameters(replace(LITE, rm=False)) == everything - mapper
    assert parameters(replace(LITE, eic=False, rm=False)) == everything - eic - mapper
    assert everything - parameters(replace(LITE, mix=False)) == {
        "encoder.mix.weight",
        "encoder.mix.bias",
    }


@pytest.mark.parametrize("switch", ["eic", "rm"])
def test_without_a_part_it_still_runs(switch: str) -> None:
    off = {switch: False}
    accr = Accr(replace(LITE, **off), 2).double()
    frames, e = streams(2)
    with torch.no_grad():
        assert [output.shape for output in accr(frames, e)] == [frame.shape for frame in frames]


def test_without_eic_the_exposure_does_not_reach_the_features() -> None:
    (frame, _), (short, long) = streams(2)
    for eic in (True, False):
        encoder = Encoder(replace(PAPER, eic=eic)).double()
        with torch.no_grad():
            assert torch.equal(encoder(frame, short), encoder(frame, long)) is not eic
