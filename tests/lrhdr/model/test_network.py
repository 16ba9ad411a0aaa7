from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lrhdr import light
from lrhdr.baselines import unaligned_merge
from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR_MASKS, WINDOWS, signatures
from lrhdr.contract import Tensor as Entry
from lrhdr.losses import LossWeights, total_loss
from lrhdr.model.apswf import fuse
from lrhdr.model.config import ModelConfig, without
from lrhdr.model.network import Network
from lrhdr.model.ops import damp, tonemap

MakeConfig = Callable[..., ModelConfig]
HEIGHT, WIDTH = 16, 24
# From the paper's window: the reference in the middle, its neighbours at the other exposures.
EXPOSURES = {2: [8.0, 1.0, 8.0], 3: [4.0, 16.0, 1.0, 4.0, 16.0]}
BOTH = pytest.mark.parametrize("exposures", [2, 3])
GUIDED = pytest.mark.parametrize("guided", [False, True], ids=["plain", "guided"])


def window(exposures: int, batch: int = 1) -> tuple[list[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(exposures)
    values = EXPOSURES[exposures]
    frames = torch.rand(len(values), batch, 3, HEIGHT, WIDTH, generator=generator)
    return list(frames), torch.tensor([values] * batch)


@BOTH
@GUIDED
def test_a_window_becomes_one_frame(tiny: MakeConfig, exposures: int, guided: bool) -> None:
    network = Network(tiny(exposures, guided=guided))
    with torch.no_grad():
        result = network(*window(exposures, batch=2))
    count = {2: 6, 3: 10}[exposures]
    assert network.config.candidates == count
    assert len(result.candidates) == count
    assert result.masks.shape == result.logits.shape == (2, count, HEIGHT, WIDTH)
    assert result.hdr.shape == (2, 3, HEIGHT, WIDTH)
    assert bool(((result.hdr >= 0.0) & (result.hdr <= 1.0)).all())
    assert torch.equal(result.hdr, fuse(result.masks, result.candidates))
    assert torch.equal(result.masks, network.lrhdr.apswf.masks(result.logits))


def test_candidates_come_in_the_papers_order_for_two_exposures(tiny: MakeConfig) -> None:
    network, (frames, e) = Network(tiny(2)), window(2)
    with torch.no_grad():
        (film,) = network.interpolate(frames, e)
        candidates = network(frames, e).candidates
        assert network.lrhdr.accr is not None
        accr = network.lrhdr.accr([frames[1], film], [e[:, 1], e[:, 0]])
    expected = [
        light.linearise(frames[0].numpy(), 8.0),
        light.linearise(frames[1].numpy(), 1.0),
        light.linearise(frames[2].numpy(), 8.0),
        light.linearise(film.numpy(), 8.0),
        *accr,
    ]
    for found, wanted in zip(candidates, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


def test_candidates_come_in_order_for_three_exposures(tiny: MakeConfig) -> None:
    network, (frames, e) = Network(tiny(3)), window(3)
    with torch.no_grad():
        film_a, film_b = network.interpolate(frames, e)
        candidates = network(frames, e).candidates
        assert network.lrhdr.accr is not None
        accr = network.lrhdr.accr([frames[2], film_a, film_b], [e[:, 2], e[:, 0], e[:, 1]])
    expected = [light.linearise(f.numpy(), x) for f, x in zip(frames, EXPOSURES[3], strict=True)]
    expected += [light.linearise(film_a.numpy(), 4.0), light.linearise(film_b.numpy(), 16.0)]
    expected += [output.numpy() for output in accr]
    for found, wanted in zip(candidates, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


class Recorder(nn.Module):
    """Stands in for FILM and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []

    def forward(self, *args: Tensor) -> Tensor:
        self.calls.append(args)
        return args[0]


@pytest.mark.parametrize(
    ("exposures", "expected"),
    [(2, [(0, 2, 1 / 2)]), (3, [(0, 3, 2 / 3), (1, 4, 1 / 3)])],
)
def test_interpolations_use_their_slots_and_times(
    tiny: MakeConfig, exposures: int, expected: list[tuple[int, int, float]]
) -> None:
    network, (frames, e) = Network(tiny(exposures)), window(exposures, batch=2)
    recorder = Recorder()
    network.film = recorder  # type: ignore[assignment]
    network.interpolate(frames, e)
    middle = exposures - 1
    for call, (slot_a, slot_b, when) in zip(recorder.calls, expected, strict=True):
        a, b, time, reference, pair = call
        assert a is frames[slot_a]
        assert b is frames[slot_b]
        assert time.tolist() == pytest.approx([when, when])
        assert reference is frames[middle]
        values = EXPOSURES[exposures]
        assert values[slot_a] == values[slot_b]
        assert pair.tolist() == [[values[middle], values[slot_a]]] * 2


def test_fusion_sees_the_frames_and_the_tone_mapped_candidates(tiny: MakeConfig) -> None:
    network, (frames, e) = Network(tiny(2)), window(2)
    seen: list[Tensor] = []
    network.lrhdr.apswf.encoder[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with torch.no_grad():
        result = network(frames, e)
        ldr = [*frames, *network.interpolate(frames, e)]
    expected = torch.cat([*ldr, *(tonemap(c) for c in result.candidates)], dim=1)
    assert seen[0].shape[1] == 3 * (4 + 6)
    np.testing.assert_allclose(seen[0], expected, atol=1e-6)


def silent(network: Network) -> Network:
    """The fusion adds nothing to its prior."""
    for head in network.lrhdr.apswf.heads:
        damp(head, 0.0)
    return network


@pytest.mark.parametrize("cycle", [*permutations((1.0, 8.0)), *permutations((1.0, 4.0, 16.0))])
def test_a_silent_fusion_is_the_classical_merge_of_its_candidates(
    tiny: MakeConfig, cycle: tuple[float, ...]
) -> None:
    exposures, values = len(cycle), [*cycle, *cycle[:-1]]
    network, middle = silent(Network(tiny(exposures, guided=True))), exposures - 1
    frames = [torch.rand(1, 3, HEIGHT, WIDTH) ** 1.5 for _ in values]
    with torch.no_grad():
        films = network.interpolate(frames, torch.tensor([values]))
        result = network(frames, torch.tensor([values]))
    # The baseline merges the frames before and after; the interpolated ones take their places.
    placed = list(frames)
    placed[middle + 1], placed[middle - 1] = films[0], films[-1]
    expected = unaligned_merge([f[0].permute(1, 2, 0).numpy() for f in placed], values)
    np.testing.assert_allclose(result.hdr[0].permute(1, 2, 0), expected, atol=1e-5)
    alone = light.linearise(frames[middle][0].permute(1, 2, 0).numpy(), values[middle])
    assert float(abs(expected - alone).max()) > 0.01


def test_the_prior_is_added_to_what_the_fusion_says(tiny: MakeConfig) -> None:
    config = tiny(2, guided=True)
    network, (frames, e) = Network(config), window(2)
    plain = Network(replace(config, apswf=replace(config.apswf, prior=False)))
    plain.load_state_dict(network.state_dict())
    with torch.no_grad():
        with_prior, alone = network(frames, e), plain(frames, e)
        prior = silent(network)(frames, e)
    np.testing.assert_allclose(with_prior.logits, alone.logits + prior.logits, atol=1e-5)
    assert float(prior.logits.abs().max()) > 1.0
    # ACCR's outputs and the neighbours as they are begin without any weight.
    assert float(prior.masks[:, [0, 2, 4, 5]].max()) < 1e-5


@pytest.mark.parametrize(("exposures", "count"), [(2, 4), (3, 7)])
def test_without_accr_only_the_linear_frames_are_candidates(
    tiny: MakeConfig, exposures: int, count: int
) -> None:
    full, config = tiny(exposures), without(tiny(exposures), "accr")
    network = Network(config)
    assert not any(name.startswith("lrhdr.accr") for name in network.state_dict())
    assert config.candidates == count == full.candidates - exposures
    with torch.no_grad():
        result = network(*window(exposures))
    assert len(result.candidates) == count
    assert result.masks.shape == (1, count, HEIGHT, WIDTH)


@pytest.mark.parametrize("part", ["eic", "rm", "sparse"])
def test_every_ablation_runs(tiny: MakeConfig, part: Any) -> None:
    network = Network(without(tiny(2), part))
    for head in network.lrhdr.apswf.heads:
        damp(head, 100.0)  # fresh heads are too undecided for a zero
    with torch.no_grad():
        result = network(*window(2))
    np.testing.assert_allclose(result.masks.sum(dim=1), np.ones((1, HEIGHT, WIDTH)), atol=1e-5)
    assert bool((result.masks == 0.0).any()) is (part != "sparse")


@BOTH
@GUIDED
def test_float64_stays_float64_and_agrees(tiny: MakeConfig, exposures: int, guided: bool) -> None:
    network, (frames, e) = Network(tiny(exposures, guided=guided)), window(exposures)
    with torch.no_grad():
        single = network(frames, e)
        double = network.double()([f.double() for f in frames], e.double())
    assert double.hdr.dtype == double.masks.dtype == double.logits.dtype == torch.float64
    assert all(c.dtype == torch.float64 for c in double.candidates)
    np.testing.assert_allclose(tonemap(single.hdr), tonemap(double.hdr), atol=2e-3)


@GUIDED
def test_a_half_precision_network_gives_full_precision_light(
    tiny: MakeConfig, guided: bool
) -> None:
    network, (frames, e) = Network(tiny(2, guided=guided)), window(2)
    with torch.no_grad():
        single = network(frames, e)
        half = network.half()(frames, e)
    for value in (half.hdr, half.masks, half.logits, *half.candidates):
        assert value.dtype == torch.float32
    error = float((tonemap(half.hdr) - tonemap(single.hdr)).square().mean().sqrt())
    assert error < 0.02


@BOTH
@GUIDED
def test_the_total_loss_reaches_every_parameter(
    tiny: MakeConfig, exposures: int, guided: bool
) -> None:
    network, (frames, e) = Network(tiny(exposures, guided=guided)), window(exposures)
    result = network(frames, e)
    truth = torch.rand_like(result.hdr)
    loss, _ = total_loss(result, truth, accr_streams=exposures, alpha=1.75, weights=LossWeights())
    torch.autograd.backward(loss)
    # A level that registers does not learn through the coarser ones, which stage 1 teaches.
    apart = {"film.predict_flow._predictor"} if guided else set()
    for name, parameter in network.named_parameters():
        if any(name.startswith(f"{part}.") for part in apart):
            assert parameter.grad is None, name
            continue
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name


def shape(entry: Entry) -> tuple[int, ...]:
    """A shape of the contract with this file's size filled in."""

    def number(text: str) -> int:
        axis, _, divisor = text.partition("/")
        size = {"H": HEIGHT, "W": WIDTH}.get(axis)
        return int(text) if size is None else size // int(divisor or 1)

    return tuple(number(text) for text in entry.shape)


@BOTH
@GUIDED
def test_the_network_keeps_the_contract(tiny: MakeConfig, exposures: int, guided: bool) -> None:
    config = tiny(exposures, guided=guided)
    network, (frames, e) = Network(config), window(exposures)
    graphs = signatures(exposures, config.film.pyramids)
    film, finest = network.film, config.film.finest_flow
    with torch.no_grad():
        pyramid = film.extract(frames[0])
        flows = film.flow(pyramid[finest:], pyramid[finest:])
        image = film.synthesize(pyramid, pyramid, *flows, torch.ones(1), frames[0], e[:, :2])
        result = network(frames, e)
    for graph, outputs in (
        (EXTRACT, pyramid),
        (FLOW, [*flows[0], *flows[1]]),
        (FUSE, [image]),
        (LRHDR_MASKS, [result.hdr, result.masks]),
    ):
        assert [tuple(o.shape) for o in outputs] == [shape(x) for x in graphs[graph].outputs]


@BOTH
def test_the_window_is_that_of_the_contract(tiny: MakeConfig, exposures: int) -> None:
    network = Network(tiny(exposures))
    assert network.window is network.lrhdr.window is WINDOWS[exposures]
