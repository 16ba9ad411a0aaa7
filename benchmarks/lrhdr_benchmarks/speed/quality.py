"""Speed against quality: what lrhdr-eval wrote, beside what was timed here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lrhdr.errors import InputError
from lrhdr_benchmarks.speed.plane import colour, dot, kept_apart, leader, picture, square_axes, text
from lrhdr_benchmarks.speed.record import Case, Result, Row
from lrhdr_benchmarks.speed.words import figure, model_of, name_of, names, size_of

PROTOCOLS = ("raw", "masked")  # of the first that a file has; their figures do not compare
Quality = dict[int, dict[str, float]]
"""PSNR_T in dB by exposures and by the name of a method."""


def read_quality(files: Sequence[Path]) -> Quality:
    """From files of lrhdr-eval --json, those of two and of three exposures together.

    Raises:
        InputError: a file cannot be read, or holds no PSNR_T.
    """
    found: Quality = {}
    for file in files:
        try:
            means = json.loads(file.read_text(encoding="utf-8"))["means"]
            methods = next(means[name] for name in PROTOCOLS if name in means)
            for method, values in methods.items():
                _add(found, method, values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
            raise InputError(
                f"{file} holds no quality ({type(error).__name__}: {error})",
                expected="a file that lrhdr-eval --json wrote of a test set with truth",
            ) from error
    return found


def _add(found: Quality, method: str, values: dict[str, Any]) -> None:
    """With three exposures there is a middle one."""
    psnr = values["all"]["psnr_t"]
    if isinstance(psnr, int | float):  # an infinite one is a text, and has no place in a plot
        found.setdefault(3 if "middle" in values["roles"] else 2, {})[method] = float(psnr)


def method_of(case: Case) -> str:
    """What lrhdr-eval calls the same: a model by its name, a merge without the word, HDRFlow."""
    if case.model:
        return model_of(case)
    kind, _, rest = case.subject.partition(" ")
    return rest if kind == "merge" else kind


def speed_and_quality(result: Result, quality: Quality, exposures: int) -> str:
    """Outputs a second by quality at the largest size that most of it was timed at.

    Empty where nothing that was timed has a quality.
    """
    known = quality.get(exposures, {})
    of_interest = [row for row in result.rows if row.case.exposures == exposures]
    rows = _at_one_size([row for row in of_interest if method_of(row.case) in known])
    if not rows:
        return ""
    levels = [known[method_of(row.case)] for row in rows]
    titles = ("outputs a second", "PSNR_T, dB")
    axes = square_axes([row.fps for row in rows], levels, titles, log_y=False)
    parts = list(axes.grid())
    places = kept_apart([axes.y.at(level) for level in levels], axes.y.end, axes.y.start)
    for row, level, place in zip(rows, levels, places, strict=True):
        x, y, name = axes.x.at(row.fps), axes.y.at(level), name_of(row.case)
        index = names(result).index(name)
        hint = f"{name}: {figure(row.fps)} fps, {level:.2f} dB"
        parts.append(leader(x + 7, y, axes.x.end + 10, place, colour(index)))
        parts.append(dot(x, y, colour(index), index, hint))
        parts.append(text(axes.x.end + 14, place + 4, name, kind=f"name {colour(index)}"))
    size = size_of(rows[0].case)
    title = f"Speed against quality, {exposures} exposures, {size}"
    about = "To the right is faster, up is better: " + "; ".join(_words(rows, levels)) + "."
    return picture(f"quality-{exposures}", title, about, axes.height, parts)


def _words(rows: Sequence[Row], levels: Sequence[float]) -> Iterator[str]:
    for row, level in zip(rows, levels, strict=True):
        yield f"{name_of(row.case)} {figure(row.fps)} fps at {level:.2f} dB"


def _at_one_size(rows: Sequence[Row]) -> list[Row]:
    """Of the sizes that most have, the largest."""
    sizes = [(row.case.width, row.case.height) for row in rows]
    best = max(sizes, key=lambda s: (sizes.count(s), s[0] * s[1]), default=None)
    return [row for row, size in zip(rows, sizes, strict=True) if size == best]
