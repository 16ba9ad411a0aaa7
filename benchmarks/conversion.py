"""Frames a second of our own conversions: what is read to linear light, and light to a signal.

python benchmarks/conversion.py                              # 1920x1080, HDR10's signal
python benchmarks/conversion.py --every --size 1280x720 --size 1920x1080 --size 3840x2160

    read    8-bit 4:2:0 planes to R'G'B' and on to linear float32
    encode  linear float32 to the planes of a signal
    both    one after the other; with two threads a frame is read while another is encoded
    light   R'G'B' codes to linear float32, and that to the planes: `both` without Y'CbCr to R'G'B'

Each figure is the best of several rounds, which take the cases in turn. A machine that is shared
slows all of them alike, so each comes with the time of a plain copy of the bytes that go in
(the last column counts in such copies) and with the processors' own time.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import cycle
from threading import Thread
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.light import linearise
from lrhdr_engines.lane import Lane
from lrhdr_engines.media import OutputSettings
from lrhdr_engines.media.signal import Chroma, Kind, SignalEncoder
from lrhdr_engines.media.yuv import colour_of, to_rgb

_DEPTHS: dict[Kind, tuple[int, ...]] = {"pq": (10, 12, 16), "hlg": (10,), "sdr": (8,)}
_CHROMAS: tuple[Chroma, ...] = ("420", "422", "444")
SIGNALS = [
    (kind, chroma, bits)
    for kind, depths in _DEPTHS.items()
    for chroma in _CHROMAS
    for bits in depths
]
_WAITING = 2  # frames between the threads
_IN_A_ROW = 16  # frames of "both" with two threads, so that the first and last count little


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Something to time.

    Attributes:
        name: what is done.
        threads: at work.
        frames: that one call of `work` takes.
        source: whose bytes go in, for one frame.
        work: does it once.
    """

    name: str
    threads: int
    frames: int = 1
    source: NDArray[Any]
    work: Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one frame, in seconds: on the clock, of all processors, and of a copy of the input."""

    wall: float = math.inf
    cpu: float = math.inf
    copy: float = math.inf


def decoded(width: int, height: int) -> av.VideoFrame:
    """A smooth picture in 8-bit 4:2:0."""
    coarse = np.random.default_rng(0).integers(16, 236, (height * 3 // 32, width // 16), np.uint8)
    codes = cv2.resize(coarse, (width, height * 3 // 2)).astype(np.uint8)
    return av.VideoFrame.from_ndarray(codes, "yuv420p")


class Reading:
    """A decoded picture to linear light, in arrays that are used in turn, as an engine's are."""

    def __init__(self, picture: av.VideoFrame) -> None:
        """Makes the arrays."""
        self.picture = picture
        self._colour = colour_of(picture, "h264")
        # Up to 8, as of a clip three stops apart.
        table = linearise(np.arange(256) / 255, 1.0) * 8
        self._table = table.astype(np.float32).reshape(1, 256)
        shape = picture.height, picture.width, 3
        self._arrays = cycle([np.empty(shape, np.float32) for _ in range(_WAITING + 2)])

    def read(self) -> NDArray[np.float32]:
        """One frame."""
        return self.linear(to_rgb(self.picture, self._colour))

    def linear(self, rgb: NDArray[Any]) -> NDArray[np.float32]:
        """One frame of 8-bit R'G'B'."""
        radiance = next(self._arrays)
        cv2.LUT(rgb, self._table, radiance)
        return radiance

    def rgb(self) -> NDArray[Any]:
        """One frame as 8-bit R'G'B'."""
        return to_rgb(self.picture, self._colour)


def light(rgb: NDArray[Any], reading: Reading, encoder: SignalEncoder, to: OutputSettings) -> None:
    """Codes to linear light, then to a signal."""
    encoder.frame(reading.linear(rgb), to)


def in_turn(reading: Reading, encoder: SignalEncoder, settings: OutputSettings) -> None:
    """Read a frame, then encode it."""
    encoder.frame(reading.read(), settings)


def at_once(reading: Reading, encoder: SignalEncoder, settings: OutputSettings) -> None:
    """Read in one thread, encode in another."""
    lane: Lane[NDArray[np.float32]] = Lane(_WAITING)

    def reader() -> None:
        for _ in range(_IN_A_ROW):
            lane.put(reading.read())
        lane.close()

    thread = Thread(target=reader)
    thread.start()
    for radiance in lane:
        encoder.frame(radiance, settings)
    thread.join()


def cases(width: int, height: int, every: bool, threads: int) -> Iterator[Case]:
    """All that is timed at one size."""
    settings = OutputSettings(width=width, height=height, frame_rate=Fraction(24))
    reading = Reading(decoded(width, height))
    codes, radiance = reading.picture.to_ndarray(), reading.read().copy()
    yield Case(name="read", threads=threads, source=codes, work=reading.read)
    for kind, chroma, bits in SIGNALS if every else SIGNALS[:1]:
        encoder = SignalEncoder(kind, chroma=chroma, bits=bits, white_nits=203, threads=threads)
        yield Case(
            name=f"encode {kind} {chroma} {bits}",
            threads=threads,
            source=radiance,
            work=partial(encoder.frame, radiance, settings),
        )
        if (kind, chroma, bits) == SIGNALS[0]:
            yield Case(
                name="both",
                threads=threads,
                frames=1 if threads == 1 else _IN_A_ROW,
                source=codes,
                work=partial(in_turn if threads == 1 else at_once, reading, encoder, settings),
            )
            rgb = reading.rgb()
            yield Case(
                name="light",
                threads=threads,
                source=rgb,
                work=partial(light, rgb, reading, encoder, settings),
            )


@contextmanager
def opencv_threads(count: int) -> Iterator[None]:
    """OpenCV's own threads, for a while."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def measure(case: Case) -> Cost:
    """Once."""
    target = np.empty_like(case.source)
    with opencv_threads(case.threads):
        began = time.perf_counter()
        np.copyto(target, case.source)
        copied, cpu = time.perf_counter(), time.process_time()
        case.work()
        ended, cpu = time.perf_counter(), time.process_time() - cpu
    wall = (ended - copied) / case.frames
    return Cost(wall=wall, cpu=cpu / case.frames, copy=copied - began)


def best(timed: list[Case], rounds: int) -> list[Cost]:
    """The best of several rounds, each of its own."""
    costs = [Cost()] * len(timed)
    for _ in range(rounds):
        for i, case in enumerate(timed):
            cost, least = measure(case), costs[i]
            costs[i] = Cost(
                wall=min(cost.wall, least.wall),
                cpu=min(cost.cpu, least.cpu),
                copy=min(cost.copy, least.copy),
            )
    return costs


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", action="append", help="WIDTHxHEIGHT (1920x1080)")
    parser.add_argument("--every", action="store_true", help="every kind, chroma and bits")
    parser.add_argument("--threads", action="append", type=int, help="1 and 2")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start\n")
    print("| size | what | threads | frames a second | ms | CPU ms | copy, ms | in copies |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for size in options.size or ["1920x1080"]:
        width, height = map(int, size.split("x"))
        timed = [
            case
            for threads in options.threads or [1, 2]
            for case in cases(width, height, options.every, threads)
        ]
        for case, cost in zip(timed, best(timed, options.rounds), strict=True):
            print(
                f"| {size} | {case.name} | {case.threads} | {1 / cost.wall:.1f} "
                f"| {cost.wall * 1e3:.2f} | {cost.cpu * 1e3:.2f} | {cost.copy * 1e3:.2f} "
                f"| {cost.wall / cost.copy:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
