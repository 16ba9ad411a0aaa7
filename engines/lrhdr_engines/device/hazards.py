"""Finds accesses to one buffer that nothing orders, by vector clocks.

Every actor (the host, each stream) counts its own steps and knows which step
of every other actor is certainly behind it. An event carries its stream's
knowledge to whoever waits for it, and queued work knows what the host knew when
it queued it. Two accesses conflict if one of them writes; they must be ordered
by that knowledge. So a missing dependency is found in every interleaving, also
in one where all went well.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

HOST = "host"
Clock = dict[str, int]


class Hazard(Exception):
    """A defect of the code that drives the device: work that nothing orders, or misuse."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who, at which of its steps, doing what."""

    actor: str
    step: int
    operation: str

    def __str__(self) -> str:
        return f"'{self.operation}' ({self.actor})"


@dataclass(slots=True, kw_only=True)
class Shadow:
    """What is known of one piece of memory."""

    name: str
    written: Access | None = None
    read: dict[str, Access] = field(default_factory=dict)
    freed: bool = False


class Watch:
    """The clocks of all actors."""

    def __init__(self) -> None:
        self._clocks: defaultdict[str, Clock] = defaultdict(dict)

    def step(self, actor: str) -> None:
        """The actor begins something new."""
        clock = self._clocks[actor]
        clock[actor] = clock.get(actor, 0) + 1

    def knowledge(self, actor: str) -> Clock:
        """What the actor knows to be behind it, now."""
        return dict(self._clocks[actor])

    def knows(self, actor: str, knowledge: Clock) -> bool:
        """Whether the actor knows all of this to be behind it."""
        clock = self._clocks[actor]
        return all(clock.get(other, 0) >= step for other, step in knowledge.items())

    def learn(self, actor: str, knowledge: Clock) -> None:
        """The actor comes to know this too."""
        clock = self._clocks[actor]
        for other, step in knowledge.items():
            clock[other] = max(clock.get(other, 0), step)

    def reads(self, actor: str, memory: Shadow, operation: str) -> None:
        """An actor reads all of a memory.

        Raises:
            Hazard: it was never written, is freed, or its writing is not ordered before this.
        """
        access = self._access(actor, memory, operation)
        if memory.written is None:
            raise Hazard(f"{access} reads {memory.name} before anything was written to it")
        self._ordered(memory.written, access, f"{memory.name} is read while it is written")
        memory.read[actor] = access

    def writes(self, actor: str, memory: Shadow, operation: str) -> None:
        """An actor writes all of a memory.

        Raises:
            Hazard: it is freed, or an earlier access is not ordered before this.
        """
        access = self._access(actor, memory, operation)
        if memory.written is not None:
            self._ordered(memory.written, access, f"{memory.name} is written twice at once")
        for reader in memory.read.values():
            self._ordered(reader, access, f"{memory.name} is overwritten while it is read")
        memory.written = access
        memory.read.clear()

    def _access(self, actor: str, memory: Shadow, operation: str) -> Access:
        access = Access(actor, self._clocks[actor].get(actor, 0), operation)
        if memory.freed:
            raise Hazard(f"{access} uses {memory.name} after it was freed")
        return access

    def _ordered(self, before: Access, after: Access, what: str) -> None:
        if self._clocks[after.actor].get(before.actor, 0) < before.step:
            raise Hazard(f"{what}: nothing orders {before} before {after}")
