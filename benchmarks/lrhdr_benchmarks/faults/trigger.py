"""What an injected run is told, and the moment at which its fault happens."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from lrhdr_benchmarks.faults.case import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the child is told; see `Case`. No `fault`: only what is written is noted."""

    fault: Fault | None
    frame: int = 0
    event: int | None = None
    amount: float = 0.0
    folder: str = ""
    clip: str = ""
    descriptor: int = 2
    stand_in: bool = False

    def to_json(self) -> str:
        """As `main` takes it."""
        return json.dumps(asdict(self))


class Trigger:
    """Does the fault once its time has come, once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.armed = threading.Event()  # for faults that wait for the next read, encode, ...
        self.action: Callable[[], None] = self.armed.set
        self._left = plan.event
        self._pulled = False

    def say(self, line: str) -> None:
        """To the parent, whatever becomes of us next."""
        os.write(self.plan.descriptor, f"{line}\n".encode())

    def fired(self) -> None:
        """The fault is felt from here on."""
        self.say("fired")

    def pull(self) -> None:
        """Now."""
        if not self._pulled:
            self._pulled = True
            self.action()

    def written(self, index: int) -> None:
        """An output is written."""
        self.say(f"w {index}")
        if self.plan.event is None and index >= self.plan.frame:
            self.pull()

    def watch_files(self) -> None:
        """Count what happens to files in the output's folder, before it happens."""
        names = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}

        def heard(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in names or self._left is None:
                return
            if event == "open" and not (isinstance(arguments[1], str) and arguments[1] != "r"):
                return
            if self.plan.folder in str(arguments[0]):
                self._left -= 1
                if self._left < 0:
                    self._left = None
                    self.pull()

        sys.addaudithook(heard)
