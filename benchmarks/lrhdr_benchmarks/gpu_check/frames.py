"""The frame kernels on the device against numpy. Not run on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
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
SIZES = ((1, 1), (37, 61), (360, 640), (1080, 1920))
_GAIN, _NITS = 8.0, 203.0
# Float32 on the device and float32 in numpy each differ from float64 in about 0.1% of the codes.
_UNEQUAL = 0.003

Array = NDArray[Any]


class FramePrograms(Protocol):
    """The two of `Programs` that are checked."""

    def unpack(self, raw: Buffer, image: Buffer) -> Program:
        """See `Programs`."""

    def pack(self, hdr: Buffer, picture: Buffer, statistics: Buffer, encoding: Encoding) -> Program:
        """See `Programs`."""


def check(device: Device, programs: FramePrograms, height: int, width: int) -> Iterator[Row]:
    """A row for each kernel and type at a size.

    Raises:
        FailedError: a result is wrong.
    """
    rng = np.random.default_rng(height)
    for kind in (np.uint8, np.uint16):
        codes = rng.integers(0, np.iinfo(kind).max, (height, width, 3), kind, endpoint=True)
        expected = pad(normalised(codes), MULTIPLE)
        (found,) = _run(device, {"raw": codes}, {"image": expected}, programs.unpack)
        _demand(np.array_equal(found, expected), f"unpack of {codes.dtype} at {width}x{height}")
        yield {"kernel": "unpack", "type": str(codes.dtype), "size": f"{width}x{height}"}
    planes = pad(rng.uniform(0.0, 2.0, (1, 3, height, width)).astype(np.float32), MULTIPLE)
    radiance = planes[0, :, :height, :width].transpose(1, 2, 0) * np.float32(_GAIN)
    codes, greatest, mean = pq_codes(np.ascontiguousarray(radiance), _NITS)
    for nits, picture, seen in ((None, radiance, (0.0, 0.0)), (_NITS, codes, (greatest, mean))):
        encoding = Encoding(gain=_GAIN, white_nits=nits)
        outputs = {"picture": picture, "statistics": np.zeros(STATISTICS)}
        found, statistics = _run(
            device,
            {"hdr": planes},
            outputs,
            lambda hdr, out, numbers, encoding=encoding: programs.pack(hdr, out, numbers, encoding),
        )
        far = np.abs(found.astype(np.float64) - picture)
        bound = 0.0 if nits is None else 1.0
        what = f"pack to {picture.dtype} at {width}x{height}"
        _demand(float(far.max()) <= bound, what)
        _demand(float((far > 0).mean()) <= max(_UNEQUAL, 1.0 / far.size), what)
        _demand(np.allclose(statistics, (0.0, *seen), rtol=1e-5), f"statistics of {what}")
        yield {
            "kernel": "pack",
            "type": str(picture.dtype),
            "size": f"{width}x{height}",
            "unequal": float(f"{(far > 0).mean():.2g}"),
        }


def run(task: Task) -> Iterator[Row]:
    """The step."""
    device = open_device()
    kernels = PluginKernels(plugin_library(task))
    for size in SIZES:
        yield from check(device, TensorRtPrograms("the frame kernels", {}, kernels), *size)


def _run(
    device: Device, inputs: dict[str, Array], outputs: dict[str, Array], make: Any
) -> list[Array]:
    """Up, once through, down: `make` is given the buffers, inputs first."""
    stream = device.stream("frames")
    with ExitStack() as memory:
        buffers, stagings = {}, {}
        for name, array in (inputs | outputs).items():
            buffers[name] = device.buffer(name, array.shape, array.dtype)
            stagings[name] = device.staging(f"staging of {name}", array.shape, array.dtype)
            memory.callback(buffers[name].free)
            memory.callback(stagings[name].free)
        for name, array in inputs.items():
            stagings[name].store(array)
            stream.upload(stagings[name], buffers[name])
        make(*buffers.values()).enqueue(stream)
        for name in outputs:
            stream.download(buffers[name], stagings[name])
        stream.synchronise()
        return [stagings[name].load() for name in outputs]


def _demand(right: bool, what: str) -> None:
    if not right:
        raise FailedError(f"{what} is not what numpy gives")
