"""An exported model, run as `lrhdr-run` runs it: no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lrhdr.data.layouts import TestScene
from lrhdr_benchmarks.evaluate.method import Estimate
from lrhdr_benchmarks.evaluate.scenes import runs
from lrhdr_engines.api import open_model
from lrhdr_engines.window import context


class BundleMethod:
    """A bundle by the runtime's streaming interface; see `Method`."""

    def __init__(self, model: str, exposures: int, name: str) -> None:
        """Open the bundle.

        Args:
            model: the name of a shipped model, or the folder of a bundle.
            exposures: in a cycle.
            name: in tables.

        Raises:
            BundleError: there is no such bundle, it is damaged, or it is for another number.
        """
        self._model = open_model(model, exposures)
        self.name = name

    @property
    def about(self) -> str:
        """The bundle's own name and what runs it."""
        engine = self._model.engine
        return f"bundle {engine.manifest.name}, {engine.precision} by {engine.backend.name}"

    def estimate(self, scene: TestScene, wanted: Sequence[int]) -> Iterator[Estimate]:
        """See `Method.estimate`. Frames in a row are one stream: they share pyramids and flows."""
        count = len(scene.ev)
        # The runtime's 1 is where EV 0 saturates, and e = 1 is the shortest exposure.
        gain = np.float32(2.0 ** min(scene.ev))
        for start, length in runs(wanted):
            first, stop = context(count, start, start + length)
            frames = (scene.read_frame(i) for i in range(first, min(stop or 0, len(scene))))
            for output in self._model.stream(
                frames, scene.ev, first=first, start=start, count=length, masks=True
            ):
                yield Estimate(index=output.index, hdr=output.hdr * gain, masks=output.masks)
