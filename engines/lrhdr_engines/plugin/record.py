"""A library and the JSON file beside it, which says what it is and what made it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lrhdr_engines.whole import keep_whole

LIBRARY = "liblrhdr_plugin.so"
_LAYOUT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Of the kernels for one architecture, as ptxas counts them."""

    kernels: int
    registers: int  # of the kernel that takes most
    spilled_bytes: int  # stores and loads of all kernels


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A library that was built from sources of a known hash.

    Attributes:
        path: the library.
        sha256: of its bytes.
        sources: the hash of what was compiled.
        architectures: SMs with machine code; the last one's PTX is in it too.
        nvcc: version of the compiler.
        headers: version of TensorRT's headers.
        resources: by architecture.
    """

    path: Path
    sha256: str
    sources: str
    architectures: tuple[int, ...]
    nvcc: str
    headers: str
    resources: dict[int, Resources]

    def runs_on(self, sm: int) -> bool:
        """Whether a GPU of compute capability `sm` can run it.

        Machine code runs on its own generation, from its minor version on; the driver compiles PTX
        for any GPU that is not older (CUDA C++ programming guide, "Application compatibility").
        """
        code = any(sm // 10 == own // 10 and sm >= own for own in self.architectures)
        return code or sm >= self.architectures[-1]


def sidecar(library: Path) -> Path:
    """The JSON file of a library."""
    return library.with_suffix(".json")


def write_record(plugin: Plugin) -> None:
    """Write the sidecar, whole or not at all.

    Raises:
        OutputError: the disk is full, or the folder cannot be written.
    """
    facts = {"layout": _LAYOUT, **asdict(plugin), "path": plugin.path.name}
    text = json.dumps(facts, indent=1) + "\n"
    keep_whole(sidecar(plugin.path), text.encode())


def read_record(library: Path) -> Plugin | None:
    """The library as its sidecar has it; None where either is missing, damaged or of the other."""
    try:
        facts = json.loads(sidecar(library).read_text(encoding="utf-8"))
        plugin = _plugin(library, facts)
        found = sha256_of(library)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return plugin if found == plugin.sha256 else None


def sha256_of(library: Path) -> str:
    """Of a file's bytes."""
    return hashlib.sha256(library.read_bytes()).hexdigest()


def _plugin(library: Path, facts: dict[str, Any]) -> Plugin:
    if facts["layout"] != _LAYOUT:
        raise ValueError(facts["layout"])
    return Plugin(
        path=library,
        sha256=str(facts["sha256"]),
        sources=str(facts["sources"]),
        architectures=tuple(int(sm) for sm in facts["architectures"]),
        nvcc=str(facts["nvcc"]),
        headers=str(facts["headers"]),
        resources={int(sm): Resources(**each) for sm, each in facts["resources"].items()},
    )
