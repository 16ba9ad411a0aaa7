"""A lock between processes. The system frees it when its holder dies, however it dies."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lrhdr_engines.media.files import write_error

_SECONDS_BETWEEN_TRIES = 0.05

if sys.platform == "win32":
    import msvcrt

    def _try(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _free(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _try(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _free(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of the file `path`, made where it is missing.

    The file stays: to remove it would let two processes hold locks of one name. It is asked for
    again and again instead of once, so that Ctrl-C ends the wait.

    Args:
        path: the lock's file.
        waiting: called once if another process holds it.

    Raises:
        OutputError: the file cannot be made or locked.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise write_error(path, error) from error
    with file:
        told = False
        while not _taken(file, path):
            if not told:
                waiting()
                told = True
            time.sleep(_SECONDS_BETWEEN_TRIES)
        try:
            yield
        finally:
            _free(file)


def _taken(file: IO[bytes], path: Path) -> bool:
    try:
        return _try(file)
    except OSError as error:
        raise write_error(path, error) from error
