"""Faults that the system makes: a full disk, a failing one, a lost file, a signal."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import resource
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import av

from lrhdr_benchmarks.faults.trigger import Trigger

SMALL_DISK = 16 << 20  # bytes: larger ones are not ours to fill
BALLAST = "ballast"  # what fills the disk


def fill(ballast: Path, trigger: Trigger) -> None:
    """Fill the file system, but for some pages. Where it could not be made small, limit files."""
    if shutil.disk_usage(ballast.parent).total > SMALL_DISK:
        limit_files(trigger)
        return
    trigger.fired()
    handle = os.open(ballast, os.O_CREAT | os.O_WRONLY)
    size, step = 0, 1 << 20
    while step >= 4096:
        try:
            os.posix_fallocate(handle, size, step)
            size += step
        except OSError:
            step //= 2
    os.ftruncate(handle, max(0, size - 4096 * int(4 * trigger.plan.amount)))
    os.close(handle)


def limit_files(trigger: Trigger) -> None:
    """No file may grow beyond it (EFBIG): an empty limit is a disk without one free byte."""
    trigger.fired()
    amount = trigger.plan.amount
    limit = 0 if amount < 0.5 else int(8192 * (amount - 0.5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def truncate(trigger: Trigger) -> None:
    """Cut the clip off, while it is read."""
    trigger.fired()
    size = Path(trigger.plan.clip).stat().st_size
    os.truncate(trigger.plan.clip, int(size * trigger.plan.amount))


def send(trigger: Trigger, number: int) -> None:
    """A signal, to this process."""
    trigger.fired()
    os.kill(os.getpid(), number)


def interrupt_twice(trigger: Trigger) -> None:
    """Ctrl-C, and again within a tenth of a second."""
    send(trigger, signal.SIGINT)

    def again() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.1 * trigger.plan.amount, again)
    timer.daemon = True
    timer.start()


class _Torn(io.FileIO):
    """The clip on a disk that fails: EIO from some read on."""

    def __init__(self, path: str, trigger: Trigger) -> None:
        super().__init__(path)
        self._trigger = trigger

    def read(self, size: int | None = -1, /) -> bytes:
        if self._trigger.armed.is_set():
            self._trigger.fired()
            av.error.err_check(-errno.EIO)  # raised as FFmpeg's own reads raise it
        return super().read(-1 if size is None else size) or b""


def fail_reads(trigger: Trigger) -> None:
    """From then on the clip's disk gives EIO."""
    clip = trigger.plan.clip

    def opening(opened: Any) -> Any:
        def torn(file: Any, *arguments: Any, **options: Any) -> Any:
            if file == f"file:{clip}":
                file = _Torn(clip, trigger)
                options["buffer_size"] = 4096  # so that the reader is not done at once
            return opened(file, *arguments, **options)

        return torn

    av.open = opening(av.open)
