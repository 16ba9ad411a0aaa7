from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.contract import WINDOWS
from lrhdr.errors import OutputError
from lrhdr_engines import open_model
from lrhdr_engines.preview import ROWS, ContactSheet, palette, pick_rows
from lrhdr_engines.timeline import Segment, Timeline
from lrhdr_engines.tonemap import display

EVS = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}


DONE: Any = None  # a sheet needs nothing of the run's report


def timeline(ev: tuple[float, ...]) -> Timeline:
    return Timeline(segments=(Segment(start=0, stop=None, ev=ev),))


@given(
    start=st.integers(0, 100),
    frames=st.none() | st.integers(1, 200),
    exposures=st.sampled_from([2, 3]),
)
def test_rows_lie_in_the_run(start: int, frames: int | None, exposures: int) -> None:
    rows = pick_rows(start, frames, exposures)
    assert rows == tuple(sorted(set(rows)))
    assert all(start <= row for row in rows)
    if frames is not None:
        assert rows
        assert all(row < start + frames for row in rows)
    if frames is None or frames >= 4 * ROWS:
        assert len(rows) == ROWS
        assert {row % exposures for row in rows} == set(range(exposures))


@pytest.mark.parametrize("exposures", [2, 3])
def test_every_candidate_has_a_colour_of_its_own(exposures: int) -> None:
    colours = palette(WINDOWS[exposures])
    assert len(set(colours)) == len(colours) == WINDOWS[exposures].candidates


@pytest.mark.parametrize("exposures", [2, 3])
def test_a_sheet_shows_inputs_result_and_winners(
    exposures: int, tiny_models: Any, tmp_path: Path
) -> None:
    ev = EVS[exposures]
    # A flat scene without noise: every tile of a row has one colour, which can be worked out.
    light = 0.1
    shots = [np.clip(light * 2.0 ** (e - ev[exposures - 2]), 0, 1) ** (1 / 2.2) for e in ev]
    frames = [np.full((36, 64, 3), round(255 * shots[i % exposures]), np.uint8) for i in range(12)]
    model = open_model(tiny_models[exposures].folder, exposures)
    sheet = ContactSheet("a title", timeline(ev), pick_rows(0, 12, exposures))
    outputs = list(model.stream(frames, ev, masks=sheet.wants))
    for output in outputs:
        sheet.add(output)
    assert len(sheet) == ROWS
    picture = sheet.draw()
    packed = picture.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    present = {(c >> 16, c >> 8 & 255, c & 255) for c in np.unique(packed).tolist()}
    for index in pick_rows(0, 12, exposures):
        masks = outputs[index].masks
        assert masks is not None
        assert tuple(frames[index][0, 0]) in present
        hdr = outputs[index].hdr * np.float32(2.0 ** sorted(ev)[1])
        shown = display(hdr, 2.0 ** (sorted(ev)[1] - min(ev)))
        assert tuple(shown[0, 0]) in present
        winner = np.array(palette(WINDOWS[exposures])[int(masks[0, 0].argmax())])
        shaded = np.rint(winner * (0.72 + 0.28 * shown[0, 0].mean() / 255.0))
        assert min(np.abs(shaded - np.array(c)).max() for c in present) <= 1
    assert sheet.save(tmp_path / "sheet.png", DONE)
    saved = cv2.imread(str(tmp_path / "sheet.png"))
    assert saved is not None
    assert np.array_equal(saved[..., ::-1], picture)


def test_a_sheet_without_rows_is_not_drawn(tmp_path: Path) -> None:
    sheet = ContactSheet("a title", timeline(EVS[2]), (0,))
    assert not sheet.save(tmp_path / "sheet.png", DONE)
    assert not list(tmp_path.iterdir())


def test_a_sheet_that_cannot_be_written(tiny_models: Any, tmp_path: Path) -> None:
    sheet = ContactSheet("a title", timeline(EVS[2]), (0,))
    frames = [np.full((8, 8, 3), 100, np.uint8)] * 3
    for output in open_model(tiny_models[2].folder).stream(frames, EVS[2], masks=True):
        sheet.add(output)
    with pytest.raises(OutputError, match="cannot be written"):
        sheet.save(tmp_path / "missing" / "sheet.png", DONE)


@pytest.mark.parametrize("peak", [1.0, 4.0, 8.0, 64.0])
def test_tone_mapping_rises_to_white_at_the_peak(peak: float) -> None:
    ramp = np.linspace(0, peak, 4001, dtype=np.float32)
    shown = display(np.repeat(ramp[None, :, None], 3, axis=2), peak)[0, :, 0].astype(int)
    assert shown[0] == 0
    assert shown[-1] == 255
    assert (np.diff(shown) >= 0).all()


def test_tone_mapping_keeps_what_is_darker_than_the_knee() -> None:
    radiance = np.full((1, 1, 3), 0.18, np.float32)
    assert abs(int(display(radiance, 8.0)[0, 0, 0]) - round(0.18 ** (1 / 2.2) * 255)) <= 1


def test_tone_mapping_keeps_hue_and_clips_no_channel() -> None:
    radiance = np.array([[[3.0, 1.5, 0.75]]], np.float32)
    shown = (display(radiance, 8.0)[0, 0] / 255.0) ** 2.2
    assert shown[0] < 1.0
    np.testing.assert_allclose(shown / shown[0], [1, 0.5, 0.25], atol=0.01)


def test_tone_mapping_takes_what_lies_outside_the_range() -> None:
    radiance = np.array([[[-1.0, -1.0, -1.0], [100.0, 100.0, 100.0]]], np.float32)
    assert display(radiance, 8.0)[0, :, 0].tolist() == [0, 255]
