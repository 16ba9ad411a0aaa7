"""What every output looks like, and what it must be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import PQ_PEAK_NITS, REFERENCE_WHITE_NITS

STANDARD_OUTPUT = "-"
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv")
Tone = Literal["bt2390", "hable", "mobius", "reinhard"]
Encoder = Literal["auto", "cpu", "nvenc"]
Radiance = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class PqPicture:
    """A frame that a GPU has encoded already, for outputs that are PQ of the same white.

    Attributes:
        codes: (H, W, 3) uint16, PQ (ST 2084) of BT.2020 R, G, B over 0 to 65535.
        brightest_nits: the greatest of the pixels' max(R, G, B), cd/m2.
        mean_nits: their mean.
        repaired: values that were not finite, and were replaced.
    """

    codes: NDArray[np.uint16]
    brightest_nits: float
    mean_nits: float
    repaired: int


Picture = Radiance | PqPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """What an output must be told.

    Attributes:
        frame_rate: of the output; half the clip's where every second frame is left out.
        first_index: the clip's index of the first frame written.
        start: seconds from the clip's frame 0 to that frame.
        variable_rate: frames are shown at the times that `write` is told, and not every
            1 / frame_rate seconds.
        rotation: degrees that a player turns the picture by, clockwise: 0, 90, 180 or 270.
        timecode: of the clip's frame 0, "HH:MM:SS:FF" or "HH:MM:SS;FF" (drop frame); or None.
        carry_from: the input whose audio, time code, chapters and metadata go along; or None.
        white_nits: display light of radiance 1.0, in (0, 10000] cd/m2.
        overwrite: replace what exists under the name.
        resume: go on after what an earlier, interrupted run of the same `job` left.
        job: everything that a resumed run must have in common with the first, as JSON values.
        encoder: "nvenc", "cpu", or "auto": NVENC where there is one for the format.
        preset: the encoder's speed by its own word; None for the format's default.
        crf: its quality, smaller is better; None for the format's default.
        tone: how the SDR preview is mapped.
        compression: of EXR files, by OpenEXR's name.
    """

    width: int
    height: int
    frame_rate: Fraction
    first_index: int = 0
    start: Fraction = Fraction(0)
    variable_rate: bool = False
    rotation: int = 0
    timecode: str | None = None
    carry_from: Path | None = None
    white_nits: float = REFERENCE_WHITE_NITS
    overwrite: bool = False
    resume: bool = False
    job: Mapping[str, object] = field(default_factory=dict)
    encoder: Encoder = "auto"
    preset: str | None = None
    crf: int | None = None
    tone: Tone = "bt2390"
    compression: str = "zip"

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
        if self.first_index < 0 or self.start < 0:
            raise InputError(
                f"a start at frame {self.first_index}, {self.start} s", expected="0 or later"
            )


class Sink(Protocol):
    """Takes HDR frames in order. End with `close`, also when interrupted; on failure `abort`."""

    @property
    def takes_pq(self) -> bool:
        """Whether `write` takes a PqPicture."""
        ...

    @property
    def next_index(self) -> int:
        """The first frame that is still needed: `first_index`, or where a resumed run goes on."""
        ...

    @property
    def kept(self) -> int:
        """Frames that a resumed run would find, once this one was aborted or interrupted."""
        ...

    def write(self, index: int, picture: Picture, time: Fraction) -> None:
        """One frame.

        Args:
            index: the frame's number in the clip, rising from call to call.
            picture: radiance, (H, W, 3) linear BT.709, 1.0 is what just clips at EV 0; or,
                where `takes_pq`, a PqPicture.
            time: when it is shown, in seconds from the clip's frame 0.

        Raises:
            OutputError: it cannot be written, for example because the disk is full.
        """
        ...

    def close(self, *, complete: bool = True, keep: bool = False) -> dict[str, object]:
        """Finish, move into place, and return facts (JSON values).

        Every sink gives kind, path (None where nothing was written), frames (all that the output
        holds, an earlier run's included), repaired_values (numbers that were not finite) and
        notes (sentences for the user); PQ outputs also max_cll and max_fall in cd/m2.

        Args:
            complete: False where the run was interrupted: what is there becomes a playable
                output, and what a resumed run needs stays beside it.
            keep: it stays in any case, until `tidy`.

        Raises:
            OutputError: it cannot be finished.
        """
        ...

    def tidy(self) -> None:
        """Remove what only a resumed run would need, once every output of the run is complete."""
        ...

    def abort(self) -> None:
        """End after a failure. Safe to call at any time.

        Files that existed are untouched. Finished frames stay where a resumed run can use them;
        everything else goes.
        """
        ...
