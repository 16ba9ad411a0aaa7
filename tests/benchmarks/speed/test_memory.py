"""Memory as the system says it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lrhdr_benchmarks.speed.memory import (
    available_mb,
    device_mb,
    greatest_of,
    greatest_resident_mb,
)

MEMINFO = "MemTotal:       16000000 kB\nMemAvailable:    2000000 kB\n"


def test_available(tmp_path: Path) -> None:
    meminfo, group = tmp_path / "meminfo", tmp_path / "group"
    assert available_mb(meminfo, group) is None
    meminfo.write_text(MEMINFO)
    assert available_mb(meminfo, group) == pytest.approx(2048.0)
    group.mkdir()
    (group / "memory.current").write_text("500000000\n")
    (group / "memory.max").write_text("max\n")
    assert available_mb(meminfo, group) == pytest.approx(2048.0)
    (group / "memory.max").write_text("1500000000\n")
    assert available_mb(meminfo, group) == pytest.approx(1000.0)
    (group / "memory.stat").write_text("active_file 7000000\ninactive_file 30000000\n")
    assert available_mb(meminfo, group) == pytest.approx(1030.0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_resident_is_what_the_kernel_counts() -> None:
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    # Both grow only, and the kernel batches its counts.
    assert greatest_resident_mb() == pytest.approx(peak * 1024 / 1e6, rel=0.02)
    assert greatest_of(SimpleNamespace(ru_maxrss=1000)) == pytest.approx(1.024)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_does_not_count_what_its_parent_holds() -> None:
    child = "from lrhdr_benchmarks.speed import memory; print(memory.greatest_resident_mb())"
    parent = "import subprocess, sys; held = b'x' * 400_000_000; "
    parent += f"subprocess.run([sys.executable, '-c', {child!r}])"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found = subprocess.run(
        [sys.executable, "-c", parent], env=environment, capture_output=True, text=True, check=True
    )
    assert 5.0 < float(found.stdout) < 350.0


def test_device_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert device_mb() is None
    tool.write_text("#!/bin/sh\necho 100\necho 7\n")
    tool.chmod(0o755)
    assert device_mb() == pytest.approx(104.8576)
    tool.write_text("#!/bin/sh\necho no devices were found\n")
    assert device_mb() is None
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert device_mb() is None
