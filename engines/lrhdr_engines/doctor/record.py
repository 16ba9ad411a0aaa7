"""What a check gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "missing", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: of the thing, the same on every machine.
        status: "broken" is there and does not work.
        found: what is there, or why it is not, in one line.
        remedy: the command or change that helps; empty where nothing has to be done.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Whether it can be used."""
        return self.status == "ok"
