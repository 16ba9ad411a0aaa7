"""Times of frames: exact, steady where only the container's tick jitters, varying where they do."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_engines.media.timing import Promise, _rhythm
from lrhdr_engines.media.video import VideoSource

FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)


def write(path: Path, times: Sequence[Fraction], tick: Fraction, rate: Fraction) -> Path:
    """A clip whose frames are shown at `times`, with B frames."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.options = {"bf": "2"}
        stream.codec_context.time_base = tick
        for index, time in enumerate(times):
            grey = np.full((64, 96), 40 + index % 150, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, "gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = round(time / tick), tick
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.ts"])
@pytest.mark.parametrize("rate", [FILM, NTSC, Fraction(50), Fraction(120)])
def test_a_constant_rate_is_exact(tmp_path: Path, name: str, rate: Fraction) -> None:
    times = [index / rate for index in range(60)]
    with VideoSource(write(tmp_path / name, times, 1 / rate, rate)) as source:
        assert source.info.frame_rate == rate
        assert not source.info.variable_rate
        assert [frame.time for frame in source.frames()] == times


@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.ts"])
def test_a_variable_rate_keeps_its_times(tmp_path: Path, name: str) -> None:
    steps = np.random.default_rng(0).choice([1500, 3000, 4500, 7777], 60)
    times = [Fraction(int(t), 90000) for t in (0, *np.cumsum(steps))]
    tick = Fraction(1, 1000 if name == "a.mkv" else 90000)
    with VideoSource(write(tmp_path / name, times, Fraction(1, 90000), Fraction(30))) as source:
        info = source.info
        read = [frame.time for frame in source.frames()]
        late = [frame.time for frame in source.frames(7)]
    assert info.variable_rate
    assert float(info.frame_rate) == pytest.approx(float(60 / times[-1]), rel=0.1)
    assert all(abs(a - b) <= tick / 2 for a, b in zip(read, times, strict=True))
    assert late == read[7:]


@given(
    rate=st.sampled_from([FILM, Fraction(24), Fraction(25), NTSC, Fraction(60000, 1001)]),
    tick=st.sampled_from([Fraction(1, 1000), Fraction(1, 600), Fraction(1, 90000)]),
    count=st.integers(200, 300),
    begin=st.integers(-1000, 1000),
)
def test_rounding_to_ticks_is_no_variation(
    rate: Fraction, tick: Fraction, count: int, begin: int
) -> None:
    times = [begin + round(k / rate / tick) for k in range(count)]
    rates = [Fraction(24), FILM, Fraction(25), NTSC, Fraction(60000, 1001)]
    found = _rhythm(times, tick, rates, gaps=0)
    assert (found.rate, found.variable) == (rate, False)


@given(gaps=st.integers(0, 2), allowed=st.integers(0, 2), where=st.integers(5, 90))
def test_gaps_are_losses_only_where_they_are_few(gaps: int, allowed: int, where: int) -> None:
    steps = [512] * 100
    for k in range(gaps):
        steps[where + k] = 1024
    times = [0, *np.cumsum(steps).tolist()]
    found = _rhythm(times, Fraction(1, 12800), [Fraction(25)], gaps=allowed)
    assert found.variable == (gaps > allowed)


def test_a_wrong_statement_gives_way_to_the_mean() -> None:
    times = [k * 430 for k in range(100)]
    assert _rhythm(times, Fraction(1, 12800), [Fraction(25)], gaps=0).rate == Fraction(1280, 43)


def test_a_promise_by_duration() -> None:
    promise = Promise(rate=Fraction(25), frames=None, begin=0.0, end=2.0)
    assert promise.expected == 50
    assert promise.kept(49, Fraction(49, 25))
    assert not promise.kept(49, Fraction(47, 25))
