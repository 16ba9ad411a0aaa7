"""What every output looks like, and which one a name means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import PQ_PEAK_NITS, REFERENCE_WHITE_NITS

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv")
Radiance = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """What an output must be told.

    white_nits: display light of radiance 1.0, in (0, 10000] cd/m2.
    overwrite: replace what exists under the name.
    audio_from: the input whose audio is copied into a video, from
    `start_seconds` on, which is where its first written frame lies.
    """

    width: int
    height: int
    frame_rate: Fraction
    white_nits: float = REFERENCE_WHITE_NITS
    overwrite: bool = False
    audio_from: Path | None = None
    start_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Raises InputError where a value cannot be used."""
        if self.width < 1 or self.height < 1:
            raise InputError(f"frames of {self.width}x{self.height}", expected="a positive size")
        if self.frame_rate <= 0:
            raise InputError(f"a frame rate of {self.frame_rate}", expected="more than 0")
        if not 0 < self.white_nits <= PQ_PEAK_NITS:
            raise InputError(
                f"white at {self.white_nits} cd/m2",
                expected=f"more than 0 and at most {PQ_PEAK_NITS:g}, as PQ reaches no further",
            )
        if not (math.isfinite(self.start_seconds) and self.start_seconds >= 0):
            raise InputError(f"a start at {self.start_seconds} s", expected="0 or later")

    @property
    def first_index(self) -> int:
        """The input's index of the first frame written."""
        return round(self.start_seconds * self.frame_rate)


class Sink(Protocol):
    """Takes HDR frames in order. End with `close`, also when interrupted; on failure `abort`."""

    def write(self, index: int, radiance: Radiance) -> None:
        """One frame.

        Args:
            index: the frame's number in the input, rising by one from call to call.
            radiance: (H, W, 3) linear BT.709; 1.0 is what just clips at EV 0.

        Raises:
            OutputError: it cannot be written, for example because the disk is full.
        """
        ...

    def close(self) -> dict[str, object]:
        """Finish, move into place, and return facts (JSON values).

        Every sink gives kind, path (None where nothing was written), frames,
        repaired_values (numbers that were not finite) and notes (sentences for
        the user); HDR10 and null also max_cll and max_fall in cd/m2.

        Raises:
            OutputError: it cannot be finished; nothing is left behind.
        """
        ...

    def abort(self) -> None:
        """Remove unfinished work; files that existed are untouched. Safe to call at any time."""
        ...
