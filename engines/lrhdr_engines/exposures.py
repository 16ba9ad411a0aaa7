"""The exposures of a clip: given as text, listed in `Exposures.txt`, or estimated from pixels.

EVs are log2 stops in cycle order from the clip's first frame: (0, -3) means
that frames 0, 2, 4, ... have EV 0 and frames 1, 3, 5, ... have EV -3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

from lrhdr.errors import ExposureError
from lrhdr_engines.media.source import Source
from lrhdr_engines.probe.answer import answer
from lrhdr_engines.probe.clip import read
from lrhdr_engines.probe.given import Given, shown
from lrhdr_engines.probe.sidecar import frame_exposures, log_difference
from lrhdr_engines.timeline import Timeline

FILE_NAME = "Exposures.txt"
WIDEST = 12.0  # EV between the darkest and the brightest; 8 bit hold no more

_CYCLES = (2, 3)
_EXAMPLE = "Give them in cycle order from the first frame, for instance --ev 0,-3 or --ev=-2,0,2"


def parse_ev(text: str) -> tuple[float, ...]:
    """Comma-separated EVs, "0,-3" to (0.0, -3.0).

    Raises:
        ExposureError: not two or three distinct finite numbers within `WIDEST` EV.
    """
    return _checked(_numbers(text.split(","), f"exposures {text!r}"), f"exposures {text!r}")


def read_exposures_txt(path: Path) -> tuple[float, ...]:
    """One cycle of EVs from a research folder's `Exposures.txt`.

    The file holds EVs separated by white space or commas; `#` starts a comment. It lists
    one cycle of two or three, which repeats from the first frame, or the EV of every frame.

    Raises:
        ExposureError: the file cannot be read, holds something else, or lists frames that do
            not repeat every two or three. The message names the file.
    """
    return _checked(_one_cycle(_read_list(path), path), str(path))


def resolve_timeline(
    option: str,
    source: Source,
    stop: int | None = None,
    advanced: Callable[[int], None] | None = None,
) -> Timeline:
    """The exposures of a clip: as `option` says or, if it is "auto", by file or from pixels.

    The clip is read once, for its cuts and for where its rhythm breaks.

    Args:
        option: "auto" or what `parse_ev` takes.
        source: the clip. A file that lists its exposures is in the folder, or beside the video.
        stop: frames to read at most; the last segment has no end all the same.
        advanced: called while the clip is read, with the number of frames so far.

    Raises:
        ExposureError: what was given is unusable, or nothing was and the pixels do not tell.
    """
    given = find_given(option, source.info.path)
    return answer(given, read(source, stop, advanced), source.info.path).timeline


def find_given(option: str, clip: Path) -> Given | None:
    """What is said of a clip's exposures: the option, else the first file; None for neither.

    Raises:
        ExposureError: it cannot be understood.
    """
    if option.strip().lower() != "auto":
        return Given(source="flag", origin="as given", ev=parse_ev(option))
    for path in _files(clip):
        if path.exists():
            ev = _read_list(path)
            if len(ev) <= max(_CYCLES):
                _checked(ev, str(path))
            _within(ev, str(path))
            return Given(source="Exposures.txt", origin=f"from {path.name}", ev=ev)
    table = frame_exposures(clip)
    if table is not None:
        _within(table[0], str(table[1]))
        return Given(source="metadata", origin=f"from {table[1].name}", ev=table[0])
    log = log_difference(clip)
    if log is not None:
        return Given(source="log", origin=f"from {log[1].name}", difference=log[0])
    return None


def _files(clip: Path) -> tuple[Path, ...]:
    """Where a clip's file may be, the most specific first."""
    if clip.is_dir():
        return (clip / FILE_NAME,)
    return clip.with_name(f"{clip.stem}.{FILE_NAME}"), clip.with_name(FILE_NAME)


def _read_list(path: Path) -> tuple[float, ...]:
    """The numbers of an `Exposures.txt`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ExposureError(f"{path}: {error.strerror}", next_step=_EXAMPLE) from error
    except UnicodeDecodeError as error:
        raise ExposureError(f"{path}: not a text file", next_step=_EXAMPLE) from error
    words = " ".join(line.partition("#")[0] for line in text.splitlines())
    return _numbers(words.replace(",", " ").split(), str(path))


def _numbers(words: Iterable[str], origin: str) -> tuple[float, ...]:
    values = []
    for word in words:
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ExposureError(
                f"{origin}: {word.strip()!r} is no exposure",
                expected="EVs, finite numbers",
                next_step=_EXAMPLE,
            )
        values.append(value)
    return tuple(values)


def _one_cycle(values: tuple[float, ...], path: Path) -> tuple[float, ...]:
    """A list of every frame's EV to its cycle; two or three values are a cycle already."""
    if len(values) <= max(_CYCLES):
        return values
    for length in _CYCLES:
        if all(value == values[k % length] for k, value in enumerate(values)):
            return values[:length]
    raise ExposureError(
        f"{path}: {len(values)} exposures that do not repeat every two or three frames",
        expected="one cycle of two or three, or every frame's EV",
        next_step=_EXAMPLE,
    )


def _checked(values: tuple[float, ...], origin: str) -> tuple[float, ...]:
    if len(values) not in _CYCLES:
        fault = f"{len(values)} exposure{'' if len(values) == 1 else 's'}"
    elif len(set(values)) < len(values):
        fault = f"{shown(values)} has the same exposure twice"
    else:
        return _within(values, origin)
    raise ExposureError(
        f"{origin}: {fault}",
        expected=f"two or three different EVs within {WIDEST:g} EV",
        next_step=_EXAMPLE,
    )


def _within(values: tuple[float, ...], origin: str) -> tuple[float, ...]:
    if max(values) - min(values) <= WIDEST:
        return values
    raise ExposureError(
        f"{origin}: {max(values) - min(values):g} EV from the darkest to the brightest",
        expected=f"exposures within {WIDEST:g} EV",
        next_step=_EXAMPLE,
    )
