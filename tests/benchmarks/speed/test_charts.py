"""The plots of a result: where the marks are, against the numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from lrhdr_benchmarks.speed.charts import latency, roofline, stages
from lrhdr_benchmarks.speed.record import Result, Row
from tests.benchmarks.speed.results import CEILINGS, SIZES, SUBJECTS, case, result, row, spread
from tests.benchmarks.speed.svg import Point, hints, place, words

DRAWN = [latency(result(), 2), latency(result(), 3), stages(result()), roofline(result())]


def only(*rows: Row) -> Result:
    """The result with these rows instead."""
    return replace(result(), rows=list(rows))


@pytest.mark.parametrize("picture", DRAWN)
def test_pictures_say_what_they_show(picture: str) -> None:
    root = fromstring(picture)
    assert root.attrib["role"] == "img"
    names = root.attrib["aria-labelledby"].split()
    assert [child.attrib["id"] for child in list(root)[:2]] == names
    assert all(child.text for child in list(root)[:2])


@pytest.mark.parametrize("exposures", [2, 3])
def test_latency_is_a_straight_line_where_time_grows_with_the_pixels(exposures: int) -> None:
    marks = hints(latency(result(), exposures))
    assert len(marks) == len(SIZES) * len(SUBJECTS)
    for subject in SUBJECTS:
        places = [place(mark) for hint, mark in marks.items() if hint.startswith(f"{subject}, ")]
        (x0, y0), (x1, y1), (x2, y2) = places
        assert x0 < x1 < x2
        assert y0 > y1 > y2
        assert (y1 - y0) / (x1 - x0) == pytest.approx((y2 - y1) / (x2 - x1), rel=0.01)


def test_latency_of_subjects_is_apart_by_the_logarithm_of_their_ratio() -> None:
    marks = hints(latency(result(), 2))
    y: dict[str, float] = {}
    for hint, mark in marks.items():
        if "640x360" in hint:
            y[hint.partition(",")[0]] = place(mark)[1]
    of_ort = math.log(SUBJECTS["onnxruntime fp32"] / SUBJECTS["openvino fp32"])
    of_merge = math.log(SUBJECTS["onnxruntime fp32"] / SUBJECTS["merge dis"])
    apart = y["openvino fp32"] - y["onnxruntime fp32"], y["merge dis"] - y["onnxruntime fp32"]
    assert apart[0] / apart[1] == pytest.approx(of_ort / of_merge, rel=0.02)


def test_latency_names_sizes_subjects_and_rates_in_reach() -> None:
    drawn = words(latency(result(), 2))
    assert {"640x360", "1280x720", "1920x1080", "merge dis", "openvino fp32, lite"} <= {*drawn}
    assert "24 fps" in drawn  # the merge takes 54 ms at least, near 1000 / 24
    assert "60 fps" not in drawn


def test_one_case_alone_can_be_drawn() -> None:
    alone = only(row(case("merge dis")))
    (mark,) = hints(latency(alone, 2)).values()
    assert all(math.isfinite(each) for each in place(mark))


def test_what_was_not_measured_is_not_drawn() -> None:
    merges = only(row(case("merge dis")))
    assert latency(merges, 3) == ""
    assert stages(merges) == ""
    assert roofline(merges) == ""


def test_stages_are_as_wide_as_they_take() -> None:
    bars = [each.attrib for each in fromstring(stages(result())).iter("rect")]
    engines = [each for each in result().rows if each.stages]
    assert len(bars) == sum(len(each.stages) or 1 for each in result().rows)
    first = [bar for bar in bars if bar["y"] == bars[0]["y"]]
    widths = [float(bar["width"]) for bar in first]
    share = {name: found.median for name, found in engines[0].stages.items()}
    assert [w / sum(widths) for w in widths] == pytest.approx(
        [each / sum(share.values()) for each in share.values()], rel=1e-3
    )
    # One begins where the other ends.
    ends = [float(bar["x"]) + float(bar["width"]) for bar in first]
    assert [float(bar["x"]) for bar in first[1:]] == pytest.approx(ends[:-1], abs=0.1)


def test_what_was_not_timed_by_stages_is_one_bar_of_its_latency() -> None:
    engine = row(case())
    beside = {"decode": spread(90.0)}
    overlapped = replace(row(case("openvino fp32")), stages=beside)
    drawn = stages(replace(result(), rows=[engine, overlapped]))
    bars = list(fromstring(drawn).iter("rect"))
    *timed, whole, decode = bars
    assert "untimed" in whole.attrib["class"]
    assert "beside" in decode.attrib["class"]
    widths = [float(bar.attrib["width"]) for bar in bars]
    unit = sum(widths[: len(timed)]) / sum(each.median for each in engine.stages.values())
    assert widths[-2:] == pytest.approx([700.0 * unit, 90.0 * unit], abs=0.1)


def test_stages_compare_within_a_size() -> None:
    longest: dict[str, float] = {}
    for bar in fromstring(stages(result())).iter("rect"):
        end = float(bar.attrib["x"]) + float(bar.attrib["width"])
        longest[bar.attrib["y"]] = max(longest.get(bar.attrib["y"], 0.0), end)
    ends = list(longest.values())
    start = min(float(bar.attrib["x"]) for bar in fromstring(stages(result())).iter("rect"))
    slow, fast = (ends[0] - start), (ends[1] - start)
    assert fast / slow == pytest.approx(700.0 / 900.0, rel=0.01)
    assert ends[3] == pytest.approx(ends[0], abs=0.2)  # the next size fills the width again


def test_graphs_lie_under_the_roof_as_their_share_says() -> None:
    picture = roofline(result())
    marks = hints(picture)
    (hint,) = (h for h in marks if h.startswith("film_flow at 640x360, 2 exposures, onnxruntime"))
    rate = 12.0 / 0.27  # GFLOP in seconds
    assert f"{rate:.1f} GFLOP/s at 120 FLOP/B" in hint
    # The roof is level to the right of the ridge, and the dots hang below it by their share.
    level = next(
        float(line.attrib["y1"])
        for line in fromstring(picture).iter("line")
        if line.attrib["class"] == "limit" and line.attrib["y1"] == line.attrib["y2"]
    )
    below: dict[str, Point] = {h: place(mark) for h, mark in marks.items()}
    first = below[hint][1] - level
    (other,) = (
        p
        for h, p in below.items()
        if h.startswith("film_flow at 640x360, 2 exp") and "openvino" in h
    )
    ratio = math.log(CEILINGS.gflops / rate) / math.log(CEILINGS.gflops / (12.0 / 0.21))
    assert first / (other[1] - level) == pytest.approx(ratio, rel=0.01)


def test_the_roof_bends_at_the_ridge() -> None:
    lines = [
        {k: float(line.attrib[k]) for k in ("x1", "y1", "x2", "y2")}
        for line in fromstring(roofline(result())).iter("line")
        if line.attrib["class"] == "limit"
    ]
    slope, level = lines
    assert (slope["x2"], slope["y2"]) == (level["x1"], level["y1"])
    assert slope["y1"] > slope["y2"]
