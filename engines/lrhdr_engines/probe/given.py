"""Exposures that are said somewhere, in place of or beside what the pixels show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is said.

    Attributes:
        source: where.
        origin: the same for people.
        ev: one cycle of two or three from frame 0, or every frame's, or neither ...
        difference: ... but by how many EV two exposures differ.
    """

    source: Literal["flag", "Exposures.txt", "log", "metadata"]
    origin: str
    ev: tuple[float, ...] = ()
    difference: float = 0.0


def shown(ev: Sequence[float]) -> str:
    """EVs as `--ev` takes them."""
    return ",".join(f"{value:.6g}" for value in ev)
