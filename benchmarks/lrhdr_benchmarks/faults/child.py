"""One lrhdr-run in a process of its own, and everything that it said."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from lrhdr_benchmarks.faults.trigger import Plan

SECONDS = 180.0  # a run takes a few; beside others on a busy machine, some more


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended.

    Attributes:
        code: its exit code, negative for a signal; None if it had to be killed as it hung.
        lines: of stderr.
        output: from standard output.
        written: outputs that every sink has taken.
        fired: whether the fault had an effect.
    """

    code: int | None
    lines: list[str]
    output: bytes
    written: frozenset[int]
    fired: bool


def run_child(
    plan: Plan, words: Sequence[str], temporary: Path, *, read_at_most: int | None = None
) -> Ended:
    """Run it to its end.

    Args:
        plan: what is injected.
        words: lrhdr-run's.
        temporary: its TMPDIR.
        read_at_most: bytes of standard output after which that is closed.
    """
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "lrhdr_benchmarks.faults.inject"]
    process = subprocess.Popen(
        [*command, replace(plan, descriptor=writer).to_json(), *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[writer],
    )
    os.close(writer)
    assert process.stdout is not None
    assert process.stderr is not None
    taken: dict[str, bytes] = {}
    readers = [
        threading.Thread(target=_read, args=(taken, *stream), daemon=True)
        for stream in (
            ("out", process.stdout, read_at_most),
            ("err", process.stderr, None),
            ("log", os.fdopen(reader, "rb"), None),
        )
    ]
    for thread in readers:
        thread.start()
    code: int | None
    try:
        code = process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        process.kill()
        process.wait()
    for thread in readers:
        thread.join(5.0)
    said = taken.get("log", b"").decode().splitlines()
    return Ended(
        code=code,
        lines=taken.get("err", b"").decode(errors="replace").splitlines(),
        output=taken.get("out", b""),
        written=frozenset(int(line.split()[1]) for line in said if line.startswith("w ")),
        fired="fired" in said,
    )


def _read(taken: dict[str, bytes], name: str, stream: IO[bytes], most: int | None) -> None:
    with stream:
        taken[name] = stream.read() if most is None else stream.read(most)
