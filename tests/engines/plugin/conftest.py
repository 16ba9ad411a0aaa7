"""What is compiled once for all of the plugin's tests: the host's numerics, and the library."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.plugin import LIBRARY, Plugin, build_plugin
from lrhdr_engines.plugin.record import read_record
from lrhdr_engines.plugin.sources import source_folder, source_hash
from lrhdr_engines.plugin.toolkit import Toolkit, find_nvcc

# The oldest, a common and the newest: three are compiled in a minute, all in several.
ARCHITECTURES = (75, 89, 120)


def missing(reason: str) -> None:
    """Skip the test, or fail it where LRHDR_REQUIRE_NVCC=1 says that all must be there."""
    if os.environ.get("LRHDR_REQUIRE_NVCC") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def cuda_headers() -> Path:
    """The folder of cuda_fp16.h."""
    places = [Path("/usr/local/cuda/include")]
    with contextlib.suppress(BackendError):
        places.insert(0, find_nvcc().resolve().parents[1] / "include")
    for place in places:
        if (place / "cuda_fp16.h").is_file():
            return place
    missing("the CUDA toolkit's headers were not found")
    raise AssertionError


Compile = Callable[..., Path]


@pytest.fixture(scope="session")
def compile_cpp(cuda_headers: Path, tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compiles one C++ file with the host compiler: (source, output name, options) to its path."""
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        missing("no C++ compiler was found")
    folder = tmp_path_factory.mktemp("cpp")

    def build(source: Path, name: str, *options: str) -> Path:
        output = folder / name
        command = [
            *(str(compiler), "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"),
            *("-isystem", str(cuda_headers), "-I", str(source_folder()), *options),
            *(str(source), "-o", str(output), "-ldl"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return output

    return build


@pytest.fixture(scope="session")
def toolkit() -> Toolkit:
    """nvcc, CMake and TensorRT's headers."""
    try:
        return Toolkit.find()
    except BackendError as error:
        missing(str(error))
        raise


@pytest.fixture(scope="session")
def plugin(toolkit: Toolkit, pytestconfig: pytest.Config) -> Plugin:
    """The library for ARCHITECTURES; kept between runs while its sources stay the same."""
    folder = Path(str(pytestconfig.cache.mkdir("lrhdr-plugin")))

    def existing() -> Plugin | None:
        found = read_record(folder / LIBRARY)
        fits = (
            found is not None
            and found.sources == source_hash(source_folder())
            and found.architectures == ARCHITECTURES
            and (found.nvcc, found.headers) == (toolkit.nvcc_version, toolkit.headers_version)
        )
        return found if fits else None

    return build_plugin(folder, ARCHITECTURES, report=print, existing=existing)
