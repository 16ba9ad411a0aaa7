"""What a way needs, what it says where that is missing, and the diagnosis as a whole."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import pytest
from rich.console import Console

from lrhdr_engines.doctor import Finding, diagnose, machine, packages, storage
from lrhdr_engines.doctor.diagnosis import CHECKS
from lrhdr_engines.doctor.probe import Probed
from lrhdr_engines.doctor.report import show
from lrhdr_engines.doctor.trials import TRIALS
from lrhdr_engines.doctor.ways import WAYS, Way

WAY = Way(name="way", needs=(("gpu",), ("fast", "slow")), trial=("run", "it"))


def findings(**status: Any) -> dict[str, Finding]:
    return {
        name: Finding(
            name=name,
            status=each,
            found=f"{name} found",
            remedy="" if each == "ok" else f"get {name}",
        )
        for name, each in status.items()
    }


def never(*_: str) -> Probed:
    raise AssertionError("tried, although something is missing")


def test_a_way_that_works_with_the_second_choice() -> None:
    found = WAY.check(
        findings(gpu="ok", fast="missing", slow="ok"),
        lambda *trial: Probed(outcome="ok", text=" ".join(trial)),
    )
    assert (found.status, found.found, found.remedy) == ("ok", "run it", "")


def test_everything_that_is_missing_is_named_with_its_remedy() -> None:
    found = WAY.check(findings(gpu="broken", fast="missing", slow="missing"), never)
    assert found.status == "missing"
    assert found.found == "gpu: gpu found; fast: fast found"
    assert found.remedy == "get gpu; get fast"


def test_a_trial_that_fails() -> None:
    found = WAY.check(
        findings(gpu="ok", fast="ok", slow="missing"),
        lambda *_: Probed(outcome="broken", text="crashed"),
    )
    assert (found.status, found.found) == ("broken", "crashed")


def test_every_need_is_checked_and_every_trial_known() -> None:
    # Names alone: nothing is run.
    names = {package.name for package in packages.PACKAGES}
    assert {package.check for package in packages.PACKAGES} <= set(CHECKS)
    names |= {machine.DRIVER, machine.GPUS, machine.NVCC, machine.HEADERS, machine.TOOLS}
    names |= {storage.PLUGIN, storage.CACHE, packages.CUDA_PROVIDER}
    assert {need for way in WAYS for group in way.needs for need in group} <= names
    assert {way.trial[0] for way in WAYS} <= TRIALS.keys()


@pytest.mark.parametrize("works", [True, False])
def test_a_diagnosis(works: bool) -> None:
    found = findings(gpu="ok" if works else "missing")["gpu"]
    way = Way(name="way", needs=(("gpu",),), trial=("import", "numpy"))
    diagnosis = diagnose([partial(lambda each: each, found)], [way])
    assert diagnosis.works == works
    assert diagnosis.facts()["ways"][0]["status"] == ("ok" if works else "missing")
    out = io.StringIO()
    show(diagnosis, Console(file=out, width=100))
    line = next(line for line in out.getvalue().splitlines() if line.startswith("way"))
    assert ("works" in line) == works
    assert ("does not" in line) != works
    assert ("-> get gpu" in out.getvalue()) != works


def test_brackets_are_printed_as_they_are() -> None:
    found = Finding(name="it", status="missing", found="[x]", remedy="pip install 'a[b]'")
    out = io.StringIO()
    show(diagnose([lambda: found], []), Console(file=out, width=100))
    assert "[x]" in out.getvalue()
    assert "pip install 'a[b]'" in out.getvalue()
