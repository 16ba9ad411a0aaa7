"""Driver, GPUs, compilers and codecs: present, missing and broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lrhdr_engines.doctor import machine
from lrhdr_engines.doctor.driver import CudaDriver


def opening(library: str) -> Callable[[], CudaDriver]:
    return lambda: CudaDriver(library)


def test_driver(fake_driver: Any) -> None:
    found = machine.check_driver(opening(fake_driver()), lambda: "580.65.06")
    assert (found.status, found.found) == ("ok", "580.65.06, CUDA 13.2")
    found = machine.check_driver(opening("no such driver"), lambda: None)
    assert found.status == "missing"
    assert "nvidia-smi" in found.remedy
    found = machine.check_driver(opening(fake_driver(FAULT=803)), lambda: None)
    assert found.status == "broken"
    assert "MISMATCH" in found.found
    assert "Restart" in found.remedy


def test_gpus(fake_driver: Any) -> None:
    found = machine.check_gpus(opening(fake_driver()))
    assert found.status == "ok"
    assert found.found == "First (SM 120, 16.0 GiB); Second (SM 89, 8.0 GiB)"
    for absent in ("no such driver", fake_driver(FAULT=100)):
        found = machine.check_gpus(opening(absent))
        assert found.status == "missing"
        assert found.remedy
    found = machine.check_gpus(opening(fake_driver(LOST=700)))
    assert found.status == "broken"
    assert "Xid" in found.remedy


def test_nvcc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvcc = tmp_path / "nvcc"
    nvcc.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    nvcc.chmod(0o755)
    monkeypatch.setenv("CUDACXX", str(nvcc))
    found = machine.check_nvcc()
    assert (found.status, found.found) == ("ok", str(nvcc))
    # It is there and does not run: only the check that runs it can tell.
    found = machine.check_tools()
    assert found.status == "missing"
    assert str(nvcc) in found.remedy
    monkeypatch.setenv("CUDACXX", str(tmp_path / "none"))
    assert machine.check_nvcc().status == "missing"


def test_headers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TENSORRT_INCLUDE", str(tmp_path))
    found = machine.check_headers()
    assert found.status == "missing"
    assert str(tmp_path) in found.remedy
    (tmp_path / "NvInferRuntime.h").touch()
    assert machine.check_headers().found == str(tmp_path)


class Codecs:
    """An FFmpeg with these codecs."""

    def __init__(self, *names: str, formats: tuple[str, ...] = ("yuv420p10le",)) -> None:
        self.names, self.formats = names, formats

    def __call__(self, name: str, mode: str) -> Any:
        if name not in self.names:
            raise ValueError(name)
        return SimpleNamespace(video_formats=[SimpleNamespace(name=each) for each in self.formats])


def test_codecs() -> None:
    found = machine.check_codecs(Codecs("libx265", "hevc_nvenc"))
    assert found.status == "ok"
    assert "libx265, hevc_nvenc (" in found.found
    found = machine.check_codecs(Codecs("hevc_nvenc"))
    assert (found.status, found.remedy[:11]) == ("missing", "pip install")
    found = machine.check_codecs(Codecs("libx265", formats=("yuv420p",)))
    assert found.status == "broken"
    assert "10 bits" in found.found


def test_codecs_where_pyav_cannot_be_imported() -> None:
    def broken(name: str, mode: str) -> Any:
        raise ImportError("libavcodec.so.61")

    found = machine.check_codecs(broken)
    assert (found.status, found.found) == ("broken", "libavcodec.so.61")


def test_the_codecs_that_are_installed_here() -> None:
    assert machine.check_codecs().status == "ok"
