"""A model that streams on a GPU, to be used as `lrhdr_engines.api.Model` is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

from numpy.typing import NDArray

from lrhdr.contract import WINDOWS, Precision
from lrhdr.errors import BackendError, ExposureError, InputError
from lrhdr.light import PQ_PEAK_NITS
from lrhdr.manifest import Manifest
from lrhdr_engines.build.sizes import Size
from lrhdr_engines.device.gpu_stream import GpuStream
from lrhdr_engines.device.layout import Layout
from lrhdr_engines.device.protocol import Device, Programs
from lrhdr_engines.device.transfers import Picture as Downloaded
from lrhdr_engines.engine import Engine
from lrhdr_engines.gpu.frames import codes
from lrhdr_engines.media import Picture, PqPicture
from lrhdr_engines.reconstruct import Reconstructor, RgbFrame
from lrhdr_engines.streaming import Output
from lrhdr_engines.window import FilledWindow, SlidingWindow

# Of clips that one stream serves: layout, EVs, the white of PQ codes.
_Kind = tuple[Layout, tuple[float, ...], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuBackend:
    """See `lrhdr_engines.streaming.RunsOn`."""

    name: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuEngine:
    """See `lrhdr_engines.streaming.EngineFacts`."""

    manifest: Manifest
    precision: Precision
    backend: GpuBackend

    def precision_at(self, pixels: int) -> Precision:
        """The same for all."""
        del pixels
        return self.precision


class GpuModel:
    """A model ready to run on one GPU. One stream at a time, in the thread that opened it."""

    def __init__(
        self,
        engine: GpuEngine,
        device: Device,
        programs: Callable[[Size], Programs],
        reference: Callable[[], Engine],
    ) -> None:
        """Use `open_model` instead.

        Args:
            engine: what runs; its precision is that of the interpolation's graphs.
            device: closed with the model.
            programs: makes those of a padded size; engines may have to be built for it.
            reference: loads the engine on the CPU that masks are asked of.
        """
        self.engine = engine
        self._device = device
        self._programs = programs
        self._reference = reference
        self._ready: tuple[_Kind, GpuStream] | None = None

    @property
    def exposures(self) -> int:
        """See `StreamingModel`."""
        return self.engine.manifest.exposures

    def stream(
        self,
        frames: Iterable[RgbFrame],
        ev: Sequence[float],
        *,
        first: int = 0,
        start: int = 0,
        count: int | None = None,
        step: int = 1,
        masks: bool | Callable[[int], bool] = False,
        pq_white_nits: float | None = None,
    ) -> Iterator[Output]:
        """See `Model.stream`; floats are rounded to 16 bits.

        With `pq_white_nits`, pictures are PQ codes, made on the GPU. The first frame's size and
        type decide what is built and allocated. Masks are those of the CPU, at its own pace: they
        are meant for a few frames.
        """
        if len(ev) != self.exposures:
            raise ExposureError(
                f"{len(ev)} EVs", expected=f"{self.exposures}, as the model was opened for"
            )
        if pq_white_nits is not None and not 0 < pq_white_nits <= PQ_PEAK_NITS:
            raise InputError(
                f"white at {pq_white_nits} cd/m2",
                expected=f"more than 0 and at most {PQ_PEAK_NITS:g}, as PQ reaches no further",
            )
        stop = None if count is None else start + count
        sliding = SlidingWindow[RgbFrame](self.exposures, first=first, start=start, stop=stop)
        supply = iter(frames)
        head = next(supply, None)
        if head is None:
            sliding.finish()  # says what is wrong with a clip of no frames
            return
        stream = self._prepared(codes(first, head), ev, pq_white_nits)
        windows: deque[FilledWindow[RgbFrame]] = deque()  # of the pictures to come

        def fed() -> Iterator[NDArray[Any]]:
            for index, frame in enumerate(chain([head], supply), first):
                windows.extend(sliding.push(frame))
                yield codes(index, frame)
            windows.extend(sliding.finish())

        reconstructor: Reconstructor | None = None
        for picture in stream.stream(fed(), first=first, start=start, count=count):
            window = windows.popleft()
            if (window.index - start) % step:  # the ring makes every frame all the same
                continue
            shares = None
            if masks(window.index) if callable(masks) else masks:
                reconstructor = reconstructor or Reconstructor(self._reference(), ev)
                shares = reconstructor.reconstruct(window, masks=True).masks
            yield Output(
                index=picture.index,
                picture=_picture(picture, pq=pq_white_nits is not None),
                pq_white_nits=pq_white_nits,
                masks=None if shares is None else shares.transpose(1, 2, 0),
                candidates=WINDOWS[self.exposures].candidate_names,
                window=window,
                stages=picture.stages,
            )

    def close(self) -> None:
        """Give back all that is held on the GPU. The model cannot be used any more."""
        with suppress(BackendError):  # a lost device frees nothing, and all is lost with it
            self._drop()
        self._device.close()

    def _prepared(
        self, head: NDArray[Any], ev: Sequence[float], white_nits: float | None
    ) -> GpuStream:
        """The stream for clips like this frame: the one at hand, or a new one in its place."""
        height, width, _ = head.shape
        layout = Layout.of(
            self.engine.manifest,
            self.engine.precision,
            height,
            width,
            "uint8" if head.dtype.itemsize == 1 else "uint16",
            pq=white_nits is not None,
        )
        kind = layout, tuple(ev), white_nits
        if self._ready is None or self._ready[0] != kind:
            self._drop()
            programs = self._programs(Size(width=width, height=height).padded(layout.multiple))
            stream = GpuStream(self._device, programs, layout, ev, white_nits=white_nits)
            self._ready = kind, stream
        return self._ready[1]

    def _drop(self) -> None:
        if self._ready is not None:
            _, stream = self._ready
            self._ready = None
            stream.close()


def _picture(downloaded: Downloaded, *, pq: bool) -> Picture:
    if not pq:
        return downloaded.pixels
    return PqPicture(
        codes=downloaded.pixels,
        brightest_nits=downloaded.brightest_nits,
        mean_nits=downloaded.mean_nits,
        repaired=downloaded.bad,
    )
