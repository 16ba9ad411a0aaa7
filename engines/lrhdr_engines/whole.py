"""Files that are either there as a whole, and on the disk, or not there under their name."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from lrhdr_engines.media.files import sync_folder, unfinished, write_error


def write_whole(path: Path, content: bytes) -> None:
    """Write under a temporary name in the same folder, wait for the disk, then rename.

    Raises:
        OutputError: the disk is full, or the system refuses for another reason; nothing is left.
    """
    part = unfinished(path)
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise write_error(path, error) from error


def keep_whole(path: Path, content: bytes) -> None:
    """The same for what is kept in a folder of our own, which is made where it is missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error
    write_whole(path, content)


def sweep(path: Path) -> None:
    """Remove what processes that died left of `path`. Call it where nobody else can write it."""
    for part in path.parent.glob(f".{path.stem}.*.part{path.suffix}"):
        part.unlink(missing_ok=True)
