"""Unfinished files beside their targets, and what the system says about them in one line."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import av

from lrhdr.errors import OutputError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def unfinished(target: Path) -> Path:
    """A hidden name beside `target`, of the same suffix, for the time until it is complete."""
    return target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse what exists, unless it may be replaced, and a folder that does not exist.

    Raises:
        OutputError: either of them, or `target` is no regular file.
    """
    if not target.parent.is_dir():
        raise OutputError(
            f"{target.parent} is not a folder",
            expected="an existing folder for the output",
            next_step=f"Create it with: mkdir -p {target.parent}",
        )
    if target.exists() and not target.is_file():
        raise OutputError(f"{target} is not a regular file", expected="the name of a file")
    if target.exists() and not overwrite:
        raise exists_error(target)


class ExistsError(OutputError):
    """The output exists already, and no unfinished run of ours is beside it."""


def exists_error(target: Path) -> ExistsError:
    """The output exists already."""
    return ExistsError(
        f"{target} exists",
        expected="a new name",
        next_step="Choose another name, or replace it with --overwrite",
    )


def is_full(error: OSError | av.FFmpegError) -> bool:
    """Whether it says that there is no space left."""
    return error.errno in _FULL


def sync_folder(folder: Path) -> None:
    """Make the renames in a folder last; Windows opens no folders and needs none."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_error(target: Path, error: OSError | av.FFmpegError) -> OutputError:
    """What the system answered to a write, as one line."""
    if is_full(error):
        return OutputError(
            f"{target} cannot be written: the disk is full ({error.strerror})",
            next_step="Free some space or choose another folder, and run again",
        )
    return OutputError(
        f"{target} cannot be written ({error.strerror or error})",
        expected="a folder that can be written",
    )
