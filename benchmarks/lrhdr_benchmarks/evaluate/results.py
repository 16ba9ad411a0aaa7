"""What an evaluation found, and its means."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from lrhdr.metrics import Role
from lrhdr_benchmarks.evaluate.flicker import Flicker
from lrhdr_benchmarks.evaluate.measures import Protocol
from lrhdr_benchmarks.evaluate.motion import MotionBins
from lrhdr_benchmarks.evaluate.vote import Vote

Key = TypeVar("Key", bound=Hashable)
Values = dict[str, float]  # by the names of MEASURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A frame of the test set, and what its exposure is in the cycle."""

    scene: str
    frame: int
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFigures:
    """The measures of one frame by one method under one protocol."""

    place: Place
    method: str
    protocol: Protocol
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameVote:
    """How a method voted in one frame."""

    place: Place
    method: str
    vote: Vote


@dataclass(slots=True, kw_only=True)
class Results:
    """Everything measured. Methods appear in the order in which they were first measured.

    `motion` has the key (method, protocol); `flicker` goes by scene.
    """

    figures: list[FrameFigures] = field(default_factory=list)
    votes: list[FrameVote] = field(default_factory=list)
    flicker: dict[str, Flicker] = field(default_factory=dict)
    motion: MotionBins = field(default_factory=MotionBins)

    def means(self, key: Callable[[FrameFigures], Key], protocol: Protocol) -> dict[Key, Values]:
        """Mean values over the frames of a protocol that share a key."""
        groups: dict[Key, list[Values]] = defaultdict(list)
        for figures in self.figures:
            if figures.protocol == protocol:
                groups[key(figures)].append(figures.values)
        return {
            group: {name: _mean(v[name] for v in values) for name in values[0]}
            for group, values in groups.items()
        }

    def mean_votes(self) -> dict[str, Vote]:
        """Mean over frames by method."""
        groups: dict[str, list[Vote]] = defaultdict(list)
        for each in self.votes:
            groups[each.method].append(each.vote)
        return {
            method: Vote(
                wins=tuple(map(_mean, zip(*(v.wins for v in votes), strict=True))),
                alive=_mean(v.alive for v in votes),
            )
            for method, votes in groups.items()
        }

    def mean_flicker(self) -> dict[str, tuple[float, float | None]]:
        """By method: the mean amplitude over scenes, and its ratio to that of the noisy truth.

        The ratio is of means over those scenes whose noise is known.
        """
        found = list(self.flicker.values())
        noisy = [scene for scene in found if scene.noise]
        result: dict[str, tuple[float, float | None]] = {}
        for method in found[0].methods if found else ():
            ratio = None
            if noisy:
                amplitude = _mean(scene.methods[method] for scene in noisy)
                ratio = amplitude / _mean(scene.noise or 0.0 for scene in noisy)
            result[method] = (_mean(scene.methods[method] for scene in found), ratio)
        return result


def _mean(values: Iterable[float]) -> float:
    collected = list(values)
    return math.fsum(collected) / len(collected)
