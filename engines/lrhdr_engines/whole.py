"""Small files that are either there as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

from lrhdr_engines.media.files import unfinished, write_error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, then rename it.

    Raises:
        OutputError: the system refuses; nothing is left behind.
    """
    part = unfinished(path)
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise write_error(path, error) from error
