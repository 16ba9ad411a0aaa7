from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrhdr import light
from lrhdr.model.config import FilmConfig, lite
from lrhdr.model.film import Film, Pyramid
from lrhdr.model.ops import damp, upsample_flow, warp


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def released() -> Film:
    with torch.device("meta"):
        return Film(FilmConfig())


def frames(seed: int = 0, size: tuple[int, int] = (16, 24)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.rand(2, 1, 3, *size, generator=generator)
    return a, b


def at(time: float) -> Tensor:
    return torch.tensor([time])


def test_the_released_network_has_its_parameters() -> None:
    film = released()
    assert count(film) == 34_436_667
    assert count(film.extract) == 4_685_376
    assert count(film.predict_flow) == 7_326_328
    assert count(film.fuse) == 22_424_963
    assert count(film.guide) == 0


def test_the_released_network_has_its_tensors() -> None:
    names = set(released().state_dict())
    assert len(names) == 82
    for name in (
        "extract.extract_sublevels.convs.3.1.0.weight",
        "predict_flow._predictor._convs.4.0.bias",
        "predict_flow._predictors.0._convs.0.0.weight",
        "fuse.convs.3.2.0.weight",
        "fuse.output_conv.bias",
    ):
        assert name in names


def test_the_released_networks_predictors_are_stored_coarse_to_fine() -> None:
    flow = released().predict_flow
    inputs = [predictor._convs[0][0].in_channels for predictor in flow._predictors]  # type: ignore[index, union-attr]
    assert inputs == [2 * 448, 2 * 192, 2 * 64]
    for level, width in enumerate([64, 192, 448, 960, 960, 960, 960]):
        predictor = flow.predictor(level)
        assert predictor._convs[0][0].in_channels == 2 * width  # type: ignore[index, union-attr]
    assert flow.predictor(3) is flow.predictor(6)


def test_the_released_networks_fusion_takes_the_aligned_channels() -> None:
    film = released()
    aligned = [138, 394, 906, 1930, 1930]
    assert [2 * (film.config.feature_channels(level) + 5) for level in range(5)] == aligned
    widths = [512, 256, 128, 64]
    coarser = [aligned[4], *widths[:-1]]
    for layer, level, below, width in zip(
        film.fuse.convs, (3, 2, 1, 0), coarser, widths, strict=True
    ):
        assert isinstance(layer, nn.ModuleList)
        up, first, second = (parts[0] for parts in layer)  # type: ignore[index]
        assert (up.in_channels, up.out_channels, up.kernel_size) == (below, width, (2, 2))
        assert (first.in_channels, first.out_channels) == (aligned[level] + width, width)
        assert (second.in_channels, second.out_channels) == (width, width)


def test_the_released_networks_pyramid_has_its_shapes() -> None:
    with torch.device("meta"):
        pyramid = released().extract(torch.zeros(1, 3, 128, 192))
    widths = [64, 192, 448, 960, 960, 960, 960]
    assert [tuple(level.shape) for level in pyramid] == [
        (1, 3 + width, 128 >> i, 192 >> i) for i, width in enumerate(widths)
    ]


@pytest.mark.parametrize("time", [0.0, 1 / 3, 0.5, 0.8, 1.0])
def test_a_frame_at_any_time(tiny_film: FilmConfig, time: float) -> None:
    film, (a, b) = Film(tiny_film), frames()
    with torch.no_grad():
        result = film(a, b, at(time))
    assert result.shape == a.shape
    assert bool(((result >= 0.0) & (result <= 1.0)).all())
    assert float(result.std()) > 0.0


def test_every_frame_of_a_batch_has_its_own_time(tiny_film: FilmConfig) -> None:
    film, (a, b) = lively(Film(tiny_film)).double(), frames()
    a, b = a.double(), b.double()
    with torch.no_grad():
        both = film(a.repeat(2, 1, 1, 1), b.repeat(2, 1, 1, 1), torch.tensor([0.2, 0.7]).double())
        for i, time in enumerate((0.2, 0.7)):
            single = film(a, b, at(time).float().double())
            np.testing.assert_allclose(both[i : i + 1], single, atol=1e-7)
    assert not torch.allclose(both[0], both[1])


def lively(film: Film) -> Film:
    """Undo the damping of the flow, so that a fresh network moves things by pixels."""
    for predictor in (film.predict_flow._predictor, *film.predict_flow._predictors):
        damp(predictor._convs[-1][0], 30.0)
    return film


Aligned = tuple[Pyramid, Pyramid, Pyramid, Pyramid]


def aligned(film: Film, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Aligned]:
    """What film would hand to its decoder: pyramids a and b, flows to a and to b."""
    seen: list[Aligned] = []

    def capture(a: Pyramid, b: Pyramid, to_a: Pyramid, to_b: Pyramid, *rest: Tensor) -> Tensor:
        seen.append((a, b, to_a, to_b))
        return torch.zeros(())

    monkeypatch.setattr(film, "decode", capture)

    def run(*args: Tensor) -> Aligned:
        with torch.no_grad():
            film(*args)
        return seen[-1]

    return run


def close(a: Pyramid, b: Pyramid) -> bool:
    return all(torch.allclose(x, y, atol=1e-5) for x, y in zip(a, b, strict=True))


def test_both_ends_of_the_time_leave_one_frame_where_it_is(
    tiny_film: FilmConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = aligned(lively(Film(tiny_film)), monkeypatch)
    _, _, to_a, to_b = run(*frames(), at(0.0))
    assert not any(bool(flow.any()) for flow in to_a)
    assert all(bool(flow.any()) for flow in to_b)
    _, _, to_a, to_b = run(*frames(), at(1.0))
    assert all(bool(flow.any()) for flow in to_a)
    assert not any(bool(flow.any()) for flow in to_b)


def test_flows_are_scaled_by_the_time(
    tiny_film: FilmConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = lively(Film(tiny_film))
    a, b = frames()
    with torch.no_grad():
        flow_ab, flow_ba = film.flow(film.extract(a), film.extract(b))
    _, _, to_a, to_b = aligned(film, monkeypatch)(a, b, at(0.25))
    assert len(to_a) == len(to_b) == tiny_film.fusion_levels
    assert close(to_a, [0.25 * flow for flow in flow_ba])
    assert close(to_b, [0.75 * flow for flow in flow_ab])


def test_swapped_frames_at_the_opposite_time_swap_what_the_decoder_sees(
    tiny_film: FilmConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The decoder's own weights know a from b, so that its output need not be equal.
    run, (a, b) = aligned(lively(Film(tiny_film)), monkeypatch), frames()
    pa, pb, to_a, to_b = run(a, b, at(0.25))
    other_b, other_a, other_to_b, other_to_a = run(b, a, at(0.75))
    assert close(pa, other_a)
    assert close(pb, other_b)
    assert close(to_a, other_to_a)
    assert close(to_b, other_to_b)
    assert not close(to_a, to_b)


def test_a_still_pair_gives_equal_flows_both_ways(tiny_film: FilmConfig) -> None:
    film, (a, _) = lively(Film(tiny_film)), frames()
    with torch.no_grad():
        pyramid = film.extract(a)
        flow_ab, flow_ba = film.flow(pyramid, pyramid)
    assert close(flow_ab, flow_ba)
    assert bool(flow_ab[0].any())


def test_flow_is_a_sum_of_residuals_from_coarse_to_fine(tiny_film: FilmConfig) -> None:
    film, (a, b) = lively(Film(tiny_film)), frames()
    predict = film.predict_flow
    with torch.no_grad():
        pa, pb = film.extract(a), film.extract(b)
        flows = predict(pa, pb)
        flow = predict.predictor(3)(pa[3][:, 3:], pb[3][:, 3:])
        assert torch.allclose(flow, flows[3], atol=1e-5)
        for level in (2, 1, 0):
            flow = upsample_flow(flow)
            moved = warp(pb[level][:, 3:], flow)
            flow = flow + predict.predictor(level)(pa[level][:, 3:], moved)
            assert torch.allclose(flow, flows[level], atol=1e-4)


def test_features_are_cascaded_from_the_finer_levels(tiny_film: FilmConfig) -> None:
    film, (a, _) = Film(tiny_film), frames()
    half = F.avg_pool2d(a, 2)
    tree = film.extract.extract_sublevels
    with torch.no_grad():
        pyramid = film.extract(a)
        expected = torch.cat([half, tree(half, 1)[0], tree(a, 2)[1]], dim=1)
    assert torch.allclose(pyramid[0], torch.cat([a, tree(a, 1)[0]], dim=1))
    assert torch.allclose(pyramid[1], expected)


def test_the_parts_are_the_whole(guided_film: FilmConfig) -> None:
    film = lively(Film(guided_film))
    a, b = frames()
    reference, exposures = torch.rand_like(a), torch.tensor([[1.0, 8.0]])
    with torch.no_grad():
        pa, pb = film.extract(a), film.extract(b)
        flow_ab, flow_ba = film.flow(pa[1:], pb[1:])
        parts = film.synthesize(pa, pb, flow_ab, flow_ba, at(0.5), reference, exposures)
        whole = film(a, b, at(0.5), reference, exposures)
    assert torch.equal(parts, whole)


def test_the_reference_corrects_a_guided_flow_only(
    tiny_film: FilmConfig, guided_film: FilmConfig
) -> None:
    a, b = frames()
    exposures = torch.tensor([[1.0, 8.0]])
    references = [torch.full_like(a, 0.5), torch.rand_like(a)]
    for config, corrected in ((tiny_film, False), (guided_film, True)):
        film = Film(config)
        with torch.no_grad():
            if config.blend:
                # A silent decoder blends the aligned frames: only the flow can make a difference.
                damp(film.fuse.output_conv, 0.0)
            else:
                # Away from the clip of a fresh decoder, where every difference would be lost.
                damp(film.fuse.output_conv, 0.05)
                film.fuse.output_conv.bias.fill_(0.5)  # type: ignore[union-attr]
            one, other = (film(a, b, at(0.5), r, exposures) for r in references)
        assert torch.equal(one, other) is not corrected


def test_missing_levels_of_flow_are_derived(guided_film: FilmConfig) -> None:
    film = Film(guided_film)
    flow = torch.full((1, 2, 8, 12), 3.0)
    levels = film.flow_levels([flow])
    assert [tuple(level.shape[2:]) for level in levels] == [(16, 24), (8, 12), (4, 6)]
    for level, value in zip(levels, (6.0, 3.0, 1.5), strict=True):
        assert torch.allclose(level, torch.full_like(level, value))


def test_a_full_resolution_flow_is_averaged_down(guided_film: FilmConfig) -> None:
    finest = torch.rand(1, 2, 16, 24)
    # What the flow levels held before the correction no longer counts.
    levels = Film(guided_film).flow_levels([torch.full((1, 2, 8, 12), 3.0)], finest)
    assert torch.equal(levels[0], finest)
    for fine, coarse in pairwise(levels):
        _, _, height, width = coarse.shape
        expected = 0.5 * fine.view(1, 2, height, 2, width, 2).mean(dim=(3, 5))
        assert torch.allclose(coarse, expected)
    assert len(levels) == guided_film.fusion_levels


def shifted(shape: FilmConfig, x: float) -> Pyramid:
    """A constant flow of x pixels at every fusion level."""
    return [torch.full((1, 2, 16 >> i, 24 >> i), x) for i in range(shape.fusion_levels)]


def decoder_input(film: Film) -> list[Pyramid]:
    """Fills up with what the decoder is given."""
    seen: list[Pyramid] = []
    film.fuse.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    return seen


def test_the_decoder_sees_frames_warped_by_their_flows(tiny_film: FilmConfig) -> None:
    film, (a, b) = Film(tiny_film), frames()
    seen = decoder_input(film)
    to_a, to_b = shifted(tiny_film, 0.5), shifted(tiny_film, -1.0)
    with torch.no_grad():
        pa, pb = film.extract(a), film.extract(b)
        film.decode(pa, pb, to_a, to_b, torch.full((1, 1, 1, 1), 0.5))
    for i, level in enumerate(seen[0]):
        expected = torch.cat([warp(pa[i], to_a[i]), warp(pb[i], to_b[i]), to_a[i], to_b[i]], dim=1)
        assert torch.equal(level, expected)


def test_a_guided_decoder_also_sees_how_far_they_are_from_the_reference(
    guided_film: FilmConfig,
) -> None:
    film, (a, b) = Film(guided_film), frames()
    seen, reference = decoder_input(film), torch.rand_like(a)
    to_a, to_b = shifted(guided_film, 0.5), shifted(guided_film, -1.0)
    with torch.no_grad():
        pa, pb = film.extract(a), film.extract(b)
        half = torch.full((1, 1, 1, 1), 0.5)
        film.decode(pa, pb, to_a, to_b, half, reference, torch.tensor([[2.0, 8.0]]))
    # Both as the longer exposure would have seen them.
    fixed = light.expose(light.linearise(reference.numpy(), 2.0), 8.0)
    near = torch.cat([warp(a, to_a[0]), warp(b, to_b[0])], dim=1)
    expected = near - torch.from_numpy(np.tile(fixed, (1, 2, 1, 1)))
    for level in seen[0]:
        np.testing.assert_allclose(level[:, -6:], expected, atol=1e-5)
        expected = F.avg_pool2d(expected, 2)
    plain = 2 * (guided_film.feature_channels(0) + 5)
    assert seen[0][0].shape[1] == plain + 6


@pytest.mark.parametrize("time", [0.0, 1 / 3, 0.5, 0.8, 1.0])
def test_a_silent_blend_is_the_mean_by_nearness_in_time(
    guided_film: FilmConfig, time: float
) -> None:
    film = Film(guided_film).double()
    damp(film.fuse.output_conv, 0.0)
    a, b, reference = torch.rand(3, 1, 3, 16, 24, dtype=torch.float64)
    to_a, to_b = ([f.double() for f in shifted(guided_film, x)] for x in (0.5, -1.0))
    when, exposures = torch.full((1, 1, 1, 1), time).double(), torch.ones(1, 2).double()
    with torch.no_grad():
        pa, pb = film.extract(a), film.extract(b)
        found = film.decode(pa, pb, to_a, to_b, when, reference, exposures)
    t = float(when)
    expected = (1.0 - t) * warp(a, to_a[0]) + t * warp(b, to_b[0])
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_decoder_of_a_blend_says_weights_and_a_residual(guided_film: FilmConfig) -> None:
    film, (a, b) = Film(guided_film), frames()
    bias = film.fuse.output_conv.bias
    assert bias is not None
    damp(film.fuse.output_conv, 0.0)
    still, half = shifted(guided_film, 0.0), torch.full((1, 1, 1, 1), 0.5)
    with torch.no_grad():
        pa, pb = film.extract(a), film.extract(b)
        for logit in (-50.0, 1.0, 50.0):
            bias.copy_(torch.tensor([0.1, 0.0, -0.2, logit]))
            found = film.decode(pa, pb, still, still, half, a, torch.ones(1, 2))
            weight = 1.0 / (1.0 + math.exp(-logit))
            expected = weight * a + (1.0 - weight) * b
            expected = (expected + bias[:3].view(1, 3, 1, 1)).clamp(0.0, 1.0)
            np.testing.assert_allclose(found, expected, atol=1e-5)


def moved(dx: float, dy: float, size: int = 64) -> Tensor:
    """A smooth picture that moved by (dx, dy) pixels."""
    axis = torch.arange(size, dtype=torch.float32)
    x, y = axis - dx, axis.unsqueeze(1) - dy
    channels = [
        0.5 + 0.2 * torch.sin(0.15 * x + k) + 0.2 * torch.cos(0.12 * y - 0.06 * x + 2.0 * k)
        for k in range(3)
    ]
    return torch.stack(channels).unsqueeze(0)


def silent(film: Film) -> Film:
    """What the convolutions add to flow and picture is nothing."""
    for predictor in (film.predict_flow._predictor, *film.predict_flow._predictors):
        damp(predictor._convs[-1], 0.0)
    for step in film.guide.steps:
        damp(step[-1], 0.0)  # type: ignore[index]
    damp(film.fuse.output_conv, 0.0)
    return film


def test_registration_alone_measures_the_motion(guided_film: FilmConfig) -> None:
    film = silent(Film(replace(guided_film, registration=2)))
    a, b = film.extract(moved(0.0, 0.0)), film.extract(moved(6.0, -3.0))
    with torch.no_grad():
        (ab,), (ba,) = film.flow(a[1:], b[1:])
    # At half resolution; the border has less to go by.
    for flow, sign in ((ab, 1.0), (ba, -1.0)):
        inner = flow[0, :, 8:-8, 8:-8]
        np.testing.assert_allclose(inner[0], np.full((16, 16), sign * 3.0), atol=0.1)
        np.testing.assert_allclose(inner[1], np.full((16, 16), sign * -1.5), atol=0.1)


def test_a_silent_guided_film_shows_the_middle_of_a_motion(guided_film: FilmConfig) -> None:
    # Even where the camera was elsewhere than half-way: the reference says so.
    film = silent(Film(replace(guided_film, registration=2)))
    truth, even = moved(4.0, -1.0), torch.ones(1, 2)
    with torch.no_grad():
        found = film(moved(0.0, 0.0), moved(6.0, -3.0), at(0.5), truth, even)
    error = (found - truth)[..., 12:-12, 12:-12].abs()
    halfway = (moved(3.0, -1.5) - truth)[..., 12:-12, 12:-12].abs()
    assert float(error.mean()) < 0.15 * float(halfway.mean())


def test_every_level_of_a_registering_flow_answers_for_itself(guided_film: FilmConfig) -> None:
    film, (a, b) = Film(guided_film), frames()
    predict = film.predict_flow
    flows = predict(film.extract(a)[1:], film.extract(b)[1:])
    flows[0].square().mean().backward()
    own, coarser = predict.predictor(1), predict.predictor(2)
    assert all(p.grad is not None for p in own.parameters())
    assert all(p.grad is None for p in coarser.parameters())


@pytest.mark.parametrize("levels", [2, 3])
def test_sizes_that_are_multiples_are_all_right(tiny_film: FilmConfig, levels: int) -> None:
    config = replace(tiny_film, pyramid_levels=levels, fusion_levels=2)
    assert config.multiple == 2 ** (levels - 1)
    a, b = frames(size=(3 * config.multiple, 5 * config.multiple))
    with torch.no_grad():
        assert Film(config)(a, b, at(0.5)).shape == a.shape


@pytest.mark.parametrize("guided", [False, True], ids=["plain", "guided"])
def test_it_can_be_trained(tiny_film: FilmConfig, guided_film: FilmConfig, guided: bool) -> None:
    film, (a, b) = Film(guided_film if guided else tiny_film), frames()
    loss = film(a, b, at(0.5), torch.rand_like(a), torch.ones(1, 2)).square().mean()
    if guided:
        # Levels that register are not learnt through: each needs a loss of its own.
        finest = guided_film.finest_flow
        flows = film.predict_flow(film.extract(a)[finest:], film.extract(b)[finest:])
        loss = loss + sum(flow.square().mean() for flow in flows)
    loss.backward()
    missing = [name for name, p in film.named_parameters() if p.grad is None]
    assert missing == []


def test_the_lite_interpolator_is_small_and_has_every_part() -> None:
    config = lite(2).film
    with torch.device("meta"):
        film = Film(config)
    assert config.registration > 0
    assert config.blend
    assert config.guide_steps > 0
    assert len(film.guide.steps) == config.guide_steps
    assert film.fuse.output_conv.out_channels == 4
    assert count(film) < 1_000_000
