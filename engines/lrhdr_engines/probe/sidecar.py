"""Exposures that a camera wrote beside the clip.

- A Magic Lantern log, `<stem>.LOG`, `.log`, `.TXT` or `.txt`, with a line
  "HDR video : ISO 100/1600 (4.0 EV)". It says how far the two exposures are
  apart; the camera's counter runs freely, so not which comes first.
- `<stem>.csv` of a machine-vision camera, one row for every frame of the clip,
  with a header that names `exposure_time` (in any one unit) and perhaps `gain`
  (dB). Other columns, and files with another header, are passed over.

For a folder of images they are in it, under the folder's own name.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from lrhdr.errors import ExposureError

_LOG_SUFFIXES = (".LOG", ".log", ".TXT", ".txt")
_ML_LINE = re.compile(
    r"HDR\s+video\s*:\s*ISO\s*(\d+)\s*/\s*(\d+)(?:\s*\(\s*(\d+(?:\.\d+)?)\s*EV\s*\))?",
    re.IGNORECASE,
)
_TIMES = ("exposure_time", "exposure_us", "exposure_ms", "exposuretime", "exposure")
_DB_A_STOP = 20.0 * math.log10(2.0)
_NEXT = "Correct or remove it, or give the exposures as --ev 0,-3"


def log_difference(clip: Path) -> tuple[float, Path] | None:
    """The EV between the two exposures, from a Magic Lantern log; None where there is none.

    Raises:
        ExposureError: the log names one ISO twice, or none.
    """
    for path in _beside(clip, _LOG_SUFFIXES):
        match = _ML_LINE.search(_text(path))
        if match is None:
            continue
        low, high = sorted((int(match[1]), int(match[2])))
        if low == 0 or low == high:
            raise ExposureError(
                f"{path}: {match[0]!r}", expected="two different ISOs", next_step=_NEXT
            )
        return float(match[3]) if match[3] else math.log2(high / low), path
    return None


def frame_exposures(clip: Path) -> tuple[tuple[float, ...], Path] | None:
    """Every frame's EV, 0 for the longest, from a table; None where there is none.

    Raises:
        ExposureError: a row holds no exposure.
    """
    for path in _beside(clip, (".csv",)):
        rows = list(csv.reader(_text(path).splitlines()))
        header = [word.strip().lower() for word in rows[0]] if rows else []
        time = next((header.index(name) for name in _TIMES if name in header), None)
        if time is None:
            continue
        gain = header.index("gain") if "gain" in header else None
        light = [_light(path, number, row, time, gain) for number, row in enumerate(rows[1:], 2)]
        if not light:
            raise ExposureError(f"{path}: no rows", expected="one a frame", next_step=_NEXT)
        return tuple(value - max(light) for value in light), path
    return None


def _light(path: Path, line: int, row: Sequence[str], time: int, gain: int | None) -> float:
    try:
        value = math.log2(float(row[time]))
        value += float(row[gain]) / _DB_A_STOP if gain is not None else 0.0
        if not math.isfinite(value):
            raise ValueError(value)
    except (IndexError, ValueError) as error:
        raise ExposureError(
            f"{path}, line {line}: {','.join(row)!r} has no exposure time",
            expected="a positive time, and a gain in dB if the header names it",
            next_step=_NEXT,
        ) from error
    return value


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise ExposureError(f"{path}: {error.strerror}", next_step=_NEXT) from error


def _beside(clip: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    folder, name = (clip, clip.resolve().name) if clip.is_dir() else (clip.parent, clip.stem)
    paths = (folder / f"{name}{suffix}" for suffix in suffixes)
    return (path for path in paths if path.is_file() and path != clip)
