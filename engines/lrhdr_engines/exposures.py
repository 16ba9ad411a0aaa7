"""The exposures of a clip: given as text, listed in `Exposures.txt`, or estimated from pixels.

EVs are log2 stops in cycle order from the clip's first frame: (0, -3) means
that frames 0, 2, 4, ... have EV 0 and frames 1, 3, 5, ... have EV -3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import ExposureError, IncompleteError
from lrhdr_engines.estimate import estimate_exposures

FILE_NAME = "Exposures.txt"
WIDEST = 12.0  # EV between the darkest and the brightest; 8 bit hold no more

_CYCLES = (2, 3)
_EXAMPLE = "Give them in cycle order from the first frame, for instance --ev 0,-3 or --ev=-2,0,2"

Frames = Iterable[NDArray[np.uint8] | NDArray[np.uint16]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures:
    """A clip's exposures and where they come from.

    Attributes:
        ev: two or three distinct EVs in cycle order from the first frame.
        source: the option, the file or the pixels.
        confidence: 0..1 of an estimate, None where the exposures were given.
        note: one line for people.
    """

    ev: tuple[float, ...]
    source: Literal["flag", "Exposures.txt", "estimate"]
    confidence: float | None
    note: str


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
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ExposureError(f"{path}: {error.strerror}", next_step=_EXAMPLE) from error
    except UnicodeDecodeError as error:
        raise ExposureError(f"{path}: not a text file", next_step=_EXAMPLE) from error
    words = " ".join(line.partition("#")[0] for line in text.splitlines())
    values = _numbers(words.replace(",", " ").split(), str(path))
    return _checked(_one_cycle(values, path), str(path))


def resolve_ev(option: str, clip: Path, luma_frames: Callable[[], Frames]) -> Exposures:
    """The exposures of `clip`: as `option` says or, if it is "auto", by file or from pixels.

    Args:
        option: "auto" or what `parse_ev` takes.
        clip: a video, or a folder of frames. Its file is `Exposures.txt` in the folder, or
            beside the video `<stem>.Exposures.txt` or else `Exposures.txt`.
        luma_frames: called only for an estimate; the frames from the first, (H, W, 3)
            gamma-encoded RGB, uint8 or uint16. No more than needed are taken.

    Raises:
        ExposureError: what was given is unusable, or nothing was and the pixels do not tell.
    """
    if option.strip().lower() != "auto":
        ev = parse_ev(option)
        return Exposures(ev=ev, source="flag", confidence=None, note=f"{_shown(ev)} EV as given")
    for path in _files(clip):
        if path.exists():
            ev = read_exposures_txt(path)
            note = f"{_shown(ev)} EV from {path.name}"
            return Exposures(ev=ev, source="Exposures.txt", confidence=None, note=note)
    try:
        found = estimate_exposures(_decodable(luma_frames()))
    except ExposureError as error:
        raise ExposureError(f"{clip.name}: {error}") from error
    note = (
        f"{_shown(found.ev)} EV estimated from pixels, within {found.uncertainty:.2f} EV "
        f"(confidence {found.confidence:.2f}: {found.reasons[0]}); --ev overrides"
    )
    return Exposures(ev=found.ev, source="estimate", confidence=found.confidence, note=note)


def _shown(ev: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in ev)


def _files(clip: Path) -> tuple[Path, ...]:
    """Where a clip's file may be, the most specific first."""
    if clip.is_dir():
        return (clip / FILE_NAME,)
    return clip.with_name(f"{clip.stem}.{FILE_NAME}"), clip.with_name(FILE_NAME)


def _decodable(frames: Frames) -> Iterator[NDArray[np.uint8] | NDArray[np.uint16]]:
    """The frames before the clip breaks off; whoever reads all of it reports the break."""
    try:
        yield from frames
    except IncompleteError:
        return


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
        fault = f"{_shown(values)} has the same exposure twice"
    elif max(values) - min(values) > WIDEST:
        fault = f"{max(values) - min(values):g} EV from the darkest to the brightest"
    else:
        return values
    raise ExposureError(
        f"{origin}: {fault}",
        expected=f"two or three different EVs within {WIDEST:g} EV",
        next_step=_EXAMPLE,
    )
