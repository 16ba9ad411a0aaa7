"""The order, the reasons, the time: with steps that pass, fail, crash and hang."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from lrhdr_benchmarks.gpu_check import run as running
from lrhdr_benchmarks.gpu_check.child import perform
from lrhdr_benchmarks.gpu_check.record import FailedError, NotRunError, Outcome, Row, Step, Task
from lrhdr_benchmarks.gpu_check.run import run_steps
from lrhdr_benchmarks.gpu_check.steps import STEPS
from lrhdr_benchmarks.gpu_check.table import show_outcome, verdict

PASS = "say({'row': {'n': 1}}); say({'status': 'passed', 'why': ''})"
FAIL = "say({'row': {'n': 2}}); say({'status': 'failed', 'why': 'wrong'})"
CRASH = "say({'row': {'n': 3}}); print('boom', flush=True); os.abort()"
HANG = "say({'row': {'n': 4}}); time.sleep(600)"
CUT = 'open(file, \'w\').write(\'{"row": {"n": 5}}\\n{"row": {\'); sys.exit(0)'
HEAD = """
import json, os, sys, time
file = sys.argv[1]
out = open(file, 'a')
def say(facts):
    out.write(json.dumps(facts) + chr(10)); out.flush()
"""


def never(_: Task) -> Iterator[Row]:
    raise AssertionError
    yield {}


def step(name: str, *after: str, gpu: bool = False, seconds: float = 10.0) -> Step:
    return Step(name=name, seconds=seconds, run=never, gpu=gpu, after=after)


def do(
    steps: Sequence[Step], what: dict[str, str], folder: Path, minutes: float = 1.0
) -> dict[str, Outcome]:
    def command(name: str, _: Path, seconds: float, file: Path) -> Sequence[str]:
        return [sys.executable, "-c", HEAD + what[name], str(file)]

    return {each.name: each for each in run_steps(steps, folder, minutes, command)}


def test_a_failure_stops_only_what_depends_on_it(tmp_path: Path) -> None:
    steps = [step("a"), step("b"), step("c", "b"), step("d", "a"), step("e"), step("f")]
    found = do(steps, {"a": PASS, "b": FAIL, "d": CRASH, "e": CUT, "f": PASS}, tmp_path)
    assert [each.status for each in found.values()] == [
        *("passed", "failed", "not run", "failed", "failed", "passed")
    ]
    assert found["b"].why == "wrong"
    assert found["c"].why == "needs b"
    assert found["d"].why == "its process ended with -6: boom"
    # What was found before the end is kept.
    assert [found[name].rows for name in "abdef"] == [
        *([{"n": 1}], [{"n": 2}], [{"n": 3}], [{"n": 5}], [{"n": 1}])
    ]


def test_a_step_that_hangs_is_ended_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_GRACE_S", 0.2)
    began = time.monotonic()
    steps = [step("a", seconds=4.0), step("b", seconds=12.0)]
    found = do(steps, {"a": HANG, "b": PASS}, tmp_path, minutes=16.0 / 60.0)
    assert found["a"].status == "failed"
    assert "still running after 4 s" in found["a"].why
    assert found["a"].rows == [{"n": 4}]
    assert found["b"].status == "passed"
    assert time.monotonic() - began < 16.0


def test_no_step_begins_without_time(tmp_path: Path) -> None:
    found = do([step("a"), step("b")], {}, tmp_path, minutes=0.05)
    assert {each.why for each in found.values()} == {"no time left"}
    assert {each.status for each in found.values()} == {"not run"}


@pytest.mark.parametrize("reason", [None, "the NVIDIA driver sees no GPU"])
def test_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str | None) -> None:
    monkeypatch.setattr(running, "why_no_gpu", lambda: reason)
    found = do([step("a"), step("b", gpu=True)], {"a": PASS, "b": PASS}, tmp_path)
    assert found["a"].status == "passed"
    assert (found["b"].status, found["b"].why) == (
        ("passed", "") if reason is None else ("not run", reason)
    )


def raising(error: Exception | None) -> Step:
    def run(_: Task) -> Iterator[Row]:
        yield {"before": 1}
        if error is not None:
            raise error

    return Step(name="it", seconds=1, run=run)


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (None, {"status": "passed", "why": ""}),
        (NotRunError("no tool"), {"status": "not run", "why": "no tool"}),
        (FailedError("too far"), {"status": "failed", "why": "too far"}),
        (OSError("two\nlines"), {"status": "failed", "why": "OSError: two lines"}),
    ],
)
def test_how_a_step_ends(tmp_path: Path, error: Exception | None, end: Row) -> None:
    out = io.StringIO()
    perform(raising(error), Task(folder=tmp_path, deadline=0.0), out)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        *({"row": {"before": 1}}, end)
    ]


def test_the_steps_fit_together() -> None:
    names = [step.name for step in STEPS]
    assert len(set(names)) == len(names)
    for place, each in enumerate(STEPS):
        assert set(each.after) <= set(names[:place])
    assert [step.name for step in STEPS if not step.gpu] == ["doctor", "build"]
    assert sum(step.seconds for step in STEPS) <= 8 * 60


def test_the_table() -> None:
    rows: list[Row] = [{"a": 1, "b": "[x]"}, {"a": 2, "c": 0.5}]
    outcome = Outcome(name="it", status="not run", why="no [tool]", seconds=1.25, rows=rows)
    out = io.StringIO()
    show_outcome(outcome, Console(file=out, width=100))
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert lines[0][:5] == ["it", "not", "run:", "no", "[tool]"]
    assert lines[1:] == [["a", "b", "c"], ["1", "[x]"], ["2", "0.5"]]
    done = Outcome(name="first", status="passed")
    assert verdict([done, outcome]) == "1 passed, 0 failed, 1 not run; first stop: it, no [tool]"
    assert verdict([done]) == "1 passed, 0 failed, 0 not run"
