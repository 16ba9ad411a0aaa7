"""Where things are kept that can be made again: engines and plugins."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """`LRHDR_CACHE`; else the folder `lrhdr` in `XDG_CACHE_HOME` or in `~/.cache`."""
    ours = os.environ.get("LRHDR_CACHE")
    if ours:
        return Path(ours).expanduser().absolute()
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification has relative paths ignored.
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "lrhdr"


def engines_folder() -> Path:
    """The cache of built engines. It need not exist yet."""
    return cache_root() / "engines"
