"""All steps, in order."""

from __future__ import annotations

from lrhdr_benchmarks.gpu_check import bandwidth, build, doctor, frames, kernels
from lrhdr_benchmarks.gpu_check.goldens import checking
from lrhdr_benchmarks.gpu_check.latency import timing
from lrhdr_benchmarks.gpu_check.record import Step
from lrhdr_benchmarks.gpu_check.sanitize import sanitizing

_BUILD = ("build",)

STEPS = (
    Step(name="doctor", seconds=30, run=doctor.run, gpu=False),
    Step(name="build", seconds=120, run=build.run, gpu=False),
    Step(name="kernels", seconds=30, run=kernels.run, after=_BUILD),
    Step(name="frames", seconds=10, run=frames.run, after=_BUILD),
    Step(name="memcheck", seconds=40, run=sanitizing("memcheck"), after=_BUILD),
    Step(name="racecheck", seconds=40, run=sanitizing("racecheck"), after=_BUILD),
    Step(name="bandwidth", seconds=20, run=bandwidth.run, after=_BUILD),
    Step(name="engines-tensorrt-rtx", seconds=40, run=checking("tensorrt-rtx"), after=_BUILD),
    Step(name="engines-tensorrt", seconds=60, run=checking("tensorrt"), after=_BUILD),
    Step(
        name="latency-tensorrt-rtx",
        seconds=40,
        run=timing("tensorrt-rtx"),
        after=("engines-tensorrt-rtx",),
    ),
    Step(name="latency-tensorrt", seconds=50, run=timing("tensorrt"), after=("engines-tensorrt",)),
)
