"""A clip, its stream on a simulated device, and what the plain loop makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr_engines import open_model
from lrhdr_engines.api import Model
from lrhdr_engines.device.gpu_stream import GpuStream
from lrhdr_engines.device.hazards import HOST
from lrhdr_engines.device.layout import Layout
from lrhdr_engines.device.simulated import Choose, SimulatedDevice
from lrhdr_engines.device.simulated_programs import SimulatedPrograms
from lrhdr_engines.device.transfers import Picture

EVS = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}
Frames = list[NDArray[Any]]


class Rig:
    """Everything that a test of the stream needs."""

    def __init__(self, models: dict[int, Model]) -> None:
        self.models = models

    def frames(
        self,
        count: int,
        height: int = 6,
        width: int = 9,
        dtype: type[Any] = np.uint8,
        seed: int = 0,
    ) -> Frames:
        top = np.iinfo(dtype).max + 1
        shape = (count, height, width, 3)
        return list(np.random.default_rng(seed).integers(0, top, shape, dtype=dtype))

    def stream(
        self,
        device: SimulatedDevice,
        exposures: int,
        frames: Frames,
        *,
        white_nits: float | None = None,
    ) -> GpuStream:
        engine = self.models[exposures].engine
        height, width, _ = frames[0].shape
        layout = Layout.of(
            engine.manifest,
            engine.graph_precision,
            height,
            width,
            "uint8" if frames[0].dtype == np.uint8 else "uint16",
            pq=white_nits is not None,
        )
        programs = SimulatedPrograms(engine)
        return GpuStream(device, programs, layout, EVS[exposures], white_nits=white_nits)

    def plain(self, exposures: int, frames: Frames, **part: Any) -> dict[int, NDArray[Any]]:
        """The outputs of the plain loop by index."""
        outputs = self.models[exposures].stream(frames, EVS[exposures], **part)
        return {output.index: output.hdr for output in outputs}

    def check(self, device: SimulatedDevice, exposures: int, frames: Frames) -> None:
        """Stream a clip with nothing to allocate left, let all work end, compare every bit."""
        stream = self.stream(device, exposures, frames)
        device.seal()
        pictures = list(stream.stream(frames))
        stream.close()
        same(pictures, self.plain(exposures, frames))


def same(pictures: list[Picture], expected: dict[int, NDArray[Any]]) -> None:
    """Compare every bit."""
    assert [picture.index for picture in pictures] == list(expected)
    for picture in pictures:
        assert picture.pixels.dtype == np.float32
        np.testing.assert_array_equal(picture.pixels, expected[picture.index])


def by_tape(tape: list[int], seed: int) -> Choose:
    """Choices from a tape, and at random once it has ended."""
    left, rest = iter(tape), Random(seed)

    def choose(actors: Sequence[str]) -> int:
        taken = next(left, None)
        return rest.randrange(len(actors)) if taken is None else taken % len(actors)

    return choose


@pytest.fixture(scope="session")
def rig(tiny_models: Any) -> Rig:
    return Rig(
        {
            ne: open_model(tiny.folder, ne, backend="onnxruntime", threads=1)
            for ne, tiny in tiny_models.items()
        }
    )


@pytest.fixture(scope="session")
def taped() -> Callable[[list[int], int], Choose]:
    return by_tape


def preferring(order: Sequence[str]) -> Choose:
    """Whoever comes first in the order goes on."""
    return lambda actors: min(range(len(actors)), key=lambda k: order.index(actors[k]))


@pytest.fixture(scope="session")
def preferences() -> list[Choose]:
    """Every order of preference: some run the device at once, some starve a stream."""
    return [preferring(order) for order in permutations((HOST, "upload", "compute", "download"))]


@pytest.fixture(scope="session")
def compare() -> Callable[..., None]:
    return same
