"""The library of `device.cpp` over a CUDA runtime on the host."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from lrhdr.errors import BackendError
from lrhdr_benchmarks.gpu_check.library import EXPORTS, NAME, DeviceKernels
from lrhdr_engines.plugin.sources import source_folder
from lrhdr_engines.plugin.toolkit import find_nvcc

FAKE = Path(__file__).with_name("fake_cuda.cpp")


def cuda_headers() -> Path | None:
    """The folder of cuda_runtime_api.h."""
    places = [Path("/usr/local/cuda/include")]
    with suppress(BackendError):
        places.append(find_nvcc().resolve().parents[1] / "include")
    return next((place for place in places if (place / "cuda_runtime_api.h").is_file()), None)


@pytest.fixture(scope="session")
def fake_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder's `NAME`, as the step `build` would leave it on a machine with a GPU."""
    compiler, headers = shutil.which("g++"), cuda_headers()
    if compiler is None or headers is None:
        pytest.skip("it takes g++ and the CUDA toolkit's headers")
    library = tmp_path_factory.mktemp("library") / NAME
    command = [
        *(compiler, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"),
        # Its own runtime, whatever CUDA runtime another test has loaded.
        *("-Wl,-Bsymbolic", "-isystem", str(headers), "-I", str(source_folder())),
        *(str(EXPORTS), str(FAKE), "-o", str(library)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return library


@pytest.fixture
def kernels(fake_library: Path, monkeypatch: pytest.MonkeyPatch) -> DeviceKernels:
    monkeypatch.delenv("LRHDR_FAKE_FAULT", raising=False)
    return DeviceKernels(fake_library)
