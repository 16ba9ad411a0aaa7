"""The frame kernels on values: their source compiled for the host, and the numpy programs."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrhdr_engines.device.protocol import Encoding
from lrhdr_engines.device.simulated import SimulatedDevice
from lrhdr_engines.device.simulated_programs import SimulatedPrograms

Planes = NDArray[np.float32]
Size = tuple[int, int]
GUARD = 64  # bytes


class SimulatedFrames:
    """The numpy programs on values."""

    def __init__(self, multiple: int = 1) -> None:
        manifest = SimpleNamespace(multiple=multiple, graphs={})
        engine: Any = SimpleNamespace(manifest=manifest)
        self.programs, self.device = SimulatedPrograms(engine), SimulatedDevice()
        self.stream = self.device.stream("only")

    def put(self, value: NDArray[Any]) -> Any:
        buffer = self.device.buffer("in", value.shape, value.dtype)
        staging = self.device.staging("in", value.shape, value.dtype)
        staging.store(value)
        self.stream.upload(staging, buffer)
        return buffer

    def get(self, buffer: Any) -> NDArray[Any]:
        staging = self.device.staging("out", buffer.shape, buffer.dtype)
        self.stream.download(buffer, staging)
        self.stream.synchronise()
        return staging.load()

    def unpack(self, codes: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        image = self.device.buffer("image", shape, np.dtype(np.float32))
        self.programs.unpack(self.put(codes), image).enqueue(self.stream)
        return self.get(image)

    def pack(
        self, hdr: Planes, size: Size, encoding: Encoding
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        kind = np.dtype(np.float32 if encoding.white_nits is None else np.uint16)
        picture = self.device.buffer("picture", (*size, 3), kind)
        seen = self.device.buffer("seen", (3,), np.dtype(np.float64))
        self.programs.pack(self.put(hdr), picture, seen, encoding).enqueue(self.stream)
        return self.get(picture), self.get(seen)


class HostFrames:
    """`frame_host.cpp`, compiled. Bytes around each result show where it ends."""

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))
        pointer, integer = ctypes.c_void_p, ctypes.c_int
        self.library.lrhdr_host_unpack.argtypes = [pointer, pointer, *[integer] * 6]
        self.library.lrhdr_host_pack.argtypes = [
            *(pointer, pointer, pointer, integer, integer, integer, integer),
            *(ctypes.c_float, integer, ctypes.c_double, integer),
        ]
        self.library.lrhdr_host_pq.argtypes = [pointer, pointer, integer]
        self.library.lrhdr_host_light.argtypes = [pointer]

    def unpack(self, codes: NDArray[Any], shape: tuple[int, ...], threads: int) -> NDArray[Any]:
        room, image = guarded(shape, np.dtype(np.float32))
        given, bits = np.ascontiguousarray(codes), 8 * codes.dtype.itemsize
        sizes = (*codes.shape[:2], *shape[2:])
        done = self.library.lrhdr_host_unpack(
            given.ctypes.data, image.ctypes.data, *sizes, bits, threads
        )
        assert done
        assert_guarded(room)
        return image

    def pack(
        self, hdr: Planes, size: Size, encoding: Encoding, threads: int = 1
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        pq = encoding.white_nits is not None
        room, picture = guarded((*size, 3), np.dtype(np.uint16 if pq else np.float32))
        seen = np.full(3, np.nan)
        done = self.library.lrhdr_host_pack(
            *(hdr.ctypes.data, picture.ctypes.data, seen.ctypes.data, *size),
            *(*hdr.shape[2:], encoding.gain, pq, encoding.white_nits or 0.0, threads),
        )
        assert done
        assert_guarded(room)
        return picture, seen

    def accepts(self, *sizes: int) -> bool:
        """Whether both kernels take H, W, H', W'. No thread runs."""
        seen = np.empty(3)
        unpacked = self.library.lrhdr_host_unpack(None, None, *sizes, 8, 0)
        packed = self.library.lrhdr_host_pack(
            None, None, seen.ctypes.data, *sizes, 1.0, 1, 203.0, 0
        )
        assert unpacked == packed
        return bool(packed)

    def codes(self, nits: Planes) -> NDArray[np.uint16]:
        found = np.empty(nits.size, np.uint16)
        self.library.lrhdr_host_pq(nits.ctypes.data, found.ctypes.data, nits.size)
        return found


def guarded(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    room = np.full(int(np.prod(shape)) * dtype.itemsize + 2 * GUARD, 0xA5, np.uint8)
    return room, room[GUARD:-GUARD].view(dtype).reshape(shape)


def assert_guarded(room: NDArray[Any]) -> None:
    assert (room[:GUARD] == 0xA5).all()
    assert (room[-GUARD:] == 0xA5).all()
