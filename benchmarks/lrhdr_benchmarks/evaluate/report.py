"""The report: one HTML file with everything in it, which needs no script and no network."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape

import cv2

from lrhdr.contract import WINDOWS
from lrhdr_benchmarks.evaluate.gallery import Exhibit, Picture
from lrhdr_benchmarks.evaluate.measures import Protocol
from lrhdr_benchmarks.evaluate.method import Method
from lrhdr_benchmarks.evaluate.plot import line_plot
from lrhdr_benchmarks.evaluate.results import Results
from lrhdr_benchmarks.evaluate.sheets import Sheet, bin_names, sheets
from lrhdr_engines.preview import palette

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem; max-width: 1200px;
  color: #222226; background: #faf9f7; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
code { overflow-wrap: anywhere; } svg { max-width: 760px; font-size: 13px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #707078; padding-bottom: .3rem; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child { text-align: left; white-space: nowrap; }
.crops { display: flex; flex-wrap: wrap; gap: .8rem; align-items: flex-start; }
figure { margin: 0; color: #707078; font-size: 13px; width: 210px; }
figure img { width: 210px; display: block; image-rendering: pixelated; margin-bottom: 3px; }
.key { display: inline-block; width: .9em; height: .9em; margin: 0 .35em 0 1em; }
"""


def report(
    about: Mapping[str, str],
    methods: Sequence[Method],
    results: Results,
    protocols: Sequence[Protocol],
    exhibits: Sequence[Exhibit],
    exposures: int,
) -> str:
    """The whole page.

    Args:
        about: what was measured with what, for the list at the top.
        methods: that were measured.
        results: of all of them.
        protocols: that were measured under.
        exhibits: the pictures.
        exposures: in a cycle.
    """
    listed = {**about, **{method.name: method.about for method in methods}}
    items = "".join(f"<li>{escape(k)}: <code>{escape(v)}</code></li>" for k, v in listed.items())
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>lrhdr-eval</title><style>{_STYLE}</style></head><body>",
            f"<h1>lrhdr-eval</h1><ul>{items}</ul>",
            "<h2>Measures</h2>",
            *map(_table, sheets(results, protocols, exposures)),
            *_plots(results, protocols),
            *_pictures(exhibits, exposures),
            "</body></html>\n",
        )
    )


def _table(sheet: Sheet) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in ["method", *sheet.heads])
    rows = "".join(
        f"<tr><th>{escape(name)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for name, cells in sheet.rows.items()
    )
    return (
        f'<div class="wide"><table><caption>{escape(sheet.title)}</caption>'
        f"<tr>{heads}</tr>{rows}</table></div>"
    )


def _plots(results: Results, protocols: Sequence[Protocol]) -> Iterator[str]:
    means = results.motion.means()
    for protocol in protocols:
        lines = {method: line for (method, found), line in means.items() if found == protocol}
        if lines:
            yield f"<h2>Quality by motion, {protocol} protocol</h2>"
            yield line_plot(lines, bin_names(), "motion, pixels a frame", "PSNR_T of blocks, dB")


def _pictures(exhibits: Sequence[Exhibit], exposures: int) -> Iterator[str]:
    if not exhibits:
        return
    window = WINDOWS[exposures]
    yield f"<h2>Where {escape(next(iter(exhibits[0].results)))} differs most from the others</h2>"
    yield "<p>Below each picture: its error in T (black: none), and which candidate wins.</p><p>"
    if any(exhibit.winners for exhibit in exhibits):
        for name, colour in zip(window.candidate_names, palette(window), strict=True):
            yield f'<span class="key" style="background: rgb{colour}"></span>{escape(name)}'
    yield "</p>"
    for exhibit in exhibits:
        place, (x, y) = exhibit.place, exhibit.corner
        bright = f"; errors up to {exhibit.error_scale:.2g}" if exhibit.errors else ""
        yield (
            f"<h3>{escape(place.scene)}, frame {place.frame} ({place.role} reference), "
            f'from {x}, {y}{bright}</h3><div class="crops">'
        )
        yield _figure("as recorded", exhibit.frame)
        if exhibit.truth is not None:
            yield _figure("truth", exhibit.truth)
        for name, picture in exhibit.results.items():
            below = (exhibit.errors.get(name), exhibit.winners.get(name))
            yield _figure(name, picture, *(each for each in below if each is not None))
        yield "</div>"


def _figure(caption: str, photograph: Picture, *maps: Picture) -> str:
    """A photograph as JPEG, with maps of flat colours as PNG below it."""
    kinds: list[tuple[Picture, str, str]] = [(photograph, ".jpg", "jpeg")]
    kinds += [(each, ".png", "png") for each in maps]
    images = []
    for picture, suffix, media in kinds:
        options = [cv2.IMWRITE_JPEG_QUALITY, 92] if media == "jpeg" else []
        _, encoded = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
        text = base64.b64encode(encoded.tobytes()).decode()
        images.append(f'<img src="data:image/{media};base64,{text}" alt="{escape(caption)}">')
    return f"<figure>{''.join(images)}<figcaption>{escape(caption)}</figcaption></figure>"
