"""The page as a whole."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lrhdr_benchmarks.speed.page import page
from lrhdr_benchmarks.speed.record import Result
from lrhdr_benchmarks.speed.tables import tables
from tests.benchmarks.speed.results import result

QUALITY = {2: {"lite": 44.0, "dis": 36.0}}
EMPTY = replace(result(), rows=[], ratios=[], bounds=[], entmax=[], skipped={})


class Elements(HTMLParser):
    """What is in a page, and whether everything that begins also ends."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("of", [result(), EMPTY])
def test_the_page_is_well_formed_and_needs_nothing_else(of: Result) -> None:
    text = page(of, QUALITY)
    found = Elements(text)
    assert found.open == []
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "link", "img", "iframe"}
    assert not [a for _, attributes in found.tags for a in attributes if a in ("src", "href")]
    assert "url(" not in text
    assert "@import" not in text
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_table_is_on_it() -> None:
    text = page(result(), {})
    for table in tables(result()):
        assert f"<h2>{table.title.replace(chr(39), '&#x27;')}</h2>" in text
    assert "A &amp; B &lt;C&gt;" in text
    assert "<C>" not in text


def test_quality_is_plotted_where_it_is_known() -> None:
    assert "Speed against quality" not in page(result(), {})
    with_it = page(result(), QUALITY)
    assert "Speed against quality, 2 exposures" in with_it
    assert "Speed against quality, 3 exposures" not in with_it


def test_it_has_colours_for_light_and_dark_and_every_class_has_one() -> None:
    text = page(result(), QUALITY)
    style = text.partition("<style>")[2].partition("</style>")[0]
    light, dark = style.split("prefers-color-scheme: dark", 1)
    for name in set(re.findall(r'class="[^"]*\b(c\d)\b', text)):
        assert f"--{name}:" in light
        assert f"--{name}:" in dark
        assert f".{name} {{" in dark


def test_without_rows_there_are_no_plots() -> None:
    assert "<svg" not in page(EMPTY, QUALITY)
