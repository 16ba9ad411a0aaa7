"""What a step is, and what comes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Status = Literal["passed", "failed", "not run"]
Row = dict[str, Any]


class NotRunError(Exception):
    """Something that the step needs is not there; no failure."""


class FailedError(Exception):
    """The step ran and found something wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a step is given.

    Attributes:
        folder: where steps leave files for each other.
        deadline: on `time.monotonic`'s clock; a step is ended by force soon after it.
    """

    folder: Path
    deadline: float

    @property
    def seconds_left(self) -> float:
        """Until the deadline."""
        return self.deadline - time.monotonic()


# Yields rows as they are found: those are kept even where the step does not come to its end.
Run = Callable[[Task], Iterator[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        name: of the step.
        seconds: its share of the time, out of all steps'.
        run: does it.
        gpu: whether it needs one.
        after: the steps that must have passed.
    """

    name: str
    seconds: float
    run: Run
    gpu: bool = True
    after: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How a step ended; `why` is empty where it passed."""

    name: str
    status: Status
    why: str = ""
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


def line(**facts: Any) -> str:
    """A line of the file by which a step's process speaks to ours."""
    return json.dumps(facts, default=str) + "\n"
