"""The facts of imagined machines, and that nothing unreadable is an error."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

import lrhdr
from lrhdr_benchmarks.speed import machine
from lrhdr_benchmarks.speed.machine import UNKNOWN, facts
from lrhdr_engines import versions
from lrhdr_engines.doctor.record import Finding
from lrhdr_engines.processors import usable_processors

CPUINFO = """\
processor\t: 0
model name\t: Some CPU @ 3.00GHz
flags\t\t: fpu sse2 avx avx2 fma avx512f amx_tile amx_bf16 notavx2x

processor\t: 1
model name\t: Another CPU
flags\t\t: fpu
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd sve bf16\nCPU part\t: 0xd40\n"
MEMINFO = "MemTotal:       33554432 kB\nMemFree:  1 kB\nMemAvailable:   16777216 kB\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def cache(index: int, *values: str) -> dict[str, str]:
    folder = f"sys/devices/system/cpu/cpu0/cache/index{index}"
    names = ("level", "type", "size", "shared_cpu_list")
    return {f"{folder}/{name}": f"{v}\n" for name, v in zip(names, values, strict=True)}


def test_a_machine_that_tells_everything(tmp_path: Path) -> None:
    cpufreq = "sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor"
    files = {"proc/cpuinfo": CPUINFO, "proc/meminfo": MEMINFO}
    files |= cache(0, "1", "Data", "32K", "0") | cache(1, "3", "Unified", "1024K", "0-1")
    files |= {cpufreq.format(0): "powersave\n", cpufreq.format(1): "performance\n"}
    found = facts(write(tmp_path, files))
    assert found["CPU"] == "Some CPU @ 3.00GHz"
    assert found["vector extensions"] == "avx avx2 fma avx512f amx_tile amx_bf16"
    assert found["caches"] == "L1 Data 32K for 0, L3 Unified 1024K for 0-1"
    assert found["memory"] == "32.0 GiB, 16.0 available"
    assert found["frequency governor"] == "performance, powersave"
    assert all(found.values())


def test_an_arm_machine_has_no_model_name(tmp_path: Path) -> None:
    found = facts(write(tmp_path, {"proc/cpuinfo": ARM}))
    assert found["vector extensions"] == "asimd sve bf16"
    assert found["CPU"] == (platform.processor() or platform.machine())


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/cpuinfo": "", "proc/meminfo": ""},
        {"proc/cpuinfo": "nonsense", "proc/meminfo": "MemTotal: much\nMemAvailable:\n"},
        {"sys/devices/system/cpu/cpu0/cache/index0/level": "1"},
    ],
    ids=["nothing", "empty", "nonsense", "half a cache"],
)
def test_what_cannot_be_read_is_unknown(files: dict[str, str], tmp_path: Path) -> None:
    found = facts(write(tmp_path, files))
    for name in ("caches", "vector extensions", "frequency governor", "memory"):
        assert found[name] == UNKNOWN, name


def test_a_system_without_load_average(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getloadavg")
    assert facts(tmp_path)["load average"] == UNKNOWN


def test_versions_are_of_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = facts(tmp_path)
    assert found["numpy"] == np.__version__
    assert found["lrhdr"] == lrhdr.__version__
    assert found["Python"] == platform.python_version()

    def nothing(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(versions, "version", nothing)
    assert set(found) - set(facts(tmp_path)) >= {"numpy", "onnxruntime", "av"}


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (Finding(name="GPU", status="missing", found="none that can be used", remedy="x"), "none"),
        (Finding(name="GPU", status="ok", found="A (SM 89, 8.0 GiB)"), "A (SM 89, 8.0 GiB), d"),
        (Finding(name="GPU", status="broken", found="lost", remedy="x"), "lost, driver unknown"),
    ],
    ids=lambda value: value.status if isinstance(value, Finding) else "",
)
def test_the_gpu(
    finding: Finding, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "check_gpus", lambda: finding)
    monkeypatch.setattr(
        machine, "driver_version", lambda: "580.1" if finding.status == "ok" else None
    )
    found = facts(tmp_path)["GPU"]
    assert found.startswith(said)
    assert ("580.1" in found) == (finding.status == "ok")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_processors_are_those_of_the_affinity() -> None:
    before = os.sched_getaffinity(0)
    assert usable_processors() == len(before)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_processors() == 1
    finally:
        os.sched_setaffinity(0, before)
