"""The frame kernels on the device: radiance and images to the bit, PQ codes against float64.

Not run on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lrhdr_benchmarks.gpu_check.build import plugin_library
from lrhdr_benchmarks.gpu_check.record import FailedError, Row, Task
from lrhdr_engines.device.kernels import PluginKernels
from lrhdr_engines.device.layout import STATISTICS
from lrhdr_engines.device.opening import open_device
from lrhdr_engines.device.protocol import Buffer, Device, Encoding, Program
from lrhdr_engines.device.simulated_programs import pq_codes
from lrhdr_engines.device.tensorrt_programs import TensorRtPrograms
from lrhdr_engines.padding import pad
from lrhdr_engines.reconstruct import normalised

MULTIPLE = 32
# The third has more pixels than `pack` has threads: some serve two.
FEW_SIZES = ((1, 1), (37, 61), (360, 640))
SIZES = (*FEW_SIZES, (1080, 1920))
_GAIN, _NITS = 8.0, 203.0
# Where a code lies close to a half, FP32 may round it the other way. On the host 0.2% of the codes
# are so, and 1.2% with log2 and exp2 as bad as the PTX ISA allows (tests/engines/plugin).
_UNEQUAL = 0.02

Array = NDArray[Any]


class FrameKernels(Protocol):
    """Both kernels, from host memory to host memory."""

    def unpack(self, codes: Array, padded: tuple[int, int]) -> Array:
        """(H, W, 3) to (1, 3, H', W'); see `Programs.unpack`."""

    def pack(self, planes: Array, size: tuple[int, int], encoding: Encoding) -> tuple[Array, Array]:
        """(1, 3, H', W') to the picture (H, W, 3) and the statistics; see `Programs.pack`."""


def check(kernels: FrameKernels, height: int, width: int) -> Iterator[Row]:
    """A row for each kernel and type at a size.

    Raises:
        FailedError: CUDA fails, or a result is wrong.
    """
    rng, size = np.random.default_rng(height), f"{width}x{height}"
    for kind in (np.uint8, np.uint16):
        codes = rng.integers(0, np.iinfo(kind).max, (height, width, 3), kind, endpoint=True)
        image = pad(normalised(codes), MULTIPLE)
        found = kernels.unpack(codes, image.shape[2:])
        _demand(np.array_equal(found, image), f"unpack of {codes.dtype} at {size}")
        yield {"kernel": "unpack", "type": str(codes.dtype), "size": size}
    planes = pad(rng.uniform(0.0, 2.0, (1, 3, height, width)).astype(np.float32), MULTIPLE)
    radiance = planes[0, :, :height, :width].transpose(1, 2, 0) * np.float32(_GAIN)
    picture, seen = kernels.pack(planes, (height, width), Encoding(gain=_GAIN))
    _demand(np.array_equal(picture, radiance), f"pack to float32 at {size}")
    _demand(not seen.any(), f"the statistics of pack to float32 at {size}")
    yield {"kernel": "pack", "type": "float32", "size": size}
    exact, *light = pq_codes(radiance, _NITS)
    picture, seen = kernels.pack(planes, (height, width), Encoding(gain=_GAIN, white_nits=_NITS))
    far = np.abs(picture.astype(np.int64) - exact)
    unequal = float((far > 0).mean())
    right = far.max() <= 1 and unequal <= max(_UNEQUAL, 1.0 / far.size)
    _demand(bool(right), f"pack to uint16 at {size}")
    _demand(np.allclose(seen, (0.0, *light), rtol=1e-5), f"the statistics of uint16 at {size}")
    yield {"kernel": "pack", "type": "uint16", "size": size, "unequal": float(f"{unequal:.2g}")}


class FramePrograms(Protocol):
    """The two of `Programs` that are checked."""

    def unpack(self, raw: Buffer, image: Buffer) -> Program:
        """See `Programs`."""

    def pack(self, hdr: Buffer, picture: Buffer, statistics: Buffer, encoding: Encoding) -> Program:
        """See `Programs`."""


class OnDevice:
    """See `FrameKernels`: as a stream runs them."""

    def __init__(self, device: Device, programs: FramePrograms) -> None:
        """Nothing stays allocated between calls."""
        self._device, self._programs = device, programs

    def unpack(self, codes: Array, padded: tuple[int, int]) -> Array:
        """See `FrameKernels`."""
        image = np.empty((1, 3, *padded), np.float32)
        (found,) = self._run({"raw": codes}, {"image": image}, self._programs.unpack)
        return found

    def pack(self, planes: Array, size: tuple[int, int], encoding: Encoding) -> tuple[Array, Array]:
        """See `FrameKernels`."""
        kind = np.float32 if encoding.white_nits is None else np.uint16
        outputs = {"picture": np.empty((*size, 3), kind), "statistics": np.empty(STATISTICS)}

        def make(hdr: Buffer, picture: Buffer, statistics: Buffer) -> Program:
            return self._programs.pack(hdr, picture, statistics, encoding)

        picture, seen = self._run({"hdr": planes}, outputs, make)
        return picture, seen

    def _run(
        self, inputs: dict[str, Array], outputs: dict[str, Array], make: Callable[..., Program]
    ) -> list[Array]:
        """Up, once through, down: `make` is given the buffers, inputs first."""
        stream = self._device.stream("frames")
        with ExitStack() as memory:
            buffers, stagings = {}, {}
            for name, array in (inputs | outputs).items():
                buffers[name] = self._device.buffer(name, array.shape, array.dtype)
                memory.callback(buffers[name].free)
                stagings[name] = self._device.staging(
                    f"staging of {name}", array.shape, array.dtype
                )
                memory.callback(stagings[name].free)
            for name, array in inputs.items():
                stagings[name].store(array)
                stream.upload(stagings[name], buffers[name])
            make(*buffers.values()).enqueue(stream)
            for name in outputs:
                stream.download(buffers[name], stagings[name])
            stream.synchronise()
            return [stagings[name].load() for name in outputs]


def run(task: Task) -> Iterator[Row]:
    """The step."""
    kernels = PluginKernels(plugin_library(task))
    programs = TensorRtPrograms("the frame kernels", {}, kernels)
    on_device = OnDevice(open_device(), programs)
    for size in SIZES:
        yield from check(on_device, *size)


def _demand(right: bool, what: str) -> None:
    if not right:
        raise FailedError(f"{what} is not what numpy gives")
