"""Many small frames through one run: memory, descriptors and threads stay as they are.

python -m lrhdr_benchmarks.faults.soak --frames 10000
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lrhdr_benchmarks.faults.clips import EV, make_clip
from lrhdr_engines.allocator import keep_memory_flat

SIZE = (16, 16)
OUTPUTS = ("null", "hdr10.mp4")
# Allocators keep some of what was freed; a frame that leaks is more: see `Soak.wrong`.
GROWTH_MIB = 16.0
_SAMPLES = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """Of this process, after `frames` outputs."""

    frames: int
    resident_mib: float
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What a soak found. `left` is what remains in the temporary folder and beside the output."""

    frames: int
    model: str
    seconds: float
    samples: tuple[Sample, ...]
    left: tuple[str, ...]

    def wrong(self) -> list[str]:
        """What grew between a tenth of the frames and all of them, by medians."""
        settled = [s for s in self.samples if 0.1 <= s.frames / self.frames < 0.3]
        last = [s for s in self.samples if s.frames / self.frames >= 0.8]
        if not settled or not last:
            return [f"only {len(self.samples)} samples of {self.frames} frames"]
        wrong = [f"left behind: {name}" for name in self.left]
        for name, most in (("resident_mib", GROWTH_MIB), ("descriptors", 0), ("threads", 0)):
            before, after = (
                statistics.median(getattr(sample, name) for sample in samples)
                for samples in (settled, last)
            )
            if after - before > most:
                wrong.append(f"{name} grew from {before:g} to {after:g}, at most {most:g} more")
        return wrong

    def facts(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "wrong": self.wrong()}


def sample(frames: int) -> Sample:
    """This process as Linux sees it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Sample(
        frames,
        round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 2),
        len(os.listdir("/proc/self/fd")),  # noqa: PTH208 (one call, no path per entry)
        threading.active_count(),
    )


def soak(frames: int, folder: Path, *, stand_in: bool = False) -> Soak:
    """Run `frames` frames through the product in this process, which should be a fresh one."""
    from lrhdr_benchmarks.faults.standin import StandIn
    from lrhdr_engines import execute
    from lrhdr_engines.job import Job

    temporary = folder / "tmp"
    temporary.mkdir()
    tempfile.tempdir = os.environ["TMPDIR"] = str(temporary)
    clip = make_clip(folder / "clip.mkv", frames, SIZE)
    outs = tuple(out if out == "null" else str(folder / out) for out in OUTPUTS)
    if stand_in:
        vars(execute)["open_model"] = lambda *_, **__: StandIn()
    samples: list[Sample] = []
    every = max(1, frames // _SAMPLES)

    def advanced(done: int) -> None:
        if done % every == 0:
            samples.append(sample(done))

    began = time.monotonic()
    job = Job(input=clip, out=outs, ev=EV, threads=1, preset="ultrafast")
    result = execute.execute(job, advanced=advanced)
    expected = {"clip.mkv", "tmp", *OUTPUTS[1:]}
    left = [p.name for p in (*temporary.iterdir(), *folder.iterdir()) if p.name not in expected]
    if result.report.frames != frames:
        left.append(f"{result.report.frames} of {frames} frames were made")
    return Soak(
        frames=frames,
        model=result.plan.bundle,
        seconds=round(time.monotonic() - began, 1),
        samples=tuple(samples),
        left=tuple(left),
    )


def main() -> int:
    """A soak in this process; its facts as JSON on standard output, exit code 1 if it leaks."""
    keep_memory_flat()  # as lrhdr-run does
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=10000)
    parser.add_argument("--stand-in", action="store_true", help="a model that costs nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(options.frames, Path(folder), stand_in=options.stand_in)
    print(json.dumps(found.facts()))
    return int(bool(found.wrong()))


if __name__ == "__main__":
    sys.exit(main())
