"""Where the plugin's sources are, and what tells one version of them from another."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lrhdr.errors import BackendError

_SUFFIXES = {".h", ".cuh", ".cu", ".cpp", ".txt"}


def source_folder() -> Path:
    """`src` beside this file (a wheel), else `engines/entmax_plugin` (a checkout).

    Raises:
        BackendError: neither is there.
    """
    here = Path(__file__).resolve().parent
    places = (here / "src", here.parents[1] / "entmax_plugin")
    for place in places:
        if (place / "CMakeLists.txt").is_file():
            return place
    raise BackendError(
        f"the plugin's sources are neither in {places[0]} nor in {places[1]}",
        next_step="Install lrhdr again",
    )


def source_hash(folder: Path) -> str:
    """SHA-256 over the names and contents of what is compiled, in the order of the names."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in _SUFFIXES:
            content = path.read_bytes()
            digest.update(f"{path.name}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
