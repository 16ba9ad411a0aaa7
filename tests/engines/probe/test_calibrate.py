"""Calibration against cameras whose response is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr.errors import InputError, OutputError
from lrhdr.light import GAMMA, relative_exposures
from lrhdr.response import read_response
from lrhdr_engines.media.light_in import Curve
from lrhdr_engines.probe.calibrate import calibrate

Floats = NDArray[np.float64]
Encode = Callable[[Floats], Floats]


def s_curve(light: Floats) -> Floats:
    """Gamma 2.2, half way to a smoothstep of itself."""
    code = np.power(light, 1 / GAMMA)
    return np.asarray(0.5 * code + 0.5 * (3 * code**2 - 2 * code**3))


def srgb(light: Floats) -> Floats:
    """IEC 61966-2-1, equation 3 and 4."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def scene(seed: int = 0) -> Floats:
    """Light of twelve stops, in patches, with some colour."""
    rng = np.random.default_rng(seed)
    grey = 2.0 ** rng.uniform(-12.0, 0.3, (36, 64, 1))
    return np.kron(grey * rng.uniform(0.6, 1.0, (36, 64, 3)), np.ones((2, 2, 1))).astype(float)


def clip(
    encode: Encode,
    ev: tuple[float, ...],
    count: int = 24,
    *,
    top: int = 255,
    moving: range = range(0),
    noise: float = 1.0,
) -> Iterator[NDArray[Any]]:
    """Frames of a camera on a tripod; in `moving`, it is somewhere else each time."""
    rng = np.random.default_rng(1)
    exposures = relative_exposures(ev)
    still = scene()
    for t in range(count):
        light = np.roll(still, 7 * t, axis=1) if t in moving else still
        codes = encode(np.clip(light * exposures[t % len(ev)], 0, 1)) * 255
        codes = np.clip(codes + rng.normal(0, noise, codes.shape), 0, 255) / 255 * top
        yield np.rint(codes).astype(np.uint8 if top == 255 else np.uint16)


def errors(path: Path, encode: Encode) -> tuple[Floats, Floats]:
    """Linear light by the file less the camera's, and the same in L = H^(1/2.2); of 256 codes."""
    fine = np.linspace(0.0, 1.0, 100_001)
    true = np.interp(np.linspace(0, 1, 256), encode(fine), fine)
    found = read_response(path)(np.linspace(0, 1, 256))[:, 0]
    return found - true, found ** (1 / GAMMA) - true ** (1 / GAMMA)


@pytest.mark.parametrize("encode", [s_curve, srgb])
@pytest.mark.parametrize("ev", [(0.0, -1.0), (-3.0, 0.0), (0.0, -4.0), (-2.0, 0.0, 2.0)])
def test_response_is_found(tmp_path: Path, encode: Encode, ev: tuple[float, ...]) -> None:
    out = tmp_path / "camera.csv"
    found = calibrate(clip(encode, ev), ev, out)
    linear, network = errors(out, encode)
    assert found.residual_ev < 0.05
    # The greatest code itself is extrapolated, and all codes are shares of its light.
    assert np.abs(linear).max() < 0.05
    assert np.abs(network).max() < 0.03
    assert np.abs(network).mean() < 0.015


def test_sixteen_bits_and_the_way_back(tmp_path: Path) -> None:
    out = tmp_path / "camera.csv"
    calibrate(clip(s_curve, (0.0, -3.0), top=65535), (0.0, -3.0), out)
    light = 2.0 ** np.linspace(-8, -0.1, 30)
    codes = np.rint(s_curve(light) * 65535).astype(np.uint16)
    frame = np.repeat(codes[None, :, None], 3, axis=2)
    seen = Curve(str(out)).apply(frame)[0, :, 0] / 65535
    np.testing.assert_allclose(seen, light ** (1 / GAMMA), atol=0.03)


def test_part_that_stands_still_is_found(tmp_path: Path) -> None:
    out = tmp_path / "camera.csv"
    found = calibrate(clip(srgb, (0.0, -3.0), 40, moving=range(9)), (0.0, -3.0), out)
    assert (found.start, found.frames) == (9, 31)  # begins with the other exposure
    assert np.abs(errors(out, srgb)[1]).max() < 0.03
    assert str(found) in out.read_text()


def test_moving_clip_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "camera.csv"
    with pytest.raises(InputError, match="does not stand still"):
        calibrate(clip(srgb, (0.0, -3.0), moving=range(24)), (0.0, -3.0), out)
    assert not out.exists()


def test_wrong_evs_are_refused_with_the_residual(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"residual of \d\.\d+ EV.*at most 0\.15 EV"):
        calibrate(clip(srgb, (-3.0, 0.0)), (0.0, -3.0), tmp_path / "camera.csv")


def test_flat_scene_is_refused(tmp_path: Path) -> None:
    frames = (np.full((40, 40, 3), 90 + 60 * (t % 2), np.uint8) for t in range(12))
    with pytest.raises(InputError, match="4800 tones are clipped at no exposure, codes 90 to 150"):
        calibrate(frames, (-1.0, 0.0), tmp_path / "camera.csv")


@pytest.mark.parametrize(
    ("ev", "count", "words"),
    [((0.0, -3.0), 3, "3 frames; expected at least 4"), ((1.0, 1.0), 9, "EVs 1, 1")],
)
def test_too_little_to_go_by(tmp_path: Path, ev: tuple[float, ...], count: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        calibrate(clip(srgb, ev, count), ev, tmp_path / "camera.csv")


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"camera\.csv cannot be written"):
        calibrate(clip(srgb, (0.0, -3.0)), (0.0, -3.0), tmp_path / "missing" / "camera.csv")
