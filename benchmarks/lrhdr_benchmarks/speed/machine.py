"""What the machine is that was timed, as far as it says."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lrhdr import __version__
from lrhdr_engines.doctor.driver import driver_version
from lrhdr_engines.doctor.machine import check_gpus
from lrhdr_engines.processors import usable_processors
from lrhdr_engines.versions import versions

UNKNOWN = "unknown"

_PACKAGES = (
    *("numpy", "onnxruntime", "onnxruntime-gpu", "openvino", "torch", "av"),
    *("opencv-python-headless", "tensorrt", "tensorrt-rtx"),
)
# As Linux names them; the first few are of ARM's.
_VECTORS = (
    *("asimd", "asimdhp", "sve", "sve2", "bf16", "i8mm"),
    *("avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni"),
    *("avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16"),
)


def facts(root: Path = Path("/")) -> dict[str, str]:
    """Facts by name; what cannot be read is "unknown", packages that are not there are left out.

    Args:
        root: under which Linux's /proc and /sys are.
    """
    processor = _Processor(root)
    readers: dict[str, Callable[[], str]] = {
        "CPU": processor.model,
        "processors": lambda: f"{usable_processors()} usable of {os.cpu_count()}",
        "caches": lambda: _caches(root),
        "vector extensions": processor.vectors,
        "frequency governor": lambda: _governor(root),
        "memory": lambda: _memory(root),
        "load average": lambda: ", ".join(f"{load:.2f}" for load in os.getloadavg()),
        "GPU": _gpu,
        "system": platform.platform,
        "Python": platform.python_version,
        "BLAS of numpy": _blas,
    }
    found = {name: _or_unknown(read) for name, read in readers.items()}
    return found | {"lrhdr": __version__} | versions(_PACKAGES)


def _or_unknown(read: Callable[[], str]) -> str:
    try:
        return read().strip() or UNKNOWN
    except (AttributeError, LookupError, OSError, ValueError):
        return UNKNOWN


class _Processor:
    """The first one of /proc/cpuinfo."""

    def __init__(self, root: Path) -> None:
        self._file = root / "proc" / "cpuinfo"

    def model(self) -> str:
        try:
            return self._fields()["model name"]
        except (KeyError, OSError):
            return platform.processor() or platform.machine()

    def vectors(self) -> str:
        fields = self._fields()
        flags = (fields.get("flags") or fields["Features"]).split()
        return " ".join(name for name in _VECTORS if name in flags) or "none"

    def _fields(self) -> dict[str, str]:
        first = self._file.read_text(encoding="utf-8").strip().split("\n\n")[0]
        lines = (line.partition(":") for line in first.splitlines())
        return {name.strip(): value.strip() for name, _, value in lines}


def _caches(root: Path) -> str:
    """Of processor 0, as "L1 Data 32K, L3 Unified 32768K for 0-1"."""
    folder = root / "sys/devices/system/cpu/cpu0/cache"
    found = []
    for cache in sorted(folder.glob("index*")):
        level, kind, size, shared = (
            (cache / name).read_text(encoding="utf-8").strip()
            for name in ("level", "type", "size", "shared_cpu_list")
        )
        found.append(f"L{level} {kind} {size} for {shared}")
    return ", ".join(found)


def _governor(root: Path) -> str:
    policies = root.glob("sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
    return ", ".join(sorted({file.read_text(encoding="utf-8").strip() for file in policies}))


def _memory(root: Path) -> str:
    text = (root / "proc" / "meminfo").read_text(encoding="utf-8")
    lines = (line.partition(":") for line in text.splitlines())
    kibibytes = {name: int(value.split()[0]) for name, _, value in lines}
    total, free = (kibibytes[name] / 2**20 for name in ("MemTotal", "MemAvailable"))
    return f"{total:.1f} GiB, {free:.1f} available"


def _gpu() -> str:
    finding = check_gpus()
    if finding.status == "missing":
        return "none"
    return f"{finding.found}, driver {driver_version() or UNKNOWN}"


def _blas() -> str:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"
