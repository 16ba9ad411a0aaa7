"""Threads share two of glibc's arenas."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from lrhdr_engines.allocator import keep_memory_flat

# 24 threads hold memory at once; then malloc_info tells of every arena.
MANY_THREADS = """
import ctypes, sys, threading
from lrhdr_engines.allocator import keep_memory_flat
if sys.argv[1] == "flat":
    keep_memory_flat()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
together = threading.Barrier(24)
def hold():
    libc.malloc(10000)
    together.wait()
threads = [threading.Thread(target=hold) for _ in range(24)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator alone has arenas")
def test_threads_share_two_arenas() -> None:
    def arenas(word: str) -> int:
        found = subprocess.run(
            [sys.executable, "-c", MANY_THREADS, word],
            env={"PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        return found.stdout.count("<heap nr=")

    assert arenas("flat") <= 2 < arenas("as it is")


def test_a_c_library_without_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    keep_memory_flat()


def test_another_system_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: pytest.fail("it was asked"))
    keep_memory_flat()
