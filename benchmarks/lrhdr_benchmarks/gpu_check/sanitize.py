"""The plugins' kernels and the frame kernels under compute-sanitizer. Not run on a GPU.

`python -m lrhdr_benchmarks.gpu_check.sanitize LIBRARY` is what the sanitizer watches: the few cases
that it has time for. It says what is wrong and leaves with 1, or says nothing. Shared memory, where
racecheck looks, is used by `pack` alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from lrhdr.errors import BackendError
from lrhdr_benchmarks.gpu_check import frames, kernels
from lrhdr_benchmarks.gpu_check.library import NAME, DeviceKernels
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
        checked = [sys.executable, "-m", "lrhdr_benchmarks.gpu_check.sanitize"]
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


def watched(library: Path) -> Iterator[Row]:
    """A row for each kernel, type and, of frames, size.

    Raises:
        FailedError: CUDA fails, or a result is wrong.
    """
    launched = DeviceKernels(library)
    yield from kernels.check(launched, kernels.few_cases())
    yield from chain.from_iterable(frames.check(launched, *size) for size in frames.FEW_SIZES)


if __name__ == "__main__":
    try:
        list(watched(Path(sys.argv[1])))
    except FailedError as error:
        sys.exit(str(error))
