"""What a benchmark and its child process say to each other, as pickles."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.subject import Picture, Subject

# As `subjects.open_subject`; a function of a module, so that the child finds it by its name.
Opener = Callable[..., Subject]


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Open a subject, on these processors if any are named. Answered by `Opened`."""

    case: Case
    opener: Opener
    threads: int | None = None
    cpus: tuple[int, ...] = ()
    hdrflow: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Make `lead` outputs that do not count, then `outputs` that do. Answered by `Made`.

    With `keep`, the last picture comes back.
    """

    lead: int = 0
    outputs: int = 1
    keep: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """Close the subject. Answered by `Ended`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Seconds that opening took, imports included; for the others see `Subject`."""

    load_s: float
    ahead: int | None
    in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Times of one output, in milliseconds."""

    wall: float
    stages: dict[str, float]
    graphs: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The outputs that count."""

    outputs: list[Output]
    picture: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the subject held at most; of the GPU, what it held when it was closed."""

    resident_mb: float | None
    device_mb: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The request could not be met; the child ends."""

    reason: str


Request = Open | Turn | End
Answer = Opened | Made | Ended | Failed


def send(stream: IO[bytes], message: Request | Answer) -> None:
    """Write a message, at once."""
    pickle.dump(message, stream, pickle.HIGHEST_PROTOCOL)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """The next message; EOFError after the last. Only from the process at the other end."""
    return pickle.load(stream)
