"""A small disk that can be full: a tmpfs, where this process may mount one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lrhdr_benchmarks.faults.system import SMALL_DISK


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Make `folder` a file system of its own; gives whether that could be done."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "lrhdr-faults", str(folder)]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
