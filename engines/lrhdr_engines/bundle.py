"""Finding and opening a model bundle: a shipped one by name, or a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import MANIFEST, Precision
from lrhdr.errors import BundleError
from lrhdr.manifest import Manifest

SHIPPED = ("lite",)
_SHIPPED_FOLDER = Path(__file__).parent / "bundles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An opened bundle. Its files are verified when they are asked for."""

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, model: str | Path, exposures: int) -> Bundle:
        """Open the bundle of `model` for `exposures` exposures in a cycle.

        Args:
            model: the name of a shipped model ("lite"), or a bundle's folder.
            exposures: Ne, the number of EVs of the clip.

        Raises:
            BundleError: there is no such bundle, it is damaged, or it is for another Ne.
        """
        folder = _folder(model, exposures)
        manifest_file = folder / MANIFEST
        try:
            text = manifest_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BundleError(
                f"no model bundle in {folder}: {MANIFEST} cannot be read",
                expected=f"a folder written by lrhdr-export onnx, or one of: {', '.join(SHIPPED)}",
            ) from error
        manifest = Manifest.from_json(text, str(manifest_file))
        if manifest.exposures != exposures:
            raise BundleError(
                f"the bundle {folder} is for {manifest.exposures} exposures",
                expected=f"one for {exposures}, the number of EVs of the clip",
                next_step="Give another --model or --ev",
            )
        return cls(folder=folder, manifest=manifest)

    def graph(self, name: str, precision: Precision) -> Path:
        """The verified ONNX file of a graph.

        Raises:
            BundleError: the bundle lacks it, or it has changed since it was exported.
        """
        files = self.manifest.graphs[name].files
        if precision not in files:
            raise BundleError(
                f"the bundle {self.folder} has no {precision} file of graph {name}",
                expected=" or ".join(files) or "some precision",
                next_step="Choose another --engine",
            )
        return files[precision].verified(self.folder)

    def goldens(self) -> dict[str, NDArray[Any]]:
        """The golden window, and what float64 makes of it.

        Raises:
            BundleError: the bundle has none, or it has changed since it was exported.
        """
        entry = self.manifest.goldens
        if entry is None:
            raise BundleError(
                f"the bundle {self.folder} has no golden window to judge its engines by",
                next_step="Export it again (lrhdr-export onnx), or use --backend onnxruntime",
            )
        with np.load(entry.verified(self.folder)) as stored:
            return dict(stored)


def check_model(model: str | Path) -> None:
    """Refuse what can be no model, whatever the clip.

    Raises:
        BundleError: it is neither a shipped model nor a folder.
    """
    _folder(model, 2)


def _folder(model: str | Path, exposures: int) -> Path:
    if str(model) in SHIPPED:
        return _SHIPPED_FOLDER / f"{model}-{exposures}e"
    folder = Path(model)
    if not folder.is_dir():
        raise BundleError(
            f"model {model} is neither a shipped model nor a folder",
            expected=f"{', '.join(SHIPPED)}, or a folder written by lrhdr-export onnx",
        )
    return folder
