"""The kernels that TensorRT-RTX compiled on this GPU, kept beside the plans: its runtime cache.

A plan of TensorRT-RTX is compiled to machine code where it runs. What came out is kept in a file
for each plan, GPU and driver; a JSON file beside it says what it is and gives its SHA-256.
It is a convenience: whatever is wrong with it costs a compilation and a line, never an error.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrhdr.errors import OutputError
from lrhdr_engines.build.gpu import Gpu
from lrhdr_engines.build.recipe import Recipe
from lrhdr_engines.build.settings import Report
from lrhdr_engines.whole import keep_whole

_LAYOUT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledKernels:
    """The files of one GPU.

    Attributes:
        folder: of the plans.
        gpu: that compiled.
        driver: its version.
        report: told what is thrown away, and what cannot be kept.
    """

    folder: Path
    gpu: Gpu
    driver: str
    report: Report

    def path(self, recipe: Recipe) -> Path:
        """Where the kernels of a plan lie, or would lie."""
        text = json.dumps(self._about(recipe), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self.folder / f"{recipe.filename.removesuffix('.plan')}.{digest[:8]}.kernels"

    def read(self, recipe: Recipe) -> bytes:
        """What is kept for a plan; nothing if there is none, or none that can be trusted.

        A file without its sidecar, or with one of another time, is thrown away like a damaged one:
        so it looks while another process keeps its own.
        """
        path = self.path(recipe)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            self.discard(recipe, f"cannot be read ({error.strerror})")
            return b""
        try:
            said = json.loads(_sidecar(path).read_bytes())
        except (OSError, ValueError):
            said = None
        if said != self._facts(recipe, content):
            self.discard(recipe, "are damaged")
            return b""
        return content

    def keep(self, recipe: Recipe, content: bytes) -> None:
        """Replace what is kept for a plan."""
        path = self.path(recipe)
        text = json.dumps(self._facts(recipe, content), indent=2) + "\n"
        try:
            keep_whole(path, content)
            keep_whole(_sidecar(path), text.encode())
        except OutputError as error:
            self.report(f"{recipe.graph}: will be compiled again at the next start: {error}")

    def discard(self, recipe: Recipe, why: str) -> None:
        """Throw away what is kept for a plan, and say so: "the kept kernels <why>"."""
        path = self.path(recipe)
        self.report(f"{recipe.graph}: the kept kernels {why}, and are compiled again: {path}")
        for file in (path, _sidecar(path)):
            try:
                file.unlink(missing_ok=True)
            except OSError:  # then they are found again, and refused again
                continue

    def _about(self, recipe: Recipe) -> dict[str, Any]:
        return {
            "layout": _LAYOUT,
            "recipe": recipe.digest,
            "gpu": self.gpu.name,
            "sm": self.gpu.sm,
            "driver": self.driver,
        }

    def _facts(self, recipe: Recipe, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        return self._about(recipe) | {"sha256": digest, "bytes": len(content)}


def _sidecar(kernels: Path) -> Path:
    return kernels.with_name(f"{kernels.name}.json")
