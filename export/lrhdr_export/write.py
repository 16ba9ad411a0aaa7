"""Writing a bundle: graphs, manifest, goldens and weights, whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lrhdr
from lrhdr.contract import GOLDENS, MANIFEST, PRECISIONS, WEIGHTS, Precision
from lrhdr.errors import OutputError
from lrhdr.manifest import FileEntry, GraphEntry, Manifest
from lrhdr.model.network import Network
from lrhdr.model.weights import save_weights
from lrhdr_export.goldens import write_goldens
from lrhdr_export.graphs import network_signatures
from lrhdr_export.onnx_export import OPSET, export_graph

Report = Callable[[str], None]


def write_bundle(
    network: Network,
    folder: Path,
    *,
    notes: dict[str, Any] | None = None,
    shared: Path | None = None,
    overwrite: bool = False,
    report: Report = lambda _: None,
) -> Manifest:
    """Export a network into `folder`.

    Args:
        network: what to export.
        folder: the bundle; its parent must exist.
        notes: kept in the manifest and with the weights: how they were trained.
        shared: a bundle beside it; files that are equal are named there instead of repeated.
        overwrite: replace an existing folder.
        report: called with a line after each graph.

    Raises:
        OutputError: the folder exists, or cannot be written.
    """
    if folder.exists() and not overwrite:
        raise OutputError(f"{folder} exists", next_step="Give another -o, or add --overwrite")
    if not folder.parent.is_dir():
        raise OutputError(f"the folder {folder.parent} does not exist", next_step="Create it")
    if shared is not None and shared.resolve().parent != folder.resolve().parent:
        raise OutputError(f"{shared} is not beside {folder}", expected="a bundle beside it")
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise OutputError(f"{folder.parent} cannot be written ({error.strerror})") from error
    try:
        manifest = _fill(network, work, folder.name, notes or {}, shared, report)
        work.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        work.rename(folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def _fill(
    network: Network,
    work: Path,
    name: str,
    notes: dict[str, Any],
    shared: Path | None,
    report: Report,
) -> Manifest:
    graphs = {}
    for graph, signature in network_signatures(network).items():
        files: dict[Precision, FileEntry] = {}
        for precision in PRECISIONS:
            file = f"{graph}.{precision}.onnx"
            model = export_graph(network, graph, precision)
            (work / file).write_bytes(model.SerializeToString(deterministic=True))
            files[precision] = _entry(work, file, shared)
            where = "shared" if files[precision].path != file else "written"
            report(f"{file}: {files[precision].bytes / 1e6:.2f} MB, {where}")
        graphs[graph] = GraphEntry(inputs=signature.inputs, outputs=signature.outputs, files=files)
    write_goldens(network, work / GOLDENS)
    save_weights(network, work / WEIGHTS, notes)
    config = network.config
    manifest = Manifest(
        name=name,
        model=config.preset,
        exposures=config.exposures,
        multiple=config.film.multiple,
        opset=OPSET,
        pyramids=config.film.pyramids,
        graphs=graphs,
        goldens=FileEntry.of(work, GOLDENS),
        weights=FileEntry.of(work, WEIGHTS),
        made={"config": config.to_dict(), "training": notes, "versions": _versions()},
    )
    (work / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def _entry(work: Path, file: str, shared: Path | None) -> FileEntry:
    entry = FileEntry.of(work, file)
    twin = shared / file if shared else None
    if twin is None or not twin.is_file():
        return entry
    if hashlib.sha256(twin.read_bytes()).hexdigest() != entry.sha256:
        return entry
    (work / file).unlink()
    return FileEntry(path=f"../{twin.parent.name}/{file}", sha256=entry.sha256, bytes=entry.bytes)


def _versions() -> dict[str, str]:
    packages = ("torch", "onnx", "onnxscript", "numpy")
    return {
        "lrhdr": lrhdr.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        **{package: version(package) for package in packages},
    }
