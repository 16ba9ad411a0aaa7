"""Which pictures are due: every packet that went in promises one at its time.

So a picture that a decoder drops is known to be lost, at a constant and at a
variable rate. A packet that the container lost leaves a gap, which counts the
lost ones where the rate is constant.
"""

from __future__ import annotations

import heapq
from fractions import Fraction


class Ledger:
    """Pictures due and shown, by timestamps in ticks."""

    def __init__(self, period: Fraction | None, second: int) -> None:
        """`period` of a frame in ticks, None where it varies; ticks in a `second`."""
        self.seen = 0
        self.latest: int | None = None  # when the last of the pictures due is shown
        self.longest = 0  # between two pictures that were shown one after the other
        self._period = period
        self._second = second
        self._due: list[int] = []
        self._last: int | None = None
        self._clock: int | None = None
        self._shift = 0

    def shift(self, clock: int) -> int:
        """Ticks to add to a packet's times, `clock` being its decoding time.

        Not 0 where the recording's clock was set back by more than a second: times go on.
        """
        if self._clock is not None and clock + self._shift < self._clock - self._second:
            self._shift = self._clock - clock + int(self._period or 1)
        self._clock = clock + self._shift
        return self._shift

    def expect(self, pts: int) -> None:
        """A packet whose picture is shown at `pts` goes into the decoder."""
        self.seen += 1
        self.latest = pts if self.latest is None else max(pts, self.latest)
        heapq.heappush(self._due, pts)

    def place(self, pts: int, *, trouble: bool) -> list[int] | None:
        """The times of the pictures lost before the one at `pts`, and `pts`.

        None if it comes too late: one that is shown after it has been placed already. A leap
        of more than a second between packets is a loss only if there was `trouble`.
        """
        lost = []
        while self._due and self._due[0] < pts:
            lost.append(heapq.heappop(self._due))
        known = bool(self._due) and self._due[0] == pts
        if known:
            heapq.heappop(self._due)
        last = self._last
        if last is not None and (pts < last or (pts == last and not known)):
            return None
        lost = [time for time in lost if last is None or time >= last]
        return self._filled([*lost, pts], trouble=trouble)

    def rest(self) -> list[int]:
        """The times of the pictures that are due still, once none can come any more."""
        lost = sorted(time for time in self._due if self._last is None or time >= self._last)
        self._due.clear()
        return self._filled(lost, trouble=True)

    def _filled(self, times: list[int], *, trouble: bool) -> list[int]:
        """`times`, and those in the gaps between them and after the last one placed."""
        filled = []
        for time in times:
            before, self._last = self._last, time
            leap = 0 if before is None else time - before
            self.longest = max(self.longest, leap)
            if before is not None and self._period and (trouble or leap <= self._second):
                most = 2 * self._second / self._period + 1  # more than a second is lost anyhow
                missing = min(round(leap / self._period) - 1, int(most))
                filled += [before + round(k * self._period) for k in range(1, missing + 1)]
            filled.append(time)
        return filled
