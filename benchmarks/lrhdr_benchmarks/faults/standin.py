"""A model that costs nothing: the reference frame as radiance, with a little of its window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from lrhdr.contract import WINDOWS
from lrhdr.errors import BackendError
from lrhdr_benchmarks.faults.trigger import Trigger
from lrhdr_engines.reconstruct import RgbFrame
from lrhdr_engines.segments import radiance_of
from lrhdr_engines.streaming import Output
from lrhdr_engines.window import SlidingWindow

_EXPOSURES = 2


class StandIn:
    """See `StreamingModel`. A wrong frame anywhere in a window changes the result."""

    exposures = _EXPOSURES
    engine: Any = SimpleNamespace(
        manifest=SimpleNamespace(name="stand-in"),
        precision="fp32",
        precision_at=lambda _pixels: "fp32",
        backend=SimpleNamespace(name="onnxruntime", device="CPU"),
    )

    def __init__(self, trigger: Trigger | None = None) -> None:
        """Once a trigger is armed the next frame raises BackendError."""
        self._trigger = trigger

    def stream(
        self,
        frames: Iterable[RgbFrame],
        ev: Sequence[float],
        *,
        first: int = 0,
        start: int = 0,
        count: int | None = None,
        step: int = 1,
        **_: Any,
    ) -> Iterator[Output]:
        """See `Model.stream`; without masks."""
        stop = None if count is None else start + count
        sliding = SlidingWindow[RgbFrame](_EXPOSURES, first=first, start=start, stop=stop)
        shape = WINDOWS[_EXPOSURES]

        def windows() -> Iterator[Any]:
            for frame in frames:
                yield from sliding.push(frame)
                if sliding.done:
                    return
            yield from sliding.finish()

        for window in windows():
            if self._trigger is not None and self._trigger.armed.is_set():
                self._trigger.fired()
                raise BackendError("the stand-in failed: injected")
            if (window.index - start) % step:
                continue
            own = ev[window.index % _EXPOSURES]
            light = np.float32(sum(frame.mean() * (k + 1) for k, frame in enumerate(window.frames)))
            picture = radiance_of(window.frames[shape.reference], own) + light * np.float32(1e-6)
            yield Output(
                index=window.index,
                picture=picture.astype(np.float32),
                masks=None,
                candidates=shape.candidate_names,
                window=window,
            )

    def close(self) -> None:
        """Nothing is held."""
