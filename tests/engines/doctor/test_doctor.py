"""lrhdr-doctor on this machine, for real; its exit codes and its JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lrhdr_engines import doctor
from lrhdr_engines.cli.doctor import main
from lrhdr_engines.doctor import Diagnosis, Finding

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    """What it says of this machine with its GPUs, if any, hidden."""
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("", "engines"))
    done = subprocess.run(
        [sys.executable, "-c", "from lrhdr_engines.cli.doctor import main; main(['--json', '-'])"],
        env=os.environ | {"PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "What works" in done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def status(facts: dict[str, Any], kind: str) -> dict[str, str]:
    return {each["name"]: each["status"] for each in facts[kind]}


def test_the_cpu_works_everywhere(real: dict[str, Any]) -> None:
    assert real["works"] is True
    assert status(real, "ways")["onnxruntime on the CPU"] == "ok"
    assert status(real, "findings")["codecs of PyAV"] == "ok"


def test_what_needs_a_gpu_says_so_and_how_to_get_there(real: dict[str, Any]) -> None:
    for way in real["ways"]:
        if way["name"] in ("onnxruntime on CUDA", "tensorrt", "tensorrt-rtx: running"):
            assert way["status"] == "missing"
            assert "GPU: none that can be used" in way["found"]
            assert way["remedy"]


def test_building_ahead_of_time_works_where_its_parts_are(real: dict[str, Any]) -> None:
    found = status(real, "findings")
    parts = found["TensorRT-RTX"] == "ok" and "ok" in (
        found["plugin library"],
        found["plugin's compilers"],
    )
    way = status(real, "ways")["tensorrt-rtx: building ahead of time"]
    assert (way == "ok") == parts


def result(monkeypatch: pytest.MonkeyPatch, works: bool, *arguments: str) -> int:
    way = Finding(name="way", status="ok" if works else "missing", found="it", remedy="")
    monkeypatch.setattr(doctor, "diagnose", lambda: Diagnosis(findings=(), ways=(way,)))
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_exit_codes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "doctor.json"
    assert result(monkeypatch, True, "--json", str(file)) == 0
    assert json.loads(file.read_text(encoding="utf-8"))["works"] is True
    # An older file gives way.
    assert result(monkeypatch, False, "--json", str(file)) == 1
    assert json.loads(file.read_text(encoding="utf-8"))["works"] is False


def test_a_file_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert result(monkeypatch, True, "--json", str(tmp_path / "none" / "doctor.json")) == 2
    assert "lrhdr-doctor: error: " in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "1 none does" in capsys.readouterr().out
