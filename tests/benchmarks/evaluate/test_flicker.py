"""Flicker against amplitudes that were put in, and against a plain Fourier transform."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr.data.layouts import TestScene
from lrhdr.light import untonemap
from lrhdr_benchmarks.evaluate.flicker import Flicker, FlickerMeter, noise_of
from tests.benchmarks.evaluate.rooms import EV, panning, recorded, scene_of, texture

Plane = NDArray[np.float64]


def grey(levels: Plane) -> Plane:
    """Linear pictures (H, W, 3) whose T(luma) is `levels` (H, W)."""
    return np.asarray(np.repeat(untonemap(levels)[..., np.newaxis], 3, axis=2))


def measure(scene: TestScene, results: list[Plane], wanted: range | None = None) -> Flicker | None:
    """Feed one method's results, one for each measured frame."""
    frames = scene.measured if wanted is None else wanted
    meter = FlickerMeter(scene, frames)
    for index, result in zip(frames, results, strict=True):
        truth = scene.read_truth(index)
        assert truth is not None
        meter.add(index, scene.read_frame(index), truth.astype(np.float64), {"m": result})
    return meter.result()


@pytest.mark.parametrize("exposures", [2, 3])
@given(amplitude=st.floats(0.0, 0.3), phase=st.floats(0.0, 6.3))
def test_the_amplitude_is_the_one_put_in(exposures: int, amplitude: float, phase: float) -> None:
    scene = scene_of([texture()] * (4 * exposures), EV[exposures])
    turns = 2.0 * np.pi * np.arange(2 * exposures) / exposures
    waves = np.cos(turns) if exposures == 2 else np.cos(turns + phase)
    levels = np.full((24, 32), 0.5)
    found = measure(scene, [grey(levels + amplitude * wave) for wave in waves])
    assert found is not None
    assert found.methods["m"] == pytest.approx(amplitude, abs=1e-9)
    assert found.frames == 2 * exposures
    assert found.static == 1.0


@pytest.mark.parametrize(("exposures", "count"), [(2, 4), (3, 6), (2, 5), (3, 8)])
def test_it_is_the_fourier_component_over_whole_cycles(exposures: int, count: int) -> None:
    scene = scene_of([texture()] * (count + 2 * exposures), EV[exposures])
    levels = np.random.default_rng(count).random((count, 24, 32))
    found = measure(scene, [grey(plane) for plane in levels])
    whole = count - count % exposures
    spectrum = np.fft.fft(levels[:whole], axis=0)[whole // exposures]
    share = (1.0 if exposures == 2 else 2.0) / whole
    assert found is not None
    expected = np.sqrt(np.mean((share * np.abs(spectrum)) ** 2))
    assert found.methods["m"] == pytest.approx(expected, rel=1e-9)


def test_what_moves_does_not_count() -> None:
    truths = [texture() for _ in range(8)]
    for index, truth in enumerate(truths):
        truth[:, :16] = panning(8, width=16)[index]
    scene = scene_of(truths)
    flickering = np.full((24, 32), 0.5)
    flickering[:, :16] += 0.2
    resting = np.full((24, 32), 0.5)
    found = measure(scene, [grey(flickering), grey(resting)] * 2)
    assert found is not None
    assert 0.5 <= found.static < 0.55  # the texture has a few pixels that stay alike
    everything = np.sqrt(0.5) * 0.1
    assert found.methods["m"] < 0.3 * everything


def test_without_a_whole_cycle_or_a_static_pixel_there_is_none() -> None:
    scene = scene_of([texture()] * 8)
    assert measure(scene, [grey(np.full((24, 32), 0.5))], range(3, 4)) is None
    changing = scene_of([texture(seed=i) * 0.5**i for i in range(8)])
    assert measure(changing, [grey(np.full((24, 32), 0.5))] * 4) is None


@pytest.mark.parametrize("sigma", [5e-4, 2e-3])
@pytest.mark.parametrize("exposure", [1.0, 8.0])
def test_noise_is_measured_in_linear_light(sigma: float, exposure: float) -> None:
    truth = texture(128, 128)
    ev = (0.0, np.log2(exposure)) if exposure > 1.0 else (0.0, 1.0)
    frame = recorded([truth, truth], ev, noise=sigma)[int(exposure > 1.0)]
    found = noise_of(frame, truth.astype(np.float64), exposure)
    assert found == pytest.approx(sigma, rel=0.05)


def test_noise_of_a_frame_without_well_exposed_pixels_is_unknown() -> None:
    dark = np.full((24, 32, 3), 1e-4, np.float32)
    assert noise_of(dark ** np.float32(1 / 2.2), dark.astype(np.float64), 1.0) is None
    found = measure(scene_of([dark] * 8), [grey(np.full((24, 32), 0.5))] * 4)
    assert found is not None
    assert found.noise is None
    assert found.ratio("m") is None


def test_a_result_with_the_noise_of_the_frames_flickers_like_the_yardstick() -> None:
    light = texture(96, 128) * np.float32(0.9) + np.float32(0.02)  # no few pixels that rule
    scene = scene_of([light] * 8, noise=2e-3)
    rng = np.random.default_rng(3)
    truth = light.astype(np.float64)
    noisy = [np.clip(truth + rng.normal(0.0, 2e-3, truth.shape), 0.0, 1.0) for _ in range(4)]
    found = measure(scene, noisy)
    assert found is not None
    assert found.ratio("m") == pytest.approx(1.0, abs=0.05)
