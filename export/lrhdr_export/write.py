"""Writing a bundle: graphs, manifest, goldens and weights, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

import lrhdr
from lrhdr.contract import (
    EXTRACT,
    FILM,
    FLOW,
    FUSE,
    GOLDENS,
    MANIFEST,
    PRECISIONS,
    WEIGHTS,
    Precision,
)
from lrhdr.errors import BundleError, OutputError
from lrhdr.manifest import FileEntry, GraphEntry, Manifest
from lrhdr.model.network import Network
from lrhdr.model.weights import load_weights, save_weights
from lrhdr_export.goldens import write_goldens
from lrhdr_export.graphs import network_signatures
from lrhdr_export.onnx_export import OPSET, export_fusion, export_interpolator

Report = Callable[[str], None]
_INTERPOLATOR = (EXTRACT, FLOW, FUSE, FILM)


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
        overwrite: replace what is there, if that is a bundle or an empty folder.
        report: called with a line after each graph.

    Raises:
        OutputError: the folder exists, is no bundle that could be replaced, or cannot be written.
    """
    target = folder.resolve()
    _check_target(target, folder, overwrite)
    if not target.parent.is_dir():
        raise OutputError(f"the folder {folder.parent} does not exist", next_step="Create it")
    twins = shared.resolve() if shared is not None else None
    if twins is not None and (twins.parent != target.parent or twins == target):
        raise OutputError(f"{shared} is not beside {folder}", expected="a bundle beside it")
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise OutputError(f"{folder.parent} cannot be written ({error.strerror})") from error
    try:
        manifest = _fill(network, work, target.name, notes or {}, twins, report)
        work.chmod(0o755)
        # Once more: exporting takes minutes, in which somebody may have used the folder.
        _check_target(target, folder, overwrite)
        _move_in(work, target)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise OutputError(f"{folder} cannot be written ({reason})") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def _check_target(target: Path, named: Path, overwrite: bool) -> None:
    """Refuse a target whose replacement was not asked for, or would lose something else."""
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"{named} is a file", expected="a folder", next_step="Give another -o")
    if not overwrite:
        raise OutputError(f"{named} exists", next_step="Give another -o, or add --overwrite")
    found = next(target.iterdir(), None)
    if found is not None and not _is_bundle(target):
        raise OutputError(
            f"{named} is no bundle and holds {found.name}",
            expected=f"a folder with a bundle's {MANIFEST}, or an empty one, to overwrite",
            next_step="Give another -o",
        )


def _is_bundle(folder: Path) -> bool:
    # A web project has a manifest.json too; the graphs tell ours, of any version.
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and "graphs" in manifest


def _move_in(work: Path, target: Path) -> None:
    """Put the finished folder in the place of the old one, which stays until then."""
    if not target.exists():
        work.rename(target)
        return
    old = work.with_name(work.name + ".old")
    target.rename(old)
    try:
        work.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _fill(
    network: Network,
    work: Path,
    name: str,
    notes: dict[str, Any],
    shared: Path | None,
    report: Report,
) -> Manifest:
    signatures = network_signatures(network)
    files: dict[str, dict[Precision, FileEntry]] = {graph: {} for graph in signatures}

    def enter(graph: str, precision: Precision) -> None:
        entry = _entry(work, _file(graph, precision), shared)
        files[graph][precision] = entry
        where = "written" if entry.path == _file(graph, precision) else "shared"
        report(f"{_file(graph, precision)}: {entry.bytes / 1e6:.2f} MB, {where}")

    known = shared if shared is not None and _same_interpolator(network, shared) else None
    for precision in PRECISIONS:
        traced = [export_fusion(network, precision)]
        if known is None:
            traced.insert(0, export_interpolator(network, precision))
        else:
            for graph in _INTERPOLATOR:
                shutil.copyfile(known / _file(graph, precision), work / _file(graph, precision))
                enter(graph, precision)
        for graph, model in chain.from_iterable(traced):
            content = model.SerializeToString(deterministic=True)
            (work / _file(graph, precision)).write_bytes(content)
            enter(graph, precision)
    graphs = {
        graph: GraphEntry(inputs=s.inputs, outputs=s.outputs, files=files[graph])
        for graph, s in signatures.items()
    }
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


def _same_interpolator(network: Network, bundle: Path) -> bool:
    """Whether a bundle holds this network's interpolator, traced by the same versions.

    Tracing takes minutes, and would give the same files.
    """
    try:
        manifest = Manifest.from_json((bundle / MANIFEST).read_text(encoding="utf-8"), str(bundle))
        there = load_weights(bundle / WEIGHTS)
        files = [f for name in _INTERPOLATOR for f in manifest.graphs[name].files.values()]
        # Its own files, unharmed: not those of a third bundle.
        sound = all(FileEntry.of(bundle, Path(file.path).name) == file for file in files)
    except (BundleError, OSError, KeyError):
        return False
    if not sound or manifest.made.get("versions") != _versions() or manifest.opset != OPSET:
        return False
    mine, other = network.film.state_dict(), there.film.state_dict()
    return there.config.film == network.config.film and all(
        torch.equal(value.cpu(), other[name]) for name, value in mine.items()
    )


def _file(graph: str, precision: Precision) -> str:
    return f"{graph}.{precision}.onnx"


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
