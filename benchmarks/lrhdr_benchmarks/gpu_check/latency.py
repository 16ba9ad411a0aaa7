"""How long one frame takes on the device, in the middle of a clip. Not run on a GPU.

What is timed is the stream's compute alone: one pyramid, one flow, the interpolations and the
fusion of a window, from the first launch until the host knows that it is done. Uploads, downloads,
decoding and encoding run beside it and are not in the figure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from lrhdr.contract import WINDOWS
from lrhdr_benchmarks.gpu_check.goldens import MODEL
from lrhdr_benchmarks.gpu_check.plans import Plans
from lrhdr_benchmarks.gpu_check.record import Row, Run, Task
from lrhdr_engines.build import Size
from lrhdr_engines.build.settings import Builder
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.device.capture import captured
from lrhdr_engines.device.layout import Layout
from lrhdr_engines.device.opening import open_device
from lrhdr_engines.device.protocol import Device, Programs, Stream
from lrhdr_engines.device.resident import Resident

SIZES = ("640x360", "1280x720", "1920x1080")
_WARM_UP = 10
_FRAMES = 200
_SECONDS = 2.0  # at most so long for one figure
_EV = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}
_GREY = 0.5


def measure(
    device: Device,
    programs: Programs,
    layout: Layout,
    *,
    frames: int = _FRAMES,
    seconds: float = _SECONDS,
) -> Iterator[Row]:
    """A row for programs that are queued one by one, and one for them as a captured graph."""
    resident = Resident(device, programs, layout, _EV[layout.exposures])
    stream = device.stream(f"latency at {layout.width}x{layout.height}, {layout.exposures}E")
    try:
        resident.upload_constants(device, stream)
        _fill(device, stream, resident, layout)
        index = layout.ring + layout.reach
        slots, usual = resident.usual(index)
        for program in resident.work(index, slots, resident.due(index, slots)):
            program.enqueue(stream)
        stream.synchronise()
        work = resident.work(index, slots, usual)

        def queue() -> None:
            for program in work:
                program.enqueue(stream)

        queue()
        stream.synchronise()
        graph = captured(stream, resident.work(index, slots, usual))
        for way, launch in (("queued", queue), ("captured", lambda: graph.launch(stream))):
            taken = 1e3 * np.array(_times(stream, launch, frames, seconds))
            yield {
                "launch": way,
                "median ms": round(float(np.median(taken)), 3),
                "p90 ms": round(float(np.percentile(taken, 90)), 3),
                "frames": len(taken),
            }
    finally:
        resident.free()


def _fill(device: Device, stream: Stream, resident: Resident, layout: Layout) -> None:
    shape, kind = resident.images[0].shape, resident.images[0].dtype
    staging = device.staging(f"grey of {layout.width}x{layout.height}", shape, kind)
    staging.store(np.full(shape, _GREY, kind))
    for image in resident.images:
        stream.upload(staging, image)
    stream.synchronise()
    staging.free()


def _times(stream: Stream, launch: Callable[[], None], frames: int, seconds: float) -> list[float]:
    for _ in range(min(_WARM_UP, frames)):
        launch()
    stream.synchronise()
    taken: list[float] = []
    while len(taken) < frames and sum(taken) < seconds:
        began = time.perf_counter()
        launch()
        stream.synchronise()
        taken.append(time.perf_counter() - began)
    return taken


def timing(builder: Builder) -> Run:
    """The step of one builder: FP16, both cycles, the sizes that there is time for."""

    def run(task: Task) -> Iterator[Row]:
        plans = Plans(builder=builder, task=task)
        device = open_device()
        for exposures in WINDOWS:
            bundle = Bundle.open(MODEL, exposures)
            cost = 0.0  # seconds a pixel, of the size before
            for size in map(Size.parse, SIZES):
                about: Row = {"bundle": bundle.folder.name, "precision": "fp16", "size": str(size)}
                if cost * size.width * size.height > task.seconds_left:
                    yield about | {"launch": "not run: no time left"}
                    continue
                began = time.monotonic()
                programs = plans.programs(bundle, size, "fp16")
                built = time.monotonic() - began
                layout = Layout.of(bundle.manifest, "fp16", size.height, size.width, "uint8")
                for row in measure(device, programs, layout):
                    yield about | row | {"build s": round(built, 1)}
                cost = (time.monotonic() - began) / (size.width * size.height)

    return run
