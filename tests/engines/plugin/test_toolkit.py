from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.plugin import toolkit
from lrhdr_engines.plugin.toolkit import Toolkit, find_cmake, find_headers, find_nvcc

VARIABLES = ("CUDACXX", "CUDA_HOME", "CUDA_PATH", "TENSORRT_INCLUDE", "TENSORRT_ROOT")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing is installed."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(toolkit, "_SYSTEM_INCLUDES", (str(tmp_path / "system"),))
    monkeypatch.setattr(toolkit, "_DEFAULT_NVCC", str(tmp_path / "default" / "nvcc"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    return tmp_path


def program(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def headers(folder: Path, version: str = "10") -> Path:
    folder.mkdir(parents=True)
    (folder / "NvInferRuntime.h").write_text("")
    lines = [f"#define NV_TENSORRT_{part} {version}" for part in ("MAJOR", "MINOR", "PATCH")]
    (folder / "NvInferVersion.h").write_text("\n".join(lines))
    return folder


def test_what_is_missing_is_named_with_what_to_install(bare: Path) -> None:
    with pytest.raises(BackendError, match=r"no nvcc.*CUDA_HOME.*Install the CUDA toolkit"):
        find_nvcc()
    with pytest.raises(BackendError, match=r"NvInferRuntime\.h.*TENSORRT_ROOT.*kernel-lens"):
        find_headers()
    with pytest.raises(BackendError, match="pip install cmake"):
        find_cmake()


def test_nvcc_is_found_in_order(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [
        program(bare / "default" / "nvcc"),
        program(bare / "path" / "nvcc"),
        program(bare / "home" / "bin" / "nvcc"),
        program(bare / "named" / "nvcc"),
        program(bare / "explicit" / "nvcc"),
    ]
    monkeypatch.setenv("PATH", str(bare / "none"))
    assert find_nvcc() == places[0]
    monkeypatch.setenv("PATH", str(bare / "path"))
    assert find_nvcc() == places[1]
    monkeypatch.setenv("CUDA_HOME", str(bare / "home"))
    assert find_nvcc() == places[2]
    monkeypatch.setenv("CUDACXX", str(places[3]))
    assert find_nvcc() == places[3]
    assert find_nvcc(places[4]) == places[4]
    monkeypatch.setenv("CUDACXX", str(bare / "gone"))
    with pytest.raises(BackendError, match=r"CUDACXX is .*gone"):
        find_nvcc()


def test_headers_are_found_in_order(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = bare / "kernel_lens"
    packaged = headers(package / "include" / "tensorrt")
    spec = importlib.util.spec_from_loader("kernel_lens", None, is_package=True)
    assert spec is not None
    spec.submodule_search_locations = [str(package)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    assert find_headers() == packaged
    system = headers(bare / "system")
    assert find_headers() == system
    root = headers(bare / "root" / "include")
    monkeypatch.setenv("TENSORRT_ROOT", str(root.parent))
    assert find_headers() == root
    named = headers(bare / "named")
    monkeypatch.setenv("TENSORRT_INCLUDE", str(named))
    assert find_headers() == named
    assert find_headers(system) == system
    monkeypatch.setenv("TENSORRT_INCLUDE", str(bare))
    with pytest.raises(BackendError, match=r"TENSORRT_INCLUDE is .*NvInferRuntime\.h"):
        find_headers()


def test_versions_are_read_and_old_headers_refused(bare: Path) -> None:
    nvcc = program(bare / "nvcc", "echo 'release 13.0, V13.0.88'")
    program(bare / "path" / "cmake")
    found = Toolkit.find(nvcc=nvcc, headers=headers(bare / "new", "11"))
    assert (found.nvcc_version, found.headers_version) == ("13.0.88", "11.11.11")
    with pytest.raises(BackendError, match=r"TensorRT 8\.8\.8; expected 10\.0 or newer"):
        Toolkit.find(nvcc=nvcc, headers=headers(bare / "old", "8"))
    with pytest.raises(BackendError, match="does not run"):
        Toolkit.find(nvcc=program(bare / "broken", "exit 1"), headers=headers(bare / "more"))
