"""Quality from files of lrhdr-eval, and its plot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lrhdr.errors import InputError
from lrhdr_benchmarks.evaluate.facts import facts, to_json
from lrhdr_benchmarks.evaluate.measures import ROLES
from lrhdr_benchmarks.evaluate.results import FrameFigures, Place, Results
from lrhdr_benchmarks.speed.quality import method_of, read_quality, speed_and_quality
from tests.benchmarks.speed.results import case, result, row
from tests.benchmarks.speed.svg import hints, place, words

VALUES = {"lite": 44.0, "dis": 36.0}


def evaluated(exposures: int, protocol: Any = "raw") -> str:
    """What lrhdr-eval writes."""
    roles = ROLES if exposures == 3 else (ROLES[0], ROLES[-1])
    figures = [
        FrameFigures(
            place=Place(scene="s", frame=2, role=role),
            method=method,
            protocol=protocol,
            values={"psnr_t": psnr + exposures + step, "ssim_t": 0.9},
        )
        for method, psnr in VALUES.items()
        for step, role in enumerate(roles)
    ]
    return to_json(facts(Results(figures=figures), [], [protocol], exposures))


@pytest.mark.parametrize("protocol", ["raw", "masked"])
def test_files_of_both_exposures_are_read(tmp_path: Path, protocol: str) -> None:
    files = []
    for exposures in (2, 3):
        files.append(tmp_path / f"{exposures}.json")
        files[-1].write_text(evaluated(exposures, protocol))
    # The mean over the roles adds 1/2 with two exposures and 1 with three.
    two = {method: psnr + 2.5 for method, psnr in VALUES.items()}
    three = {method: psnr + 4.0 for method, psnr in VALUES.items()}
    assert read_quality(files) == {2: two, 3: three}


def test_an_infinite_quality_has_no_place(tmp_path: Path) -> None:
    file = tmp_path / "q.json"
    methods = {
        "a": {"all": {"psnr_t": "inf"}, "roles": {}},
        "b": {"all": {"psnr_t": 40.0}, "roles": {}},
    }
    file.write_text(json.dumps({"means": {"raw": methods}}))
    assert read_quality([file]) == {2: {"b": 40.0}}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"means": {}}', '{"means": {"raw": {"a": {}}}}', '{"means": {"raw": [1]}}'],
)
def test_what_holds_no_quality_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "q.json"
    file.write_text(text)
    with pytest.raises(InputError, match=r"q\.json holds no quality"):
        read_quality([file])
    with pytest.raises(InputError, match=r"none\.json holds no quality"):
        read_quality([tmp_path / "none.json"])


@pytest.mark.parametrize(
    ("subject", "model", "method"),
    [
        ("onnxruntime fp32", "lite", "lite"),
        ("pytorch eager", "models/mine", "mine"),
        ("hdrflow eager", "", "hdrflow"),
        ("merge dis", "", "dis"),
        ("merge debevec", "", "debevec"),
    ],
)
def test_cases_have_the_names_of_lrhdr_eval(subject: str, model: str, method: str) -> None:
    assert method_of(replace(case(), subject=subject, model=model)) == method


def test_the_plot_is_of_the_largest_size_that_most_have() -> None:
    slow = [row(case(size=size)) for size in ((640, 360), (1280, 720))]
    fast = [row(case("merge dis", size)) for size in ((640, 360), (1280, 720), (1920, 1080))]
    drawn = speed_and_quality(replace(result(), rows=slow + fast), {2: VALUES}, 2)
    assert "1280x720" in drawn
    marks = {hint.partition(":")[0]: place(mark) for hint, mark in hints(drawn).items()}
    assert marks["merge dis"][0] > marks["onnxruntime fp32, lite"][0]  # faster
    assert marks["merge dis"][1] > marks["onnxruntime fp32, lite"][1]  # worse, so lower
    assert {"merge dis", "onnxruntime fp32, lite", "PSNR_T, dB"} <= {*words(drawn)}


def test_without_quality_there_is_no_plot() -> None:
    assert speed_and_quality(result(), {}, 2) == ""
    assert speed_and_quality(result(), {3: VALUES}, 2) == ""
    assert speed_and_quality(result(), {2: {"another": 40.0}}, 2) == ""
