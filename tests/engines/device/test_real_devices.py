"""The devices on cuda-core and on pycuda, over fakes of both. Not run on a GPU."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.device.cuda_core import CudaCoreDevice
from lrhdr_engines.device.driver_graph import Driver
from lrhdr_engines.device.gpu_stream import GpuStream
from lrhdr_engines.device.layout import Layout
from lrhdr_engines.device.protocol import Buffer, Encoding, Stream
from lrhdr_engines.device.pycuda_device import PycudaDevice
from lrhdr_engines.engine import Engine
from lrhdr_engines.padding import pad
from lrhdr_engines.reconstruct import normalised
from tests.engines.device import fake_pycuda, fakes

EVS = {2: (0.0, -3.0), 3: (-2.0, 0.0, 2.0)}
Open = Callable[[], Any]


@pytest.fixture
def calls() -> fakes.Calls:
    return fakes.Calls()


@pytest.fixture(params=["cuda-core", "pycuda"])
def open_device(
    request: pytest.FixtureRequest, calls: fakes.Calls, monkeypatch: pytest.MonkeyPatch
) -> Open:
    """Opens a device over the fakes."""
    core = request.param == "cuda-core"
    for name, module in (fakes.cuda_core if core else fake_pycuda.modules)(calls).items():
        monkeypatch.setitem(sys.modules, name, module)
    if core:
        return CudaCoreDevice
    return lambda: PycudaDevice(driver=Driver(fake_pycuda.DriverLibrary(calls)))


class _Program:
    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run

    def enqueue(self, stream: Stream) -> None:
        fakes.act(stream.handle, self._run)


class HostPrograms:
    """Programs that find their tensors by address, as kernels do."""

    name = "host"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def graph(
        self, name: str, inputs: Mapping[str, Buffer], outputs: Mapping[str, Buffer]
    ) -> _Program:
        def run() -> None:
            feeds = {key: at(buffer) for key, buffer in inputs.items()}
            for key, value in self._engine.run(name, feeds).items():
                at(outputs[key])[:] = value

        return _Program(run)

    def unpack(self, raw: Buffer, image: Buffer) -> _Program:
        def run() -> None:
            at(image)[:] = pad(normalised(at(raw)), self._engine.manifest.multiple)

        return _Program(run)

    def pack(
        self, hdr: Buffer, picture: Buffer, statistics: Buffer, encoding: Encoding
    ) -> _Program:
        height, width, _ = picture.shape

        def run() -> None:
            planes = at(hdr)[0, :, :height, :width]
            at(picture)[:] = planes.transpose(1, 2, 0) * np.float32(encoding.gain)
            at(statistics)[:] = 0

        return _Program(run)


def at(buffer: Buffer) -> Any:
    return fakes.array_at(buffer.address, buffer.shape, buffer.dtype)


@pytest.mark.parametrize("exposures", [2, 3])
def test_the_stream_on_it_gives_the_plain_loops_bits(
    open_device: Open, calls: fakes.Calls, rig: Any, compare: Any, exposures: int
) -> None:
    frames, engine = rig.frames(12), rig.models[exposures].engine
    device = open_device()
    layout = Layout.of(engine.manifest, engine.precision, 6, 9, "uint8")
    stream = GpuStream(device, HostPrograms(engine), layout, EVS[exposures])
    held = calls.alive
    compare(list(stream.stream(frames)), rig.plain(exposures, frames))
    assert calls.alive == held > 0
    assert calls.log.count("launch graph") == stream.replayed > 3
    stream.close()
    assert calls.alive == 0
    device.close()


def test_what_is_left_open_is_closed_with_the_device(open_device: Open, calls: fakes.Calls) -> None:
    device = open_device()
    kept = [make("a", (3,), np.dtype(np.float32)) for make in (device.buffer, device.staging)]
    assert calls.alive == len(kept)
    device.close()
    device.close()
    assert calls.alive == 0
    assert calls.log.count("pop") == calls.log.count("push")


def test_name_and_memory(open_device: Open) -> None:
    device = open_device()
    assert device.name == "fake"
    assert (device.memory().free, device.memory().total) == (60, 100)


def test_a_copy_is_of_the_bytes_between_host_and_device(open_device: Open) -> None:
    device = open_device()
    values = np.arange(6, dtype=np.uint16).reshape(2, 3)
    source, target = (device.staging(n, (2, 3), values.dtype) for n in ("source", "target"))
    buffer, stream = device.buffer("buffer", (2, 3), values.dtype), device.stream("one")
    source.store(values)
    stream.upload(source, buffer)
    stream.download(buffer, target)
    stream.synchronise()
    loaded = target.load()
    np.testing.assert_array_equal(loaded, values)
    target.store(values + 1)
    np.testing.assert_array_equal(loaded, values)  # it is a copy
    with pytest.raises(TypeError):
        source.store(values.astype(np.float32))
    with pytest.raises(TypeError, match="was given where"):
        stream.upload(buffer, source)


def test_time_passes_between_timed_events_alone(open_device: Open) -> None:
    device = open_device()
    stream = device.stream("one")
    began, ended = (device.event(name, timed=True) for name in ("began", "ended"))
    untimed = device.event("untimed")
    for event in (began, untimed, ended):
        stream.record(event)
    ended.synchronise()
    assert ended.since(began) == 2.0
    with pytest.raises(BackendError, match="defect of lrhdr"):
        ended.since(untimed)


@pytest.mark.parametrize(
    "message",
    ["CUDA_ERROR_OUT_OF_MEMORY: the call failed", "cuMemAlloc failed: out of memory"],
)
def test_errors_are_explained(open_device: Open, calls: fakes.Calls, message: str) -> None:
    device = open_device()
    calls.failure = RuntimeError(message)
    for allocate in (device.buffer, device.staging):
        with pytest.raises(BackendError, match="the GPU is out of memory"):
            allocate("a", (3,), np.dtype(np.float32))


@pytest.mark.parametrize(
    ("opened", "module", "package"),
    [
        (CudaCoreDevice, "cuda.core", "pip install 'cuda-core"),
        (PycudaDevice, "pycuda.driver", "pip install pycuda"),
    ],
)
def test_a_missing_library_is_named(
    opened: Open, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BackendError, match=rf"{module} cannot be imported .*{package}"):
        opened()


@pytest.mark.skipif(why_no_gpu() is None, reason="this machine has an NVIDIA GPU")
def test_without_a_driver_cuda_core_says_so() -> None:
    pytest.importorskip("cuda.core", reason="cuda-core is not installed")
    with pytest.raises(BackendError, match=r"no NVIDIA driver was found .*--backend auto"):
        CudaCoreDevice()


def test_the_fake_of_cuda_core_offers_nothing_that_the_real_one_lacks() -> None:
    core = pytest.importorskip("cuda.core", reason="cuda-core is not installed")
    graph = pytest.importorskip("cuda.core.graph")
    fake: Any = fakes.cuda_core(fakes.Calls())["cuda.core"]
    pairs = (
        (fakes._CoreBuffer, core.Buffer),
        (fakes._CoreStream, core.Stream),
        (fakes._CoreBuilder, graph.GraphBuilder),
        (fake.Device, core.Device),
    )
    for faked, real in pairs:
        used = [name for name in vars(faked) if not name.startswith("_")]
        assert used
        assert set(used) <= set(dir(real))
    assert {"sync", "__sub__"} <= set(dir(core.Event))
    assert core.EventOptions(timing_enabled=True).timing_enabled
    assert {"launch"} <= set(dir(graph.Graph))
    assert "allocate" in dir(core.LegacyPinnedMemoryResource)
