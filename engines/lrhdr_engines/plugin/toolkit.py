"""What it takes to compile the plugin: nvcc, CMake and TensorRT's headers, wherever they are."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lrhdr.errors import BackendError

_HEADER = "NvInferRuntime.h"
_SYSTEM_INCLUDES = (
    *("/usr/include", "/usr/include/x86_64-linux-gnu", "/usr/include/aarch64-linux-gnu"),
    *("/usr/local/include", "/usr/include/tensorrt"),
)
_DEFAULT_NVCC = "/usr/local/cuda/bin/nvcc"
_OLDEST_HEADERS = 10  # IPluginV3 came with TensorRT 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolkit:
    """Paths of the programs and of the folder of headers, with versions for the record."""

    nvcc: Path
    nvcc_version: str
    cmake: Path
    headers: Path
    headers_version: str

    @classmethod
    def find(cls, *, nvcc: Path | None = None, headers: Path | None = None) -> Toolkit:
        """Find all of it; each argument overrides the search.

        Raises:
            BackendError: something is missing or too old; says what to install.
        """
        compiler, include = find_nvcc(nvcc), find_headers(headers)
        return cls(
            nvcc=compiler,
            nvcc_version=_nvcc_version(compiler),
            cmake=find_cmake(),
            headers=include,
            headers_version=_headers_version(include),
        )


def find_nvcc(explicit: Path | None = None) -> Path:
    """`explicit`, CUDACXX, CUDA_HOME, CUDA_PATH, the PATH, /usr/local/cuda.

    Raises:
        BackendError: there is none, or the one that was named is not there.
    """
    for name, value in _named("nvcc", explicit, "CUDACXX"):
        found = shutil.which(value)
        if found is None:
            raise BackendError(f"{name} is {value}", expected="the path of nvcc")
        return Path(found)
    homes = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH")]
    places = [
        *(str(Path(home) / "bin" / "nvcc") for home in homes if home),
        "nvcc",
        _DEFAULT_NVCC,
    ]
    for place in places:
        found = shutil.which(place)
        if found is not None:
            return Path(found)
    raise BackendError(
        "no nvcc was found",
        expected="one on the PATH, or CUDACXX or CUDA_HOME that names one",
        next_step="Install the CUDA toolkit 12.8 or newer (developer.nvidia.com/cuda-downloads)",
    )


def find_headers(explicit: Path | None = None) -> Path:
    """`explicit`, TENSORRT_INCLUDE, TENSORRT_ROOT/include, the system's, the package kernel_lens.

    Raises:
        BackendError: there are none, or not where they were said to be.
    """
    for name, value in _named("headers", explicit, "TENSORRT_INCLUDE"):
        if not (Path(value) / _HEADER).is_file():
            raise BackendError(f"{name} is {value}", expected=f"a folder that holds {_HEADER}")
        return Path(value).absolute()
    for folder in _header_folders():
        if (folder / _HEADER).is_file():
            return folder.absolute()
    raise BackendError(
        f"TensorRT's headers ({_HEADER}) were not found",
        expected="TENSORRT_ROOT or TENSORRT_INCLUDE that names them",
        next_step="Install TensorRT's SDK, or the package that carries them: "
        "pip install --no-deps kernel-lens==2.0.1",
    )


def find_cmake() -> Path:
    """On the PATH, or in the package cmake.

    Raises:
        BackendError: there is none.
    """
    spec = importlib.util.find_spec("cmake")
    packaged = [Path(place) / "data" / "bin" for place in _locations(spec)]
    found = shutil.which("cmake") or shutil.which("cmake", path=os.pathsep.join(map(str, packaged)))
    if found is None:
        raise BackendError("no cmake was found", next_step="Install it: pip install cmake")
    return Path(found)


def _named(what: str, explicit: Path | None, variable: str) -> Iterator[tuple[str, str]]:
    if explicit is not None:
        yield what, str(explicit)
    elif os.environ.get(variable):
        yield variable, os.environ[variable]


def _header_folders() -> Iterator[Path]:
    root = os.environ.get("TENSORRT_ROOT")
    if root:
        yield Path(root) / "include"
    yield from map(Path, _SYSTEM_INCLUDES)
    # Found, not imported: it would bring more than headers.
    for place in _locations(importlib.util.find_spec("kernel_lens")):
        yield Path(place) / "include" / "tensorrt"


def _locations(spec: object) -> list[str]:
    return list(getattr(spec, "submodule_search_locations", None) or ())


def _nvcc_version(nvcc: Path) -> str:
    try:
        text = subprocess.run(
            [str(nvcc), "--version"], capture_output=True, text=True, check=True, timeout=60
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise BackendError(f"{nvcc} does not run ({error})", expected="a working nvcc") from error
    found = re.search(r"\bV(\d+(?:\.\d+)+)", text)
    return found[1] if found else "unknown"


def _headers_version(folder: Path) -> str:
    text = (folder / "NvInferVersion.h").read_text(encoding="utf-8")
    pairs = re.findall(r"^#define\s+(\w+)\s+(\w+)", text, flags=re.MULTILINE)
    defined: dict[str, str] = dict(pairs)
    numbers: list[str] = []
    for part in ("MAJOR", "MINOR", "PATCH"):
        value = defined.get(f"NV_TENSORRT_{part}", "")
        numbers.append(defined.get(value, value))  # one name may stand for another
    if not numbers[0].isdecimal() or int(numbers[0]) < _OLDEST_HEADERS:
        raise BackendError(
            f"the headers in {folder} are of TensorRT {'.'.join(numbers)}",
            expected=f"{_OLDEST_HEADERS}.0 or newer",
        )
    return ".".join(numbers)
