"""MaxCLL and MaxFALL: how bright the brightest pixel and the brightest frame are."""

from __future__ import annotations


class LightMeter:
    """MaxCLL and MaxFALL of CTA-861.3, annex P: over max(R, G, B) of every pixel, in cd/m2."""

    def __init__(self) -> None:
        """Nothing has been measured."""
        self.brightest = 0.0
        self.brightest_mean = 0.0

    def add(self, brightest: float, mean: float) -> None:
        """One frame: the greatest and the mean of its pixels' max(R, G, B)."""
        self.brightest = max(self.brightest, brightest)
        self.brightest_mean = max(self.brightest_mean, mean)

    @property
    def max_cll(self) -> int:
        """Whole cd/m2, at least 1: 0 would say that it is unknown."""
        return max(1, round(self.brightest))

    @property
    def max_fall(self) -> int:
        """Whole cd/m2, at least 1: 0 would say that it is unknown."""
        return max(1, round(self.brightest_mean))
