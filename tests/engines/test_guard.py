"""Outputs that are not finite, black or blown are made again; good ones are not touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lrhdr.light import BT709_TO_BT2020, pq_encode
from lrhdr_engines import Model, open_model
from lrhdr_engines.findings import Findings
from lrhdr_engines.guard import Guard
from lrhdr_engines.media.sink import PqPicture
from lrhdr_engines.segments import radiance_of
from lrhdr_engines.streaming import Output
from lrhdr_engines.timeline import Segment, Timeline

EV = (0.0, -3.0)
TIMELINE = Timeline(segments=(Segment(start=0, stop=3, ev=EV), Segment(start=3, stop=None, ev=EV)))
WHITE_NITS = 203.0


@pytest.fixture(scope="module")
def model(tiny_models: Any) -> Model:
    return open_model(tiny_models[2].folder, 2, backend="onnxruntime", threads=1)


@pytest.fixture(scope="module")
def outputs(model: Model) -> list[Output]:
    """Of a still scene, in light that neither exposure clips."""
    light = np.random.default_rng(1).uniform(0.05, 0.5, (40, 48, 3))
    frames = [
        np.rint(255 * (light * 2.0 ** EV[i % 2]) ** (1 / 2.2)).astype(np.uint8) for i in range(3)
    ]
    return list(model.stream(frames, EV))


def guard(model: Model | None) -> tuple[Guard, Findings]:
    findings = Findings()
    again = None if model is None else lambda: model.engine
    return Guard(TIMELINE, findings, again=again), findings


def as_codes(hdr: Any, repaired: int = 0) -> PqPicture:
    nits = np.clip(hdr @ BT709_TO_BT2020.T * WHITE_NITS, 0, 10000)
    codes = np.rint(65535 * pq_encode(nits)).astype(np.uint16)
    return PqPicture(codes=codes, brightest_nits=0, mean_nits=0, repaired=repaired)


def test_good_outputs_pass_as_they_are(model: Model, outputs: list[Output]) -> None:
    watch, findings = guard(model)
    for output in outputs:
        assert watch.checked(output) is output
        codes = replace(output, picture=as_codes(output.hdr), pq_white_nits=WHITE_NITS)
        assert watch.checked(codes) is codes
    assert findings == Findings()


def nan(hdr: Any) -> Any:
    broken = hdr.copy()
    broken[3, 4, 1] = np.nan
    return broken


FAULTS = [nan, lambda h: h + np.inf, lambda h: h * 0, lambda h: h * 0.1, lambda h: h * 10]


@pytest.mark.parametrize("fault", FAULTS, ids=["nan", "inf", "zero", "black", "blown"])
def test_a_bad_output_is_made_again(model: Model, outputs: list[Output], fault: Any) -> None:
    watch, findings = guard(model)
    for output in outputs:
        better = watch.checked(replace(output, picture=fault(output.hdr)))
        np.testing.assert_allclose(better.hdr, output.hdr, rtol=1e-6)
    assert (findings.rerun, findings.held) == ([0, 1, 2], [])


@pytest.mark.parametrize("codes", ["repaired", "black"])
def test_bad_codes_are_made_again(model: Model, outputs: list[Output], codes: str) -> None:
    watch, findings = guard(model)
    hdr = outputs[1].hdr
    bad = as_codes(hdr, repaired=2) if codes == "repaired" else as_codes(hdr * 0.1)
    better = watch.checked(replace(outputs[1], picture=bad, pq_white_nits=WHITE_NITS))
    assert findings.rerun == [1]
    np.testing.assert_allclose(better.hdr, hdr, rtol=1e-6)


def test_without_a_better_engine_the_exposure_itself_stands_in(outputs: list[Output]) -> None:
    watch, findings = guard(None)
    held = watch.checked(replace(outputs[1], picture=nan(outputs[1].hdr)))
    assert (findings.rerun, findings.held) == ([], [1])
    reference = outputs[1].window.frames[1]
    assert np.array_equal(held.hdr, radiance_of(reference, -3.0))


def test_what_fp32_makes_black_is_kept_and_named(outputs: list[Output]) -> None:
    watch, findings = guard(None)
    dark = replace(outputs[1], picture=outputs[1].hdr * np.float32(0.1))
    assert watch.checked(dark) is dark
    assert findings == Findings(doubtful=[1])


def test_a_window_of_a_later_segment_is_made_again_in_its_own_rhythm(
    model: Model, outputs: list[Output]
) -> None:
    """Segment 2 begins at frame 3, so its frame 4 has the exposure of frame 1."""
    later = replace(
        outputs[1],
        index=4,
        window=replace(outputs[1].window, index=4, slots=(3, 4, 5)),
    )
    watch, findings = guard(model)
    better = watch.checked(replace(later, picture=later.hdr * 0))
    assert findings.rerun == [4]
    np.testing.assert_allclose(better.hdr, outputs[1].hdr, rtol=1e-6)


def test_a_frame_that_tells_nothing_is_not_judged(model: Model, outputs: list[Output]) -> None:
    """A night frame, or one that is all clipped, gives no measure."""
    watch, findings = guard(model)
    for code in (0, 255):
        window = replace(outputs[0].window, frames=(np.full((40, 48, 3), code, np.uint8),) * 3)
        dark = replace(outputs[0], window=window, picture=outputs[0].hdr * 0)
        assert watch.checked(dark) is dark
    assert findings == Findings()
