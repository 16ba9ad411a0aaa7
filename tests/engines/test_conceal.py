"""Lost pictures are replaced by pictures of their own exposure."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.light import expose, linearise
from lrhdr_engines.conceal import Concealer, exposed_anew
from lrhdr_engines.findings import Findings
from lrhdr_engines.media.source import Frame
from lrhdr_engines.timeline import Segment, Timeline

EV = (0.0, -3.0)


def flat(code: int) -> Any:
    return np.full((2, 2, 3), code, np.uint8)


def through(lost: set[int], timeline: Timeline, count: int = 10) -> tuple[list[Frame], list[int]]:
    findings = Findings()
    frames, last = [], flat(0)
    for index in range(count):
        damaged = index in lost
        last = last if damaged else flat(100 + index)
        frames.append(Frame(index, last, Fraction(index, 25), damaged))
    return list(Concealer(timeline, findings).pictures(frames)), findings.concealed


@given(lost=st.sets(st.integers(2, 9)), cycle=st.sampled_from([(0.0, -3.0), (-2.0, 0.0, 2.0)]))
def test_the_picture_of_the_same_exposure_stands_in(lost: set[int], cycle: Any) -> None:
    exposures = len(cycle)
    lost = {index for index in lost if index >= exposures}
    timeline = Timeline(segments=(Segment(start=0, stop=None, ev=cycle),))
    frames, concealed = through(lost, timeline)
    assert concealed == sorted(lost)
    assert [frame.index for frame in frames] == list(range(10))
    assert not any(frame.damaged for frame in frames)
    for frame in frames:
        source = frame.index
        while source in lost:
            source -= exposures
        assert (frame.rgb == 100 + source).all()


def test_across_a_slip_the_neighbour_of_the_same_exposure_stands_in() -> None:
    slipped = Timeline(
        segments=(Segment(start=0, stop=5, ev=EV), Segment(start=5, stop=None, ev=EV))
    )
    # Frames 4 and 5 are both of EV 0.
    frames, _ = through({5}, slipped)
    assert (frames[5].rgb == 104).all()


def test_at_the_beginning_the_neighbour_is_exposed_anew() -> None:
    timeline = Timeline(segments=(Segment(start=0, stop=None, ev=EV),))
    frames, _ = through({1}, timeline)
    assert np.array_equal(frames[1].rgb, exposed_anew(flat(100), -3.0))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@given(stops=st.floats(-4, 4))
def test_exposing_anew_is_the_camera_model(kind: Any, stops: float) -> None:
    white = np.iinfo(kind).max
    codes = np.linspace(0, white, 60).reshape(4, 5, 3).astype(kind)
    found = exposed_anew(codes, stops)
    exact = expose(linearise(codes / white, 1.0), 2.0**stops) * white
    assert found.dtype == kind
    assert np.abs(found - exact).max() <= 0.51 + white * 1e-6
