"""Progress on stderr."""

from __future__ import annotations

import sys

import pytest

from lrhdr_benchmarks.speed.progress import Display


def test_without_a_terminal_every_part_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display:
        display.begin(2)
        display.report("one [x]")
        display.step()
        display.report("two")
    printed = capsys.readouterr()
    assert printed.err.splitlines() == ["one [x]", "two"]
    assert printed.out == ""


def test_on_a_terminal_there_is_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Display() as display:
        display.begin(2)
        display.report("one [x]")
        display.step()
    printed = capsys.readouterr()
    assert "1/2" in printed.err
    assert "one [x]" in printed.err
    assert printed.out == ""
