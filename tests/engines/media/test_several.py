"""Several outputs as one: each gets what it lacks, and nothing is removed before all are whole."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import OutputError
from lrhdr_engines.media.several import Sinks

FRAME = np.zeros((2, 2, 3), np.float32)


class Noted:
    """A sink that notes what is done to it, in a list that several share."""

    takes_pq = True

    def __init__(self, name: str, log: list[str], begin: int = 0, failing: str = "") -> None:
        self.name, self.log, self.failing = name, log, failing
        self.next_index = begin
        self.kept = begin

    def _note(self, what: str) -> None:
        self.log.append(f"{self.name} {what}")
        if what == self.failing:
            self.failing = ""
            raise KeyboardInterrupt if what == "tidy" else OutputError("the disk is full")

    def write(self, index: int, picture: Any, time: Fraction) -> None:
        self._note(f"write {index}")

    def close(self, *, complete: bool = True, keep: bool = False) -> dict[str, object]:
        assert keep
        self._note("close" if complete else "interrupt")
        return {"name": self.name}

    def tidy(self) -> None:
        self._note("tidy")

    def abort(self) -> None:
        self._note("abort")


def test_each_gets_what_it_lacks() -> None:
    log: list[str] = []
    sinks = Sinks([Noted("a", log, 3), Noted("b", log, 1)])
    assert (sinks.next_index, sinks.kept) == (1, 3)
    for index in range(1, 5):
        sinks.write(index, FRAME, Fraction(index, 25))
    assert log == ["b write 1", "b write 2", "a write 3", "b write 3", "a write 4", "b write 4"]


def test_all_are_closed_before_any_is_tidied_up() -> None:
    log: list[str] = []
    assert Sinks([Noted("a", log), Noted("b", log)]).close() == [{"name": "a"}, {"name": "b"}]
    assert log == ["a close", "b close", "a tidy", "b tidy"]


def test_what_is_complete_is_not_to_be_gone_on_with() -> None:
    sinks = Sinks([Noted("a", [], 3)])
    sinks.close(complete=False)
    assert sinks.kept == 3
    sinks.close()
    assert sinks.kept == 0


def test_an_interrupted_run_keeps_everything() -> None:
    log: list[str] = []
    Sinks([Noted("a", log), Noted("b", log)]).close(complete=False)
    assert log == ["a interrupt", "b interrupt"]


def test_one_that_fails_keeps_no_other_from_closing() -> None:
    log: list[str] = []
    with pytest.raises(OutputError, match="disk is full"):
        Sinks([Noted("a", log, failing="close"), Noted("b", log)]).close()
    assert log == ["a close", "a abort", "b close"]


def test_control_c_while_tidying_up_changes_nothing() -> None:
    log: list[str] = []
    Sinks([Noted("a", log, failing="tidy"), Noted("b", log)]).close()
    assert log == ["a close", "b close", "a tidy", "a tidy", "b tidy"]


def test_codes_are_taken_where_every_output_takes_them() -> None:
    other = Noted("b", [])
    sinks = Sinks([Noted("a", []), other])
    assert sinks.takes_pq
    other.takes_pq = False
    assert not sinks.takes_pq
