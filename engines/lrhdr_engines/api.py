"""The Python interface: open a model, stream frames, get HDR frames.

from lrhdr_engines import open_model

model = open_model("lite", exposures=2)
for out in model.stream(frames, ev=[0, -3]):
    use(out.hdr)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import WINDOWS
from lrhdr.errors import BundleError, ExposureError, LrhdrError
from lrhdr_engines.backends import BackendName, open_backend
from lrhdr_engines.backends.registry import require_gpu, resolve_backend
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.engine import Engine, EngineChoice
from lrhdr_engines.overlap import overlapped
from lrhdr_engines.reconstruct import Prepared, Reconstruction, Reconstructor, RgbFrame
from lrhdr_engines.streaming import Output, StreamingModel
from lrhdr_engines.window import FilledWindow, SlidingWindow

log = logging.getLogger(__name__)


class Model:
    """A model that runs its graphs one by one, by a `Backend`. One stream at a time."""

    def __init__(self, engine: Engine) -> None:
        """Use `open_model` instead, unless you have an engine of your own."""
        self.engine = engine

    def close(self) -> None:
        """See `StreamingModel`: there is nothing to give back."""

    @property
    def exposures(self) -> int:
        """Ne, the number of EVs that a clip must have."""
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
        """Turn a clip's frames into HDR frames, one for one and in order.

        Output t needs frame t + Ne - 1, so outputs run that far behind, and one frame more where
        the engine works on two windows at once; memory does not grow with the clip. Which frames
        are given before `start` does not change a result, as long as
        `lrhdr_engines.window.context` is covered.

        Args:
            frames: (H, W, 3) each, gamma-encoded RGB over the full range of uint8 or uint16, or
                floats in [0, 1].
            ev: Ne exposure values in stops, in cycle order from the clip's frame 0.
            first: index in the clip of the first of `frames`.
            start: index of the first output wanted.
            count: the outputs end before `start + count`; None for all.
            step: every so manieth output from `start` on; those between are not made.
            masks: whether to return masks, for all outputs or by index.
            pq_white_nits: display light of radiance 1.0 in (0, 10000] cd/m2, where pictures may
                come as PQ codes; a model that makes none, as this one, gives radiance.

        Raises:
            ExposureError: the model is for another number of EVs.
            InputError: the clip is shorter than a cycle, or its frames differ in size.
            BackendError: a graph failed. Values that are not finite are handed out as they are:
                `lrhdr_engines.guard` finds and replaces them.
        """
        if len(ev) != self.exposures:
            raise ExposureError(
                f"{len(ev)} EVs", expected=f"{self.exposures}, as the model was opened for"
            )
        stop = None if count is None else start + count
        sliding = SlidingWindow[RgbFrame](self.exposures, first=first, start=start, stop=stop)
        reconstructor = Reconstructor(self.engine, ev)
        candidates = WINDOWS[self.exposures].candidate_names
        wanted = (w for w in _windows(sliding, frames) if not (w.index - start) % step)

        def fuse(ready: Prepared, window: FilledWindow[RgbFrame]) -> Reconstruction:
            shown = masks(window.index) if callable(masks) else masks
            return reconstructor.fuse(ready, masks=shown)

        for window, result in self._made(wanted, reconstructor.prepare, fuse):
            # The shortest exposure saturates at H = 1, EV 0 at H = 2^(min EV).
            hdr = _interleaved(result.hdr, 2.0 ** -min(ev))
            yield Output(
                index=window.index,
                picture=hdr,
                masks=None if result.masks is None else result.masks.transpose(1, 2, 0),
                candidates=candidates,
                window=window,
            )

    def _made(
        self,
        windows: Iterator[FilledWindow[RgbFrame]],
        prepare: Callable[[FilledWindow[RgbFrame]], Prepared],
        fuse: Callable[[Prepared, FilledWindow[RgbFrame]], Reconstruction],
    ) -> Iterator[tuple[FilledWindow[RgbFrame], Reconstruction]]:
        first = next(windows, None)
        if first is None:
            return
        height, width = first.frames[0].shape[:2]
        windows = chain((first,), windows)
        self.engine.arrange(height * width)
        if self.engine.overlaps:
            yield from overlapped(windows, prepare, fuse)
        else:
            for window in windows:
                yield window, fuse(prepare(window), window)


def _interleaved(planes: NDArray[np.float32], gain: float) -> NDArray[np.float32]:
    """(3, H, W) times `gain` as (H, W, 3); plane by plane, which is four times as fast."""
    pixels = np.empty((*planes.shape[1:], 3), np.float32)
    for channel, plane in enumerate(planes):
        np.multiply(plane, np.float32(gain), out=pixels[..., channel])
    return pixels


def _windows(
    sliding: SlidingWindow[RgbFrame], frames: Iterable[RgbFrame]
) -> Iterator[FilledWindow[RgbFrame]]:
    for frame in frames:
        yield from sliding.push(frame)
        if sliding.done:
            return
    yield from sliding.finish()


@overload
def open_model(
    model: str | Path = ...,
    exposures: int = ...,
    *,
    engine: EngineChoice = ...,
    backend: Literal["onnxruntime", "onnxruntime-tensorrt", "openvino"],
    threads: int | None = ...,
    report: Callable[[str], None] = ...,
) -> Model: ...


@overload
def open_model(
    model: str | Path = ...,
    exposures: int = ...,
    *,
    engine: EngineChoice = ...,
    backend: BackendName = ...,
    threads: int | None = ...,
    report: Callable[[str], None] = ...,
) -> StreamingModel: ...


def open_model(
    model: str | Path = "lite",
    exposures: int = 2,
    *,
    engine: EngineChoice = "auto",
    backend: BackendName = "auto",
    threads: int | None = None,
    report: Callable[[str], None] = log.warning,
) -> StreamingModel:
    """Open a model.

    Args:
        model: "lite", or the folder of a bundle.
        exposures: Ne, 2 or 3: how many EVs the clip alternates between.
        engine: the precision; "auto" is what is fastest here.
        backend: what runs it; "auto" is TensorRT-RTX or TensorRT where they and a GPU are there
            and the engines are accepted, else OpenVINO where it is installed, else ONNX Runtime.
        threads: CPU threads; None lets the backend choose.
        report: told what is built for the GPU, and how its engines were judged. Commands show
            what is logged as a warning.

    Raises:
        BundleError: there is no such bundle, it is damaged, or it is for another Ne.
        BackendError: the backend is missing or cannot run here.
    """
    chosen = resolve_backend(backend)
    try:
        return _open(chosen, model, exposures, engine, threads, report)
    except LrhdrError as error:
        no_help = chosen == "onnxruntime" or isinstance(error, BundleError)
        if backend != "auto" or no_help:
            raise
        log.warning("%s is not used: %s ONNX Runtime runs instead", chosen, error)
    return _open("onnxruntime", model, exposures, engine, threads, report)


def _open(
    backend: BackendName,
    model: str | Path,
    exposures: int,
    engine: EngineChoice,
    threads: int | None,
    report: Callable[[str], None],
) -> StreamingModel:
    if backend == "tensorrt" or backend == "tensorrt-rtx":
        require_gpu(backend)
        bundle = Bundle.open(model, exposures)
        # Here, so that nothing of a GPU is imported where none is used.
        from lrhdr_engines.gpu.opening import open_gpu_model

        return open_gpu_model(bundle, backend, engine, threads=threads, report=report)
    runner = open_backend(backend)
    return Model(
        Engine(Bundle.open(model, exposures), runner, engine, threads=threads, overlapped=True)
    )
