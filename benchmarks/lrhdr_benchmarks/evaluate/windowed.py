"""A method that is a function of one window: the classical merges, and adapters of peers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lrhdr.baselines import Baseline
from lrhdr.data.layouts import TestScene
from lrhdr_benchmarks.evaluate.method import Estimate, window_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed:
    """See `Method`. `merge` takes a window as `lrhdr.baselines.Baseline` says."""

    name: str
    about: str
    merge: Baseline

    def estimate(self, scene: TestScene, wanted: Sequence[int]) -> Iterator[Estimate]:
        """See `Method.estimate`."""
        for index in wanted:
            yield Estimate(index=index, hdr=self.merge(*window_of(scene, index)))
