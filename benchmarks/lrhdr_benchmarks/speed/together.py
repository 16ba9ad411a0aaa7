"""Which subjects are held in memory at once."""

from __future__ import annotations

from collections.abc import Mapping

from lrhdr_benchmarks.speed.record import Case

_SHARE = 0.8  # of what is available; the rest is for what else the machine does


def groups(peaks: Mapping[Case, float | None], available: float | None) -> list[list[Case]]:
    """All at once where they fit, else the first with each other one.

    What does not fit beside the first is alone, and so has no ratio.

    Args:
        peaks: the most memory that each took, MB; None where that is not known.
        available: MB; None where that is not known. Then pairs are taken to fit.
    """
    cases = list(peaks)
    if _fit(cases, peaks, available, unknown=False):
        return [cases] if cases else []
    first, *others = cases
    pairs = [[first, other] for other in others]
    found = [pair for pair in pairs if _fit(pair, peaks, available, unknown=True)]
    alone = [[other] for _, other in pairs if [first, other] not in found]
    return found + alone if found else [[first], *alone]


def _fit(
    cases: list[Case], peaks: Mapping[Case, float | None], available: float | None, *, unknown: bool
) -> bool:
    known = [peak for case in cases if (peak := peaks[case]) is not None]
    if available is None or len(known) < len(cases):
        return unknown or len(cases) < 2
    return sum(known) <= _SHARE * available
