"""Frames as tensors, and what a reconstructor keeps. Its numbers are tested in test_api."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrhdr.contract import EXTRACT, WINDOWS
from lrhdr.errors import InputError
from lrhdr_engines import open_model
from lrhdr_engines.engine import Engine
from lrhdr_engines.reconstruct import Reconstructor, normalised, white
from lrhdr_engines.window import FilledWindow, slots

EVS = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}


@pytest.fixture(scope="module", params=[2, 3], ids=["2e", "3e"])
def engine(request: pytest.FixtureRequest, tiny_models: Any) -> Engine:
    return open_model(
        tiny_models[request.param].folder, request.param, backend="onnxruntime"
    ).engine


def window(frames: list[Any], exposures: int, index: int) -> FilledWindow[Any]:
    filled = slots(index, exposures, len(frames) - 1)
    return FilledWindow(index=index, slots=filled, frames=tuple(frames[i] for i in filled))


@pytest.mark.parametrize(
    ("dtype", "top"),
    [(np.uint8, 255.0), (np.uint16, 65535.0), (np.float32, 1.0), (np.float64, 1.0)],
)
def test_white_becomes_one(dtype: type[Any], top: float) -> None:
    frame = np.zeros((2, 3, 3), dtype)
    frame[0, 2] = top, 0, top
    assert white(frame) == top
    tensor = normalised(frame)
    assert tensor.shape == (1, 3, 2, 3)
    assert tensor.dtype == np.float32
    np.testing.assert_array_equal(tensor[0, :, 0, 2], [1.0, 0.0, 1.0])
    assert tensor.sum() == 2.0


def test_codes_are_divided_exactly() -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    expected = (codes[..., 0] / 255.0).astype(np.float32)
    np.testing.assert_allclose(normalised(codes)[0, 1], expected, rtol=1e-7)


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.int16),
        np.zeros((4, 4, 3), np.bool_),
    ],
)
def test_what_is_no_frame_is_refused(frame: Any) -> None:
    with pytest.raises(InputError, match=r"a frame of shape .*expected \(height, width, 3\)"):
        normalised(frame)


def test_one_window_gives_everything(engine: Engine, make_frames: Any) -> None:
    exposures = engine.manifest.exposures
    plan = WINDOWS[exposures]
    frames = make_frames(6, 7, 9)
    given = window(frames, exposures, 3)
    plain = Reconstructor(engine, EVS[exposures]).reconstruct(given)
    assert plain.hdr.shape == (3, 7, 9)
    assert plain.masks is None
    assert [film.shape for film in plain.interpolated] == [(3, 7, 9)] * len(plan.interpolations)
    full = Reconstructor(engine, EVS[exposures]).reconstruct(given, masks=True)
    assert full.masks is not None
    assert full.masks.shape == (plan.candidates, 7, 9)
    np.testing.assert_array_equal(full.hdr, plain.hdr)


def test_windows_in_order_are_those_taken_alone(engine: Engine, make_frames: Any) -> None:
    exposures = engine.manifest.exposures
    frames = make_frames(8)
    going = Reconstructor(engine, EVS[exposures])
    for index in range(8):
        given = window(frames, exposures, index)
        alone = Reconstructor(engine, EVS[exposures]).reconstruct(given)
        np.testing.assert_array_equal(going.reconstruct(given).hdr, alone.hdr)


def test_only_differences_of_ev_matter(engine: Engine, make_frames: Any) -> None:
    exposures = engine.manifest.exposures
    given = window(make_frames(6), exposures, 2)
    found = Reconstructor(engine, EVS[exposures]).reconstruct(given).hdr
    shifted = tuple(value + 5.0 for value in EVS[exposures])
    np.testing.assert_array_equal(Reconstructor(engine, shifted).reconstruct(given).hdr, found)


def test_no_more_is_kept_than_a_window(
    engine: Engine, make_frames: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    exposures = engine.manifest.exposures
    frames = make_frames(30)
    reconstructor = Reconstructor(engine, EVS[exposures])
    extracted = 0
    run = engine.run

    def counted(graph: str, available: Any) -> Any:
        nonlocal extracted
        extracted += graph == EXTRACT
        return run(graph, available)

    monkeypatch.setattr(engine, "run", counted)
    for index in range(30):
        reconstructor.reconstruct(window(frames, exposures, index))
        assert len(reconstructor._images) <= WINDOWS[exposures].frames
        assert len(reconstructor._pyramids) <= WINDOWS[exposures].frames - 1
        assert len(reconstructor._flows) <= WINDOWS[exposures].frames
    assert extracted == 30


def test_frames_of_two_sizes_are_refused(engine: Engine, make_frames: Any) -> None:
    exposures = engine.manifest.exposures
    frames = make_frames(6)
    frames[2] = frames[2][:-1]
    with pytest.raises(InputError, match=r"around frame 2 differ in size \(20x11, 20x12\)"):
        Reconstructor(engine, EVS[exposures]).reconstruct(window(frames, exposures, 2))
