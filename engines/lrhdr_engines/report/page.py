"""The page itself."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from lrhdr import __version__
from lrhdr.contract import WINDOWS
from lrhdr_engines.preview import palette, stops_of
from lrhdr_engines.report.charts import Axes, Mark, Series, chart
from lrhdr_engines.versions import versions

if TYPE_CHECKING:
    from lrhdr_engines.pipeline import Report
    from lrhdr_engines.plan import Plan
    from lrhdr_engines.report.figures import Comparison, FrameFigures

_EXPOSURES = ("#c2601c", "#2f6db5", "#2e7d50")  # from the longest to the shortest
_HIGH, _MEAN = "#c2601c", "#2f6db5"
_PACKAGES = (
    *("av", "numpy", "onnxruntime", "onnxruntime-gpu", "openvino", "tensorrt", "tensorrt-rtx"),
    *("opencv-python-headless", "OpenImageIO"),
)


def page(
    plan: Plan,
    report: Report,
    figures: Sequence[FrameFigures],
    comparisons: Sequence[Comparison],
) -> str:
    """All of it, in one file that needs no other."""
    style = resources.files("lrhdr_engines.report").joinpath("page.css").read_text("utf-8")
    name = escape(plan.job.input.name)
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{name}: lrhdr report</title><style>{style}</style></head><body><main>",
            f"<h1>{name}</h1>",
            f'<p class="lead">{escape(_summary(plan, report))}</p>',
            _section("Before and after", "".join(map(_slider, comparisons))),
            _section("Exposures", _exposure_chart(plan, figures), _exposure_words(plan)),
            _section("Light of the result", _light_chart(plan, figures), _light_words()),
            _section("Which candidate won where", _winners(plan, comparisons)),
            _section("What was not as it should be", _findings(report)),
            _section("How it was made", _facts(plan, report)),
            "</main></body></html>",
            "",
        )
    )


def _section(title: str, body: str, words: str = "") -> str:
    if not body:
        return ""
    note = f"<p>{words}</p>" if words else ""
    return f"<section><h2>{title}</h2>{note}{body}</section>"


def _summary(plan: Plan, report: Report) -> str:
    done = f"{report.frames} HDR frames from {plan.clip.width} × {plan.clip.height}"
    ending = "" if report.ending == "complete" else f" {report.ending.capitalize()}: {report.note}."
    return f"{done}; {plan.timeline.note}.{ending}"


def _slider(one: Comparison) -> str:
    """The range input moves the edge between the two pictures; the one line of script does it."""
    return (
        '<figure class="slider">'
        f'<img src="{one.before}" alt="Frame {one.index} as it was shot">'
        f'<img class="after" src="{one.after}" alt="Frame {one.index}, HDR result, tone-mapped">'
        '<input type="range" min="0" max="100" value="50" aria-label="Edge between the pictures" '
        "oninput=\"this.parentNode.style.setProperty('--edge', this.value + '%')\">"
        f"<figcaption>Frame {one.index}: as shot at {stops_of(one.ev)} on the left, "
        "the HDR result, tone-mapped, on the right</figcaption></figure>"
    )


def _span(figures: Sequence[FrameFigures]) -> tuple[int, int]:
    return figures[0].index, figures[-1].index


def _marks(plan: Plan, figures: Sequence[FrameFigures]) -> list[Mark]:
    first, last = _span(figures)
    timeline = plan.timeline
    marks = [Mark(frame, "cut") for frame in timeline.cuts]
    marks += [Mark(slip.frame, slip.kind) for slip in timeline.slips]
    return [mark for mark in marks if first <= mark.frame <= last]


def _exposure_chart(plan: Plan, figures: Sequence[FrameFigures]) -> str:
    axes = Axes(*_span(figures), 0.0, 1.0, decades=False)
    series = [
        Series(points=[(f.index, f.luma) for f in figures if f.phase == phase], colour=colour)
        for phase, colour in enumerate(_EXPOSURES[: len(plan.timeline.ev)])
    ]
    grid = axes.grid((0.0, 0.25, 0.5, 0.75, 1.0), "")
    return chart(axes, series, _marks(plan, figures), grid, "Mean luma of every frame")


def _exposure_words(plan: Plan) -> str:
    evs = sorted(set(plan.timeline.ev), reverse=True)
    named = ", ".join(
        f'<span class="key" style="background:{colour}"></span>{stops_of(ev)}'
        for ev, colour in zip(evs, _EXPOSURES, strict=False)
    )
    return f"Mean luma of every frame as it was shot: {named}."


def _light_chart(plan: Plan, figures: Sequence[FrameFigures]) -> str:
    top = max(f.high_nits for f in figures)
    high = 10.0 ** math.ceil(math.log10(max(top, 10.0)))
    low = min(1.0, high / 1e3)
    axes = Axes(*_span(figures), low, high, decades=True)
    series = [
        Series(points=[(f.index, f.high_nits) for f in figures], colour=_HIGH, line=True),
        Series(points=[(f.index, f.mean_nits) for f in figures], colour=_MEAN, line=True),
    ]
    decades = round(math.log10(high / low))
    grid = axes.grid([low * 10.0**k for k in range(decades + 1)], "")
    return chart(axes, series, _marks(plan, figures), grid, "Light of the result in cd/m2")


def _light_words() -> str:
    key = '<span class="key" style="background:{}"></span>'
    return (
        f"cd/m² of the brightest channel: {key.format(_HIGH)}what 1 % of the pixels exceed, "
        f"{key.format(_MEAN)}the mean."
    )


def _winners(plan: Plan, comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return ""
    window = WINDOWS[len(plan.timeline.ev)]
    colours = [f"rgb{colour}" for colour in palette(window)]
    rows = []
    for one in comparisons:
        bar = "".join(
            f'<span style="width:{share:.2%};background:{colour}" title="{name} {share:.0%}">'
            "</span>"
            for name, colour, share in zip(window.candidate_names, colours, one.shares, strict=True)
        )
        rows.append(
            f'<figure><img src="{one.winners}" alt="The heaviest candidate at every pixel">'
            f'<div class="bar">{bar}</div><figcaption>Frame {one.index}, '
            f"{stops_of(one.ev)}</figcaption></figure>"
        )
    means = [sum(s) / len(comparisons) for s in zip(*(c.shares for c in comparisons), strict=True)]
    key = "".join(
        f'<li><span class="key" style="background:{colour}"></span>{escape(name)} {share:.0%}</li>'
        for name, colour, share in zip(window.candidate_names, colours, means, strict=True)
    )
    return f'<div class="row">{"".join(rows)}</div><ul class="legend">{key}</ul>'


def _findings(report: Report) -> str:
    sentences = list(report.findings.sentences())
    for output in report.outputs:
        notes = output.get("notes")
        sentences += [str(note) for note in notes] if isinstance(notes, list) else []
    if not sentences:
        return "<p>Nothing: no frame was lost, black, blown or not finite.</p>"
    return "<ul>" + "".join(f"<li>{escape(one)}</li>" for one in sentences) + "</ul>"


def _facts(plan: Plan, report: Report) -> str:
    clip, timeline = plan.clip, plan.timeline
    rate = report.frames / max(report.seconds, 1e-9)
    rows = [
        ("Command", plan.job.command()),
        (
            "Clip",
            f"{clip.codec}, {clip.pixel_format}, {clip.colour}, {float(clip.frame_rate):g} fps",
        ),
        ("Exposures", f"{timeline.note} ({timeline.source})"),
        ("Model", f"{plan.bundle}, {plan.engine}, {plan.backend} on the {plan.device}"),
        *(("Output", _output(output)) for output in report.outputs),
        ("Time", f"{report.seconds:.1f} s, {rate:.2f} fps"),
        ("Versions", ", ".join(f"{name} {number}" for name, number in _versions().items())),
    ]
    cells = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows)
    return f"<table>{cells}</table>"


def _output(facts: dict[str, object]) -> str:
    light = ""
    if "max_cll" in facts:
        light = f", MaxCLL {facts['max_cll']}, MaxFALL {facts['max_fall']} cd/m²"
    return f"{facts.get('path') or 'nothing'} ({facts.get('kind')}{light})"


def _versions() -> dict[str, str]:
    here = {"lrhdr": __version__, "Python": platform.python_version()}
    return here | versions(_PACKAGES)
