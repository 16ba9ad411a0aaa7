"""The plugins' kernels under compute-sanitizer. Not run on a GPU.

They use no shared memory, so racecheck has little to find; it would the day they do. The frame
kernels, which do, are not among them yet.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

from lrhdr.errors import BackendError
from lrhdr_benchmarks.gpu_check.library import NAME
from lrhdr_benchmarks.gpu_check.record import FailedError, NotRunError, Row, Run, Task
from lrhdr_engines.plugin.toolkit import find_nvcc

_PROGRAM = "compute-sanitizer"
_FOUND_SOMETHING = 86
_SUMMARY = re.compile(r"(?:ERROR|RACECHECK) SUMMARY: (\d+) .*")


def find_sanitizer() -> str:
    """On the PATH, or beside nvcc.

    Raises:
        NotRunError: it is in neither place.
    """
    places = [None, "/usr/local/cuda/bin"]
    with suppress(BackendError):
        places.append(str(find_nvcc().resolve().parent))
    for place in places:
        found = shutil.which(_PROGRAM, path=place)
        if found is not None:
            return found
    raise NotRunError(f"{_PROGRAM} was not found; it is part of the CUDA toolkit")


def sanitizing(tool: str) -> Run:
    """The step of one of its tools."""

    def run(task: Task) -> Iterator[Row]:
        checked = [sys.executable, "-m", "lrhdr_benchmarks.gpu_check.kernels"]
        command = [
            *(find_sanitizer(), "--tool", tool, "--error-exitcode", str(_FOUND_SOMETHING)),
            *(*checked, str(task.folder / NAME)),
        ]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        (task.folder / f"{tool}.log").write_text(done.stdout, encoding="utf-8")
        summary = _SUMMARY.search(done.stdout)
        if summary is not None:
            yield {"tool": tool, "summary": summary[0]}
        if done.returncode != 0 or summary is None or int(summary[1]):
            telling = [line for line in done.stdout.splitlines() if line.strip()]
            why = summary[0] if summary is not None else "no summary"
            raise FailedError(f"{tool}: {why}; {' / '.join(telling[:3])[:300]}")

    return run
