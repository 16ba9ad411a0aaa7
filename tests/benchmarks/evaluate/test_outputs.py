"""Tables, JSON and the page: what they say, and that they are well formed."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest

from lrhdr_benchmarks.evaluate.facts import facts, to_json, versions
from lrhdr_benchmarks.evaluate.gallery import SIDE, Gallery
from lrhdr_benchmarks.evaluate.measures import Domains, Protocol
from lrhdr_benchmarks.evaluate.plot import line_plot
from lrhdr_benchmarks.evaluate.report import report
from lrhdr_benchmarks.evaluate.results import FrameFigures, FrameVote, Place, Results
from lrhdr_benchmarks.evaluate.run import Shot
from lrhdr_benchmarks.evaluate.sheets import sheets
from lrhdr_benchmarks.evaluate.vote import Vote
from lrhdr_benchmarks.evaluate.windowed import Windowed
from tests.benchmarks.evaluate.rooms import texture

PROTOCOLS: tuple[Protocol, ...] = ("raw", "masked")
METHODS = [
    Windowed(name=name, about="<of the tests>", merge=lambda frames, _e: frames[0])
    for name in ("ours", "a & b")
]


def values(psnr: float) -> dict[str, float]:
    return {"psnr_t": psnr, "ssim_t": 0.5, "psnr_pq": psnr, "ssim_pq": 0.75}


@pytest.fixture
def results() -> Results:
    """Two frames of `hall` by two methods; the second is perfect in the low frame."""
    found = Results()
    for frame, role in ((2, "low"), (3, "high")):
        place = Place(scene="hall", frame=frame, role=role)  # type: ignore[arg-type]
        for protocol in PROTOCOLS:
            perfect = math.inf if frame == 2 else 20.0
            for method, psnr in (("ours", 30.0 + frame), ("a & b", perfect)):
                found.figures.append(
                    FrameFigures(place=place, method=method, protocol=protocol, values=values(psnr))
                )
        vote = Vote(wins=(0.25, 0.5, 0.25, 0.0, 0.0, 0.0), alive=1.0 + frame)
        found.votes.append(FrameVote(place=place, method="ours", vote=vote))
        psnr_of = {(m.name, p): np.array([40.0, 30.0]) for m in METHODS for p in PROTOCOLS}
        found.motion.add(np.array([0.5, 3.0]), psnr_of)
    return found


def test_tables_have_a_row_a_method_and_a_column_a_role(results: Results) -> None:
    raw, masked, motion, votes = sheets(results, PROTOCOLS, 2)
    assert raw.heads[:3] == ["low reference", "high reference", "all"]
    assert raw.rows["ours"] == [
        *("32.00 / 0.5000", "33.00 / 0.5000", "32.50 / 0.5000"),
        *("32.50", "0.7500"),
    ]
    assert raw.rows["a & b"][:3] == ["∞ / 0.5000", "20.00 / 0.5000", "∞ / 0.5000"]
    assert masked.title.startswith("masked")
    assert dict(zip(motion.heads, motion.rows["ours"], strict=True))["2 to 4 (2)"] == "30.00"
    assert votes.rows == {"ours": ["25.0%", "50.0%", "25.0%", "0.0%", "0.0%", "0.0%", "3.50"]}
    for sheet in (raw, masked, motion, votes):
        assert all(len(cells) == len(sheet.heads) for cells in sheet.rows.values())


def test_empty_tables_are_left_out() -> None:
    assert list(sheets(Results(), PROTOCOLS, 2)) == []


def test_json_is_strict_and_holds_every_frame(results: Results) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = to_json(facts(results, METHODS, PROTOCOLS, 2))
    read = json.loads(text, parse_constant=refuse)
    assert len(read["frames"]) == 8
    assert read["frames"][1] == {
        "scene": "hall",
        "frame": 2,
        "role": "low",
        "method": "a & b",
        "protocol": "raw",
        "psnr_t": "inf",
        "ssim_t": 0.5,
        "psnr_pq": "inf",
        "ssim_pq": 0.75,
    }
    means = read["means"]["raw"]["ours"]
    assert means["all"]["psnr_t"] == means["scenes"]["hall"]["psnr_t"] == 32.5
    assert means["roles"]["high"]["psnr_t"] == 33.0
    assert read["votes"]["ours"]["wins"]["L(t)"] == 0.5
    assert read["motion"]["blocks"] == [2, 0, 2, 0, 0, 0]
    assert read["motion"]["edges"][-1] == "inf"
    assert to_json({"nothing": math.nan}) == '{\n "nothing": null\n}\n'
    assert versions().keys() >= {"lrhdr", "python", "numpy"}


def shots(count: int = 2) -> Iterator[Shot]:
    """Frames of one scene; the first method is off by 0.1 in a square, the more the later."""
    truth = Domains.of(texture(160, 300))
    for frame in range(count):
        wrong = truth.linear.copy()
        wrong[20:60, 180:230] += 0.05 * (frame + 1)
        masks = np.zeros((160, 300, 6), np.float32)
        masks[..., 3] = 1.0
        yield Shot(
            place=Place(scene="<hall>", frame=frame, role="low"),
            cycle=[1.0, 8.0],
            exposure=1.0,
            frame=truth.linear.astype(np.float32),
            truth=truth,
            results={"ours": wrong.astype(np.float32), "a & b": truth.linear.astype(np.float32)},
            oracles={},
            masks={"ours": masks},
        )


def test_the_gallery_shows_where_the_first_method_differs_most() -> None:
    gallery = Gallery()
    for shot in shots():
        gallery.see(shot)
    (exhibit,) = gallery.exhibits()
    assert exhibit.place.frame == 1
    x, y = exhibit.corner
    assert 230 - SIDE <= x <= 180
    assert 0 <= y <= 20
    assert exhibit.frame.shape == (SIDE, SIDE, 3)
    bright = exhibit.errors["ours"].max(axis=2) > 200
    square = np.zeros((160, 300), bool)
    square[20:60, 180:230] = True
    assert bright.any()
    assert not (bright & ~square[y : y + SIDE, x : x + SIDE]).any()
    assert (exhibit.errors["a & b"] == exhibit.errors["a & b"][0, 0]).all()
    assert (exhibit.winners["ours"] == (46, 125, 80)).all()


class Tags(HTMLParser):
    """What a page consists of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self.open.pop() == tag or tag == "!"


def test_the_page_holds_everything_itself(results: Results) -> None:
    gallery = Gallery()
    for shot in shots():
        gallery.see(shot)
    about = {"command": "lrhdr-eval --data 'a <b>'"}
    page = report(about, METHODS, results, PROTOCOLS, gallery.exhibits(), 2)
    found = Tags(page)
    names = [tag for tag, _ in found.tags]
    assert not {"script", "link", "iframe"} & set(names)
    assert names.count("table") == 4
    assert names.count("svg") == 2
    assert "&lt;hall&gt;" in page
    assert "a &amp; b" in page
    assert "<b>" not in page
    # Recorded, truth, two results, two error maps, one map of winners.
    sources = [attrs["src"] or "" for tag, attrs in found.tags if tag == "img"]
    assert len(sources) == 7
    for source in sources:
        kind, text = source.removeprefix("data:image/").split(";base64,")
        codes = np.frombuffer(base64.b64decode(text), np.uint8)
        picture = cv2.imdecode(codes, cv2.IMREAD_COLOR)
        assert kind in ("jpeg", "png")
        assert picture is not None
        assert picture.shape == (SIDE, SIDE, 3)


def test_a_plot_has_a_line_for_each_name_and_gaps() -> None:
    lines = {"a": [30.0, None, 31.0], "b & c": [42.5, 41.0, None]}
    text = line_plot(lines, ["0 to 1", "1 to 2", "2 on"], "motion", "PSNR")
    svg = ET.fromstring(text)
    labels = [element.text for element in svg.iter("text")]
    assert {"a", "b & c", "0 to 1", "motion", "PSNR"} <= set(labels)
    paths = [e.attrib["d"] for e in svg.iter("path") if e.attrib.get("fill") == "none"]
    # The key of each line is a stroke of its own, after the values.
    assert [len(re.findall("[ML]", path)) - 1 for path in paths] == [2, 2]
    assert "L" not in paths[0]
    assert paths[1].count("L") == 1
    heights = [float(re.findall(r"[\d.]+", path)[1]) for path in paths]
    assert heights[0] > heights[1]  # SVG counts downwards


def test_a_plot_of_one_value_has_a_scale() -> None:
    assert "<svg" in line_plot({"a": [30.0]}, ["all"], "x", "y")
