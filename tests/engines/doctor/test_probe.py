"""A trial that crashes, hangs or chatters, in real processes."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.doctor.probe import MARK, Probed, probe, run
from lrhdr_engines.doctor.trials import TRIALS, attempt


def python(code: str, timeout_s: float = 60.0) -> Probed:
    return run([sys.executable, "-c", code], timeout_s)


def test_what_it_says_is_heard_among_chatter() -> None:
    said = json.dumps({"outcome": "ok", "text": "1.2"})
    found = python(f"print('libfoo 3'); print('{MARK}' + '{said}'); print('bye')")
    assert found == Probed(outcome="ok", text="1.2")


def test_a_crash_is_named() -> None:
    found = python("import os, sys; print('lost', file=sys.stderr, flush=True); os.abort()")
    assert found.outcome == "broken"
    assert found.text == "crashed (SIGABRT): lost"


def test_a_process_that_ends_without_a_word() -> None:
    assert python("raise SystemExit(3)").text == "ended with exit code 3"


def test_a_process_that_hangs_is_ended() -> None:
    found = python("import time; time.sleep(600)", 0.5)
    assert found == Probed(outcome="broken", text="gave no answer in 0.5 s")


def test_a_real_import() -> None:
    found = probe("import", "numpy")
    assert found.outcome == "ok"
    assert found.text[0].isdigit()
    assert probe("import", "no_such_module").outcome == "missing"


def raising(error: Exception) -> Any:
    def trial(*_: str) -> str:
        raise error

    return trial


@pytest.mark.parametrize(
    ("error", "outcome", "text"),
    [
        (ModuleNotFoundError("No module named 'asked'", name="asked"), "missing", "No module"),
        (ModuleNotFoundError("No module named 'other'", name="other"), "broken", "'other'"),
        (ImportError("libcuda.so.1: cannot open"), "broken", "libcuda.so.1: cannot open"),
        (BackendError("no GPU", next_step="Buy one"), "broken", "no GPU. Buy one."),
        (RuntimeError("two\nlines"), "broken", "RuntimeError: two lines"),
    ],
)
def test_how_a_trial_fails(error: Exception, outcome: str, text: str) -> None:
    found = attempt(raising(error), "asked.module")
    assert found.outcome == outcome
    assert text in found.text


def test_a_trial_that_works() -> None:
    assert attempt(TRIALS["run-cpu"]) == Probed(outcome="ok", text="ran film_extract on the CPU")
