"""What every input looks like: facts about the clip, and its frames in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipInfo:
    """Facts known before any frame is used.

    `frames` is the count that the container or folder promises: None where it
    promises nothing, rounded from the duration where it gives only that.
    `bit_depth` is that of the coded samples. `pixel_format` and `colour` say
    how the pixels are stored and read ("yuv420p", "BT.709, limited range").
    `frame_rate` is the mean where `variable_rate`. `rotation` is what a player
    turns the picture by, degrees clockwise. `timecode` is that of frame 0,
    "HH:MM:SS:FF" or "HH:MM:SS;FF" (drop frame).
    """

    path: Path
    width: int
    height: int
    frame_rate: Fraction
    frames: int | None
    bit_depth: int
    kind: Literal["video", "folder"]
    has_audio: bool
    codec: str
    pixel_format: str
    colour: str
    rotation: int = 0
    variable_rate: bool = False
    timecode: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        index: its number in the clip.
        rgb: (H, W, 3), gamma-encoded camera RGB over the dtype's full range: uint8 (0 to 255)
            for 8-bit inputs, uint16 (0 to 65535) for all deeper ones.
        time: when it is shown, in seconds from the clip's frame 0.
        damaged: its picture is lost; `rgb` is that of the nearest whole frame before it, at the
            clip's start of the first whole one.
    """

    index: int
    rgb: NDArray[np.uint8] | NDArray[np.uint16]
    time: Fraction
    damaged: bool = False


class Source(Protocol):
    """A clip. `frames` can be called again and again; each call reads from the file anew."""

    @property
    def info(self) -> ClipInfo:
        """Facts about the clip."""
        ...

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Frames `start`, `start + 1`, ..., the same whatever `start` is.

        Raises IncompleteError after the last whole frame where the clip ends
        early or is damaged.
        """
        ...

    def close(self) -> None:
        """Ends every iteration at its next frame."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class ClosedAfterUse:
    """Makes what has a `close` a context manager."""

    def close(self) -> None:
        """The end."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
