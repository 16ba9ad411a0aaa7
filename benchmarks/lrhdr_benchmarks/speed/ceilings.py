"""What this machine can do at most, measured: a large matrix product and a large copy.

Both run in a process of their own, because a BLAS reads how many threads it may use when it is
loaded. `python -m lrhdr_benchmarks.speed.ceilings THREADS SIDE COPY_BYTES REPEATS` is that process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np

from lrhdr.errors import BackendError
from lrhdr_benchmarks.speed.record import Ceilings
from lrhdr_engines.processors import usable_processors

# How the BLAS libraries that numpy is built with are told: OpenBLAS, MKL, BLIS, Accelerate, others.
_THREADS = (
    *("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS"),
)
_SEED = 0


def measure(
    threads: int | None,
    *,
    side: int = 2048,
    copy_bytes: int = 256_000_000,
    repeats: int = 15,
) -> Ceilings:
    """Measure both; each ceiling is the best of its repeats.

    Args:
        threads: for both; None uses every processor that this process may. Where one thread copies
            faster than all of them, its copy is the ceiling.
        side: of the square float32 matrices; smaller ones are slower.
        copy_bytes: what is copied, larger than any cache. Bytes count as read and as written; that
            most processors also read what they are about to overwrite is in the figure.
        repeats: of each, after one that is not timed.

    Raises:
        BackendError: the process that measures failed.
    """
    count = threads or usable_processors()
    numbers = [str(number) for number in (count, side, copy_bytes, repeats)]
    done = subprocess.run(
        [sys.executable, "-m", __name__, *numbers],
        env=os.environ | dict.fromkeys(_THREADS, str(count)),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise BackendError(f"the machine's ceilings could not be measured ({last})")
    return Ceilings(**json.loads(done.stdout))


def measure_here(threads: int, side: int, copy_bytes: int, repeats: int) -> Ceilings:
    """Measure in this process, whose BLAS has its threads already."""
    products = _product_times(side, repeats)
    copies = [t for n in {1, threads} for t in _copy_times(n, copy_bytes, repeats)]
    p10, p90 = np.percentile(products, (10, 90))
    return Ceilings(
        gflops=2.0 * side**3 / min(products) / 1e9,
        copy_gb_s=2.0 * copy_bytes / min(copies) / 1e9,
        noise=float((p90 - p10) / np.median(products)),
    )


def _product_times(side: int, repeats: int) -> list[float]:
    rng = np.random.default_rng(_SEED)
    a, b = (rng.standard_normal((side, side), np.float32) for _ in range(2))
    out = np.empty_like(a)
    return _times(lambda: np.matmul(a, b, out=out), repeats)


def _copy_times(threads: int, copy_bytes: int, repeats: int) -> list[float]:
    source, target = np.ones(copy_bytes, np.uint8), np.zeros(copy_bytes, np.uint8)
    # numpy copies without the interpreter's lock.
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:
        return _times(lambda: list(pool.map(lambda part: np.copyto(*part), parts)), repeats)


def _times(work: Callable[[], object], repeats: int) -> list[float]:
    """In seconds."""
    work()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


if __name__ == "__main__":
    print(json.dumps(asdict(measure_here(*map(int, sys.argv[1:])))))
