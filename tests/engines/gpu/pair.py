"""A model on a simulated device beside the plain one, and what they must have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrhdr import light
from lrhdr.contract import EXTRACT
from lrhdr_engines.api import Model
from lrhdr_engines.build.engine import STREAMING
from lrhdr_engines.build.sizes import Size
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.gpu.model import GpuBackend, GpuEngine, GpuModel
from lrhdr_engines.media import PqPicture
from lrhdr_engines.streaming import StreamingModel

EVS = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}


class Pair:
    """The same model on a simulated device and on the CPU."""

    def __init__(self, machine: Any, device: SimulatedDevice, **precisions: Any) -> None:
        self.device = device
        self.sizes: list[str] = []
        self.loads = 0
        chosen: Any = dict.fromkeys(STREAMING, "fp32") | precisions

        def programs(size: Size) -> Any:
            self.sizes.append(str(size))
            return machine.programs(size, chosen)

        def reference() -> Any:
            self.loads += 1
            return machine.cpu["fp32"]

        engine = GpuEngine(
            manifest=machine.bundle.manifest,
            precision=chosen[EXTRACT],
            backend=GpuBackend(name="tensorrt-rtx", device="GPU (imagined)"),
        )
        self.plain: StreamingModel = Model(machine.cpu[chosen[EXTRACT]])
        self.ours: StreamingModel = GpuModel(engine, device, programs, reference)

    def compare(self, frames: list[Any], ev: Any, **part: Any) -> None:
        plain = list(self.plain.stream(frames, ev, **part))
        ours = list(self.ours.stream(frames, ev, **part))
        assert len(ours) == len(plain)
        for a, b in zip(ours, plain, strict=True):
            same(a, b, part.get("pq_white_nits"))


def same(a: Any, b: Any, white: float | None) -> None:
    assert (a.index, a.candidates) == (b.index, b.candidates)
    assert (a.window.index, a.window.slots) == (b.window.index, b.window.slots)
    assert all(x is y for x, y in zip(a.window.frames, b.window.frames, strict=True))
    assert isinstance(b.picture, np.ndarray)  # the plain model makes no codes
    assert (a.hdr.dtype, a.hdr.shape) == (b.hdr.dtype, b.hdr.shape)
    assert a.hdr.flags.c_contiguous
    if white is None:
        np.testing.assert_array_equal(a.picture, b.picture)
    else:
        same_codes(a.picture, b.picture, white)
        # 0.03% of BT.2020's channels, of which BT.709's are sums and differences.
        slack = 1e-3 * b.hdr.max(axis=2, keepdims=True) + 1e-4 / white
        assert (np.abs(a.hdr - b.hdr) <= slack).all()
    assert (a.masks is None) == (b.masks is None)
    if a.masks is not None:
        assert (a.masks.dtype, a.masks.shape) == (b.masks.dtype, b.masks.shape)
        np.testing.assert_array_equal(a.masks, b.masks)


def same_codes(picture: PqPicture, radiance: Any, white: float) -> None:
    nits = radiance.astype(np.float64) @ light.BT709_TO_BT2020.T * white
    nits = np.clip(nits, 0.0, light.PQ_PEAK_NITS)
    assert (picture.codes.dtype, picture.codes.shape) == (np.dtype(np.uint16), radiance.shape)
    # Measured: 0.5, what rounding leaves. The kernel's own error is in tests/engines/plugin.
    assert np.abs(picture.codes - 65535 * light.pq_encode(nits)).max() <= 0.5 + 1e-6
    largest = nits.max(axis=2)
    assert picture.brightest_nits == pytest.approx(largest.max(), rel=1e-12)
    assert picture.mean_nits == pytest.approx(largest.mean(), rel=1e-12)
    assert picture.repaired == 0


def shots(count: int, height: int = 6, width: int = 9, dtype: Any = np.uint8, seed: int = 0) -> Any:
    top = np.iinfo(dtype).max + 1
    shape = (count, height, width, 3)
    return list(np.random.default_rng(seed).integers(0, top, shape, dtype=dtype))
