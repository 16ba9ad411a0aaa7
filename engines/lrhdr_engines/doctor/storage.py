"""Checks of what lrhdr made: the plugin library and the cache."""

from __future__ import annotations

import os
from pathlib import Path

from lrhdr.errors import LrhdrError
from lrhdr_engines.build.location import cache_root
from lrhdr_engines.doctor.record import Finding
from lrhdr_engines.plugin import LIBRARY, located_plugin, plugin_folder
from lrhdr_engines.plugin.record import read_record, sidecar
from lrhdr_engines.plugin.sources import source_folder, source_hash

PLUGIN, CACHE = "plugin library", "cache"
BUILD = "lrhdr-export plugin"


def check_plugin() -> Finding:
    """Which library is used, for which SMs, whether it is whole and of these sources."""
    try:
        path = located_plugin()
        if path is not None:
            return Finding(name=PLUGIN, status="ok", found=_described(path))
        kept = plugin_folder() / LIBRARY
        if not kept.exists():
            return Finding(name=PLUGIN, status="missing", found="not built yet", remedy=BUILD)
        why = "damaged" if read_record(kept) is None else "of other sources"
        return Finding(name=PLUGIN, status="broken", found=f"{kept} is {why}", remedy=BUILD)
    except LrhdrError as error:
        return Finding(name=PLUGIN, status="broken", found=str(error), remedy=BUILD)


def _described(path: Path) -> str:
    record = read_record(path)
    if record is None:
        return f"{path}, without {sidecar(path).name}: not checked"
    sms = ", ".join(map(str, record.architectures))
    ours = record.sources == source_hash(source_folder())
    return f"{path}, whole, SM {sms}, of {'these' if ours else 'other'} sources"


def check_cache() -> Finding:
    """Where the cache is, how much is in it, and whether it can be written."""
    root = cache_root()
    nearest = next(folder for folder in (root, *root.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(
            name=CACHE,
            status="broken",
            found=f"{root} cannot be written",
            remedy="Name another folder: export LRHDR_CACHE=DIR",
        )
    if not root.exists():
        return Finding(name=CACHE, status="ok", found=f"{root}, empty")
    return Finding(name=CACHE, status="ok", found=f"{root}, {_size(root) / 1e6:.1f} MB")


def _size(folder: Path) -> int:
    sizes = []
    for file in folder.rglob("*"):
        try:
            sizes.append(file.lstat().st_size if file.is_file() else 0)
        except OSError:  # another process removed it
            continue
    return sum(sizes)
