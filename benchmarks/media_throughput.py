"""Frames a second of reading, converting and writing, without a network between them.

python benchmarks/media_throughput.py                        # 1920x1080, ultrafast, superfast
python benchmarks/media_throughput.py --size 1280x720 --preset fast --output hlg

The sample's frames of EV -3, scaled and repeated, become an H.264 clip: a result has no two
exposures either. A reader thread decodes it to R'G'B', each frame is made linear by itself, and a
writer thread puts it into the output, as in lrhdr-run. Then each stage runs alone:

    reader   H.264 to R'G'B'
    linear   R'G'B' to radiance
    signal   radiance to the output's Y'CbCr, which `writer` includes
    writer   radiance to the finished file

Processors' time a frame says what each stage costs wherever it runs; the whole can be no faster
than the sum of reader, linear and writer over the number of processors.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from threading import Event, Thread
from typing import TypeVar

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.light import linearise
from lrhdr_engines.lane import Abandoned, Lane
from lrhdr_engines.media import OutputSettings, open_sink, open_source, parse_output
from lrhdr_engines.media.signal import SignalEncoder
from lrhdr_engines.media.video_formats import VIDEO_FORMATS
from lrhdr_engines.pipeline import DEPTH

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "alternating_3ev.mov"
EV = -3.0  # of every second frame of the sample, the second first
RATE = Fraction(24)
_KEPT = 12  # different frames that the stages alone get, in turn: radiance is large
T = TypeVar("T")
Radiance = NDArray[np.float32]
Rgb = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of a frame, in seconds: on the clock, and of all processors."""

    wall: float
    cpu: float


def write_clip(path: Path, width: int, height: int, frames: int) -> None:
    """The sample at another size and length, as H.264."""
    with av.open(str(SAMPLE)) as source:
        pictures = [f.to_ndarray(format="bgr24") for f in source.decode(video=0)][1::2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "18"}
        for picture in islice(cycle(pictures), frames):
            scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
            frame = av.VideoFrame.from_ndarray(scaled.astype(np.uint8), "bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def linear_table() -> Radiance:
    """(1, 256): 8-bit codes to radiance, 1 where EV 0 saturates."""
    return linearise(np.arange(256) / 255, 2.0**EV).astype(np.float32).reshape(1, 256)


def rgb_frames(clip: Path) -> Iterator[Rgb]:
    """The clip's frames."""
    with open_source(clip) as source:
        for frame in source.frames():
            yield frame.rgb


def linear(frames: Iterable[Rgb], arrays: int = DEPTH + 3) -> Iterator[Radiance]:
    """Every frame by itself, in arrays that are used in turn, as an engine's outputs are."""
    table = linear_table()
    made: list[Radiance] = []
    for index, rgb in enumerate(frames):
        if len(made) < arrays:
            made.append(np.empty(rgb.shape, np.float32))
        yield np.asarray(cv2.LUT(rgb, table, made[index % arrays]), np.float32)


def write(output: str, settings: OutputSettings, frames: Iterable[Radiance]) -> None:
    """Encode and finish the file."""
    sink = open_sink(parse_output(output), settings)
    try:
        for index, radiance in enumerate(frames):
            sink.write(index, radiance, index / settings.frame_rate)
        sink.close()
    except BaseException:
        sink.abort()
        raise


def whole(clip: Path, output: str, settings: OutputSettings) -> None:
    """A reader and a writer thread, with bounded lanes to the one in between."""
    failed = Event()
    decoded: Lane[Rgb] = Lane(DEPTH, failed)
    finished: Lane[Radiance] = Lane(DEPTH, failed)
    errors: list[BaseException] = []

    def work(task: Callable[[], None]) -> None:
        try:
            task()
        except Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 (it is raised again below)
            errors.append(error)
            failed.set()

    threads = [
        Thread(target=work, args=(lambda: send(rgb_frames(clip), decoded),)),
        Thread(target=work, args=(lambda: write(output, settings, finished),)),
    ]
    for thread in threads:
        thread.start()
    work(lambda: send(linear(decoded), finished))
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def send(items: Iterable[T], lane: Lane[T]) -> None:
    """All of them, then the end."""
    for item in items:
        lane.put(item)
    lane.close()


def measure(frames: int, work: Callable[[], object]) -> Cost:
    """Of one frame."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(
        wall=(time.perf_counter() - wall) / frames, cpu=(time.process_time() - cpu) / frames
    )


def exhaust(items: Iterable[object]) -> None:
    """Take everything."""
    for _ in items:
        pass


def stages(
    clip: Path, output: str, settings: OutputSettings, frames: int
) -> dict[str, Callable[[], object]]:
    """What is timed: everything at once, and each alone."""
    decoded = list(islice(rgb_frames(clip), _KEPT))
    radiance = list(linear(decoded, len(decoded)))
    spec = VIDEO_FORMATS[parse_output(output).format]
    signal = SignalEncoder(
        spec.kind, chroma=spec.chroma, bits=spec.bits, white_nits=settings.white_nits
    )

    def again(items: list[T]) -> Iterator[T]:
        return islice(cycle(items), frames)

    return {
        "whole": lambda: whole(clip, output, settings),
        "reader": lambda: exhaust(rgb_frames(clip)),
        "linear": lambda: exhaust(linear(again(decoded))),
        "signal": lambda: exhaust(signal.frame(light, settings) for light in again(radiance)),
        "writer": lambda: write(output, settings, again(radiance)),
    }


def bound(costs: dict[str, Cost]) -> str:
    """What keeps the whole from being faster."""
    processors = os.cpu_count() or 1
    parts = {name: costs[name] for name in ("reader", "linear", "writer")}
    total = sum(cost.cpu for cost in parts.values())
    slowest = max(parts, key=lambda name: parts[name].wall)
    dearest = max(parts, key=lambda name: parts[name].cpu)
    if total / processors > parts[slowest].wall:
        share = parts[dearest].cpu / total
        return (
            f"the processors: at most {processors / total:.1f} a second on {processors}, "
            f"of which the {dearest} takes {share:.0%}"
        )
    return f"the {slowest}: at most {1 / parts[slowest].wall:.1f} a second alone"


def main() -> None:
    """Print a table for each preset."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080", help="WIDTHxHEIGHT")
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--output", default="hdr10", help="a video format")
    parser.add_argument("--preset", action="append", help="ultrafast and superfast")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start; {options.size}"
    )
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, width, height, options.frames)
        for preset in options.preset or ["ultrafast", "superfast"]:
            settings = OutputSettings(
                width=width,
                height=height,
                frame_rate=RATE,
                overwrite=True,
                encoder="cpu",
                preset=preset,
            )
            output = f"{options.output}:{Path(folder) / 'out.mkv'}"
            costs: dict[str, Cost] = {}
            for _ in range(options.rounds):
                for name, work in stages(clip, output, settings, options.frames).items():
                    cost = measure(options.frames, work)
                    if name not in costs or cost.wall < costs[name].wall:
                        costs[name] = cost
            print(f"\n{options.output}, preset {preset}, bound by {bound(costs)}\n")
            print("| stage | frames a second | ms | processors' ms |")
            print("| --- | --- | --- | --- |")
            for name, cost in costs.items():
                print(
                    f"| {name} | {1 / cost.wall:.1f} | {cost.wall * 1e3:.1f} "
                    f"| {cost.cpu * 1e3:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
