"""The report of a run: one file, small, that a browser shows without a complaint."""

from __future__ import annotations

import re
import shutil
import subprocess
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrhdr_engines import open_model
from lrhdr_engines.findings import Findings
from lrhdr_engines.job import Job
from lrhdr_engines.media import ClipInfo
from lrhdr_engines.pipeline import Report
from lrhdr_engines.plan import Plan
from lrhdr_engines.report import HtmlReport
from lrhdr_engines.report.charts import Axes, Series, chart
from lrhdr_engines.timeline import Segment, Slip, Timeline

EVS = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}
COUNT = 12
VOID = {"meta", "img", "input", "line", "path", "polyline"}

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def plan_of(exposures: int, **job: Any) -> Plan:
    ev = EVS[exposures]
    clip = ClipInfo(
        path=Path("a <clip>.mov"),
        width=64,
        height=48,
        frame_rate=Fraction(25),
        frames=COUNT,
        bit_depth=8,
        kind="video",
        has_audio=False,
        codec="h264",
        pixel_format="yuv420p",
        colour="BT.709, limited range",
    )
    timeline = Timeline(
        segments=(Segment(start=0, stop=6, ev=ev), Segment(start=6, stop=None, ev=ev)),
        slips=(Slip(frame=6, kind="dropped"),),
        source="estimate",
        note="0,-3 EV & more",
    )
    return Plan(
        job=Job(input=clip.path, **job),
        clip=clip,
        timeline=timeline,
        transfer="gamma22",
        bundle="lite",
        engine="fp32",
        backend="onnxruntime",
        device="CPU",
        first=0,
        frames=COUNT,
    )


@pytest.fixture(params=[2, 3], ids=["2e", "3e"])
def written(request: pytest.FixtureRequest, tiny_models: Any, tmp_path: Path) -> Path:
    exposures = request.param
    plan = plan_of(exposures, out=("hdr.mp4",), report=tmp_path / "r.html")
    model = open_model(tiny_models[exposures].folder, exposures, backend="onnxruntime")
    frames = [
        np.random.default_rng(i).integers(0, 255, (48, 64, 3), np.uint8) for i in range(COUNT)
    ]
    report = HtmlReport(plan)
    for output in model.stream(frames, EVS[exposures], masks=report.wants):
        report.add(output)
    done = Report(
        ending="complete",
        note="",
        frames=COUNT,
        next_frame=COUNT,
        outputs=[{"kind": "hdr10", "path": "hdr.mp4", "max_cll": 900, "max_fall": 80, "notes": []}],
        findings=Findings(concealed=[4]),
        seconds=3.0,
        busy_seconds={},
    )
    assert report.save(tmp_path / "r.html", done)
    return tmp_path / "r.html"


class Structure(HTMLParser):
    """Tags that are closed, and what is referred to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.counts: dict[str, int] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href"):
                assert value is not None
                assert value.startswith("data:image/jpeg;base64,")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_needs_no_other_file(written: Path) -> None:
    text = written.read_text("utf-8")
    structure = Structure()
    structure.feed(text)
    assert structure.open == []
    assert structure.counts["svg"] == 2
    assert structure.counts["img"] == 9  # three frames: before, after, winners
    assert len(text) < 300_000
    assert not re.search(r"https?://|@import|url\(", text)


def test_the_page_says_what_was_done(written: Path) -> None:
    structure = Structure()
    structure.feed(written.read_text("utf-8"))
    for word in (
        "a <clip>.mov",
        "0,-3 EV & more",
        "dropped",
        "frame 4 damaged in the input",
        "MaxCLL 900",
        "lrhdr-run 'a <clip>.mov' -o hdr.mp4 --report",
        "onnxruntime on the CPU",
    ):
        assert word in structure.text, word


def test_without_a_frame_there_is_no_page(tmp_path: Path) -> None:
    nothing: Any = None
    assert not HtmlReport(plan_of(2)).save(tmp_path / "r.html", nothing)
    assert not (tmp_path / "r.html").exists()


def test_a_long_clip_makes_no_large_chart() -> None:
    points = [(i, i % 7 / 7) for i in range(100_000)]
    axes = Axes(0, 99_999, 0.0, 1.0, decades=False)
    drawn = chart(axes, [Series(points=points, colour="red")], [], axes.grid((0, 1), ""), "luma")
    assert len(drawn) < 40_000


def test_values_beyond_the_axes_stay_inside() -> None:
    axes = Axes(0, 10, 1.0, 1000.0, decades=True)
    assert axes.y(1000.0) == axes.y(1e9) < axes.y(1.0) == axes.y(0.0)
    assert axes.x(0) < axes.x(10)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_browser_shows_it(written: Path, tmp_path: Path) -> None:
    """Every picture is decoded, the slider moves the edge, nothing is wider than the page."""
    script = """<script>addEventListener('load', () => {
      const pictures = [...document.images].filter(i => i.naturalWidth > 0).length;
      const slider = document.querySelector('.slider'), input = slider.querySelector('input');
      input.value = 20; input.dispatchEvent(new Event('input'));
      const clip = getComputedStyle(slider.querySelector('.after')).clipPath;
      const wide = document.documentElement.scrollWidth <= innerWidth;
      document.title = [pictures, clip, wide].join('|');
    });</script>"""
    checked = tmp_path / "checked.html"
    checked.write_text(written.read_text("utf-8").replace("</body>", script + "</body>"))
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--window-size=420,900"),
            *("--virtual-time-budget=5000", "--dump-dom", checked.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None
    assert title[1] == "9|inset(0px 0px 0px 20%)|true"
