"""A clip through a GPU: three streams, a ring of slots, one captured graph for each turn.

Legend: Ne exposures, R = Ne - 1, P = 2 Ne frame slots, i a frame, t a window and its output.

    upload    copy codes -> unpack into frame slot i mod P
    compute   extract i, flow of the new pair, fuse, lrhdr -> radiance slot t mod 2
    download  pack -> copy the picture

Who waits for what, each an event and each necessary (a test takes out one at a time):

| waits | for | so that |
| --- | --- | --- |
| host | staged i - 2 | the staging slot can be filled again |
| upload | computed i - R - 2 | no window reads the frame slot any more |
| compute | uploaded t + R | the newest frame is there, and with it all before it |
| compute | packed t - 2 | the radiance slot was read |
| download | computed t | the radiance is there |
| host | downloaded t | the picture is there |

Graphs. A captured graph is bound to its buffers, so two windows can share one only if they use the
same slots in the same roles. A window holds F = 2 Ne - 1 frames. F slots would make
lcm(F, Ne, 2) different turns (6 and 30), and upload could not overlap compute. P = 2 Ne, one
spare slot, is a whole number of cycles: frame slots (mod 2 Ne), exposures (mod Ne), flow slots
(mod Ne - 1, which is 1 or 2) and radiance slots (mod 2) all return after 2 Ne windows. So there
are 2 Ne graphs, two for each phase of the cycle (4 for 2E, 6 for 3E), and window t launches graph
t mod 2 Ne. All are captured before the first frame. Windows at a clip's ends, where frames stand in
for missing ones, and the first whole window of a run, where more than one frame or pair is new,
queue their programs one by one, into the same slots.

Warm-up runs Ne black frames through the same code, so that every graph has run once before it is
captured (TensorRT allocates in a context's first run). After it nothing is allocated.

Every pyramid is made once a frame and every flow once a pair, as by `Reconstructor`, whose results
these are (but in a clip of fewer than P frames a pair of one frame with itself may come twice).
Outputs are handed out IN_FLIGHT - 1 windows after they were queued, each with the milliseconds of
its stages: by events on the device `upload` and `unpack` of its own frame, `compute`, `pack` and
`download`, which run beside each other, and by the host's clock `enqueue`, to queue the window.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import ExposureError, InputError
from lrhdr_engines.device.capture import captured
from lrhdr_engines.device.layout import HDR_SLOTS, IN_FLIGHT, Layout
from lrhdr_engines.device.protocol import Device, Encoding, Event, Graph, Programs
from lrhdr_engines.device.resident import Resident
from lrhdr_engines.device.stages import Stage
from lrhdr_engines.device.transfers import Download, Picture, Upload
from lrhdr_engines.window import FilledWindow, SlidingWindow


class GpuStream:
    """Everything that one kind of clip needs on a device; one `stream` at a time."""

    def __init__(
        self,
        device: Device,
        programs: Programs,
        layout: Layout,
        ev: Sequence[float],
        *,
        white_nits: float | None = None,
    ) -> None:
        """Allocate, warm up and capture.

        Args:
            device: what it runs on; it stays the caller's.
            programs: of that device.
            layout: of the clip.
            ev: Ne exposure values in stops, in cycle order from the clip's frame 0.
            white_nits: of radiance 1.0; needed for PQ codes (`layout.pq`), and only there.

        Raises:
            ExposureError: the layout is for another number of EVs.
            BackendError: the device has too little memory or fails.
        """
        if len(ev) != layout.exposures:
            raise ExposureError(
                f"{len(ev)} EVs", expected=f"{layout.exposures}, as the model needs"
            )
        if layout.pq != (white_nits is not None):
            raise ValueError("white_nits is for PQ codes, and they need it")
        self._layout = layout
        self._programs = programs
        encoding = Encoding(gain=2.0 ** -min(ev), white_nits=white_nits)
        self._resident = Resident(device, programs, layout, ev)
        self._compute = device.stream("compute")
        self._upload = Upload(device, programs, layout, self._resident.images)
        self._download = Download(device, programs, layout, self._resident.hdr, encoding)
        self._computed = [device.event(f"computed {k}") for k in range(HDR_SLOTS)]
        self._computing = Stage(device, "compute", IN_FLIGHT)
        self._recent: deque[int] = deque(maxlen=HDR_SLOTS)  # windows that `_computed` stand for
        self._first = 0  # frame of the run
        self._newest = -1  # frame that the compute stream has waited for
        self._graphs: list[Graph] = []
        self.replayed = 0
        self._resident.upload_constants(device, self._upload.stream)
        self._warm_up()
        self._graphs = [self._capture(turn) for turn in range(layout.ring)]

    def stream(
        self,
        frames: Iterable[NDArray[Any]],
        *,
        first: int = 0,
        start: int = 0,
        count: int | None = None,
    ) -> Iterator[Picture]:
        """Turn a clip's frames into pictures, in order. See `Model.stream`.

        Raises:
            InputError: the clip is shorter than a cycle, or a frame is not as the layout says.
            BackendError: the device failed.
        """
        yield from self._run(frames, first, start, count)

    def close(self) -> None:
        """Wait for what is queued and give all memory back."""
        self._settle()
        for part in (self._upload, self._download, self._resident):
            part.free()

    def _run(
        self, frames: Iterable[NDArray[Any]], first: int, start: int, count: int | None
    ) -> Iterator[Picture]:
        self._settle()
        self._first = first
        stop = None if count is None else start + count
        sliding = SlidingWindow[int](self._layout.exposures, first=first, start=start, stop=stop)
        queued: deque[tuple[int, float]] = deque()
        for window in self._windows(sliding, frames, first):
            began = time.perf_counter()
            self._queue(window)
            queued.append((window.index, 1e3 * (time.perf_counter() - began)))
            if len(queued) == IN_FLIGHT:
                yield self._fetch(*queued.popleft())
        while queued:
            yield self._fetch(*queued.popleft())

    def _fetch(self, index: int, enqueue: float) -> Picture:
        picture = self._download.fetch(index)
        stages = {
            "enqueue": enqueue,
            **self._upload.stages(index),
            self._computing.name: self._computing.milliseconds(index),
            **picture.stages,
        }
        return replace(picture, stages=stages)

    def _windows(
        self, sliding: SlidingWindow[int], frames: Iterable[NDArray[Any]], first: int
    ) -> Iterator[FilledWindow[int]]:
        for index, frame in enumerate(frames, first):
            self._check(index, frame)
            self._upload.frame(index, frame, self._last_reader(index))
            yield from sliding.push(index)
            if sliding.done:
                return
        yield from sliding.finish()

    def _last_reader(self, index: int) -> Event | None:
        """The event of the last window that reads the frame before `index` in its slot, if any."""
        before = index - self._layout.ring
        window = before + self._layout.reach
        if before < self._first or window not in self._recent:
            return None
        return self._computed[window % HDR_SLOTS]

    def _queue(self, window: FilledWindow[int]) -> None:
        """Queue one window on the compute and the download stream."""
        index, slots = window.index, window.slots
        if (newest := max(slots)) > self._newest:
            self._compute.wait(self._upload.uploaded(newest))
            self._newest = newest
        if (packed := self._download.packed(index)) is not None:
            self._compute.wait(packed)
        due = self._resident.due(index, slots)
        with self._computing.timed(index, self._compute):
            if self._graphs and (slots, due) == self._resident.usual(index):
                self._graphs[index % self._layout.ring].launch(self._compute)
                self.replayed += 1
            else:
                for program in self._resident.work(index, slots, due):
                    program.enqueue(self._compute)
        self._resident.note(index, slots, due)
        computed = self._computed[index % HDR_SLOTS]
        self._compute.record(computed)
        self._recent.append(index)
        self._download.picture(index, computed)

    def _warm_up(self) -> None:
        black = np.zeros(self._layout.frame_shape, self._layout.frame_type)
        for _ in self._run([black] * self._layout.exposures, 0, 0, None):
            pass
        self._settle()

    def _capture(self, turn: int) -> Graph:
        index = turn + self._layout.ring
        slots, due = self._resident.usual(index)
        programs = self._resident.work(index, slots, due)
        return captured(self._compute, programs)

    def _settle(self) -> None:
        """Nothing is queued and nothing is held: a clip can begin."""
        for stream in (self._upload.stream, self._compute, self._download.stream):
            stream.synchronise()
        for part in (self._upload, self._download, self._resident):
            part.forget()
        self._recent.clear()
        self._newest = -1

    def _check(self, index: int, frame: NDArray[Any]) -> None:
        expected = self._layout.frame_shape, np.dtype(self._layout.frame_type)
        if (frame.shape, frame.dtype) != expected:
            raise InputError(
                f"frame {index} is of shape {frame.shape} and type {frame.dtype}",
                expected=f"{expected[0]} and {expected[1]}, as the clip began",
            )
