"""The sliding window: frames in, the neighbourhood of every output out.

A slot of the window has a fixed exposure. Where its frame would lie outside
the clip, the nearest frame of the same exposure inside the clip stands in: one
cycle earlier or later. (2E: L(-1) is L(1). 3E: L(-1) is L(2).)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lrhdr.contract import WINDOWS
from lrhdr.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledWindow(Generic[T]):
    """The frames for output `index`: slot k holds frame `slots[k]` of the clip."""

    index: int
    slots: tuple[int, ...]
    frames: tuple[T, ...]


def slots(index: int, exposures: int, last: int | None = None) -> tuple[int, ...]:
    """Which frames of the clip fill the window of output `index`.

    Args:
        index: of the output, and of the frame it is made for.
        exposures: Ne.
        last: index of the clip's last frame, at least Ne - 1; None if the clip goes on for
            another Ne - 1 frames.
    """
    filled = (index + offset for offset in WINDOWS[exposures].offsets)
    return tuple(_inside(frame, exposures, last) for frame in filled)


def _inside(frame: int, exposures: int, last: int | None) -> int:
    if frame < 0:
        return frame + exposures
    return frame - exposures if last is not None and frame > last else frame


def context(exposures: int, start: int, stop: int | None) -> tuple[int, int | None]:
    """The range of frames to read for outputs `start` to `stop` (exclusive; None: to the end)."""
    reach = exposures - 1
    return max(0, start - reach), None if stop is None else stop + reach


class SlidingWindow(Generic[T]):
    """Turns frames, pushed in order, into one filled window for every output.

    It holds at most 2 Ne - 1 frames.
    """

    def __init__(
        self, exposures: int, *, first: int = 0, start: int = 0, stop: int | None = None
    ) -> None:
        """Begin a clip, or a part of it.

        Args:
            exposures: Ne, 2 or 3.
            first: index in the clip of the first frame that will be pushed, as `context` says.
            start: first output wanted.
            stop: end of the outputs wanted, exclusive; None for all.

        Raises:
            InputError: frames that the first output needs would be missing.
        """
        if not 0 <= first <= context(exposures, start, stop)[0]:
            raise InputError(
                f"frames from {first} on for outputs from {start} on",
                expected=f"frames from {context(exposures, start, stop)[0]} on",
            )
        self._exposures = exposures
        self._reach = exposures - 1
        self._first = first
        self._start = start
        self._stop = stop
        self._next = start
        self._pushed = first
        self._held: dict[int, T] = {}

    @property
    def done(self) -> bool:
        """Whether every output up to `stop` has been handed out."""
        return self._stop is not None and self._next >= self._stop

    def push(self, frame: T) -> Sequence[FilledWindow[T]]:
        """Take the next frame; return the windows that it completes (none or one)."""
        if self.done:
            return []
        self._held[self._pushed] = frame
        self._pushed += 1
        ready = self._next + self._reach < self._pushed
        windows = [self._fill(None)] if ready else []
        # Later windows reach back by Ne - 1, and so do the stand-ins at the end.
        oldest = min(self._next, self._pushed) - self._reach
        for index in [i for i in self._held if i < oldest]:
            del self._held[index]
        return windows

    def finish(self) -> Sequence[FilledWindow[T]]:
        """The clip has ended: return the remaining windows.

        Raises:
            InputError: the clip is shorter than a cycle, or ended before the first output.
        """
        count = self._pushed
        if self._first == 0 and count < self._exposures:
            raise InputError(
                f"the clip has {count} frame{'' if count == 1 else 's'}",
                expected=f"at least {self._exposures}, one for every exposure",
            )
        if self._next == self._start and self._pushed <= self._start:
            raise InputError(
                f"the clip ends before frame {self._start}",
                next_step="Choose an earlier start frame; the first frame is 0",
            )
        end = count if self._stop is None else min(count, self._stop)
        return [self._fill(count - 1) for _ in range(self._next, end)]

    def _fill(self, last: int | None) -> FilledWindow[T]:
        index = self._next
        self._next += 1
        filled = slots(index, self._exposures, last)
        return FilledWindow(index=index, slots=filled, frames=tuple(self._held[i] for i in filled))
