"""The launchers as a shared library: compiled by nvcc for one GPU, called by ctypes."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrhdr_benchmarks.gpu_check.oracle import Array
from lrhdr_benchmarks.gpu_check.record import FailedError
from lrhdr_engines.device.layout import STATISTICS
from lrhdr_engines.device.protocol import Encoding
from lrhdr_engines.plugin.sources import source_folder
from lrhdr_engines.plugin.toolkit import find_nvcc

NAME = "liblrhdr_check.so"
EXPORTS = Path(__file__).with_name("device.cpp")
_KERNELS = ("entmax_launch.cu", "frame_launch.cu", "fusion_launch.cu")


def compile_library(folder: Path, sm: int) -> Path:
    """Compile for one SM, the files at once. -lineinfo: the sanitizer then names lines.

    Raises:
        BackendError: there is no nvcc.
        FailedError: it fails.
    """
    nvcc, sources = str(find_nvcc()), source_folder()
    options = ["-std=c++17", "-O3", f"-arch=sm_{sm}", "-lineinfo", "-Xcompiler", "-fPIC"]
    files = [EXPORTS, *(sources / name for name in _KERNELS)]
    objects = [folder / f"{file.stem}.o" for file in files]
    running = [
        _start(nvcc, *options, "-I", str(sources), "-c", str(file), "-o", str(target))
        for file, target in zip(files, objects, strict=True)
    ]
    for process in running:
        _finish(process)
    library = folder / NAME
    linked = _start(*(nvcc, "-shared", "-cudart", "static"), *map(str, objects), "-o", str(library))
    _finish(linked)
    return library


def _start(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _finish(process: subprocess.Popen[str]) -> None:
    said, _ = process.communicate()
    if process.returncode != 0:
        wrong = [line for line in said.splitlines() if "error" in line.lower()]
        raise FailedError(f"nvcc failed: {(wrong or [said])[0][:300]}")


class DeviceKernels:
    """All launchers, on host arrays. What CUDA finds wrong raises FailedError."""

    def __init__(self, library: Path) -> None:
        """Open a library that `compile_library` made."""
        self._library = ctypes.CDLL(str(library))
        pointer, size, number = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int
        real, double = ctypes.c_float, ctypes.c_double
        for name, arguments in (
            ("entmax", [pointer, pointer, size, number, number, real, number, number]),
            ("fusion", [*[pointer] * 5, size, number, number, real, number, number]),
            ("unpack", [pointer, pointer, *[number] * 5]),
            ("pack", [pointer, pointer, pointer, *[number] * 4, real, number, double]),
            ("times", [size, number, number, real, number, number, pointer]),
        ):
            function = getattr(self._library, f"lrhdr_check_{name}")
            function.argtypes, function.restype = arguments, ctypes.c_char_p

    def entmax(self, logits: Array, alpha: float, shift: int) -> Array:
        """(B, N, pixels) to masks of the same type, `shift` elements off alignment."""
        masks = np.full_like(logits, np.nan)
        batch, count, pixels = logits.shape
        self._call(
            *("entmax", _at(logits), _at(masks), pixels, batch, count),
            *(alpha, _half(logits), shift),
        )
        return masks

    def fusion(
        self, logits: Array, candidates: Array, exposures: Array, alpha: float, shift: int
    ) -> tuple[Array, Array]:
        """(N, pixels), (N, 3, pixels) and (K,) to hdr (3, pixels) and masks, both FP32."""
        count, pixels = logits.shape
        hdr = np.full((3, pixels), np.nan, np.float32)
        masks = np.full((count, pixels), np.nan, np.float32)
        self._call(
            *("fusion", _at(logits), _at(candidates), _at(exposures), _at(hdr), _at(masks)),
            *(pixels, count, len(exposures), alpha, _half(logits), shift),
        )
        return hdr, masks

    def unpack(self, codes: NDArray[Any], padded: tuple[int, int]) -> NDArray[Any]:
        """(H, W, 3) to (1, 3, H', W') FP32."""
        image = np.full((1, 3, *padded), np.nan, np.float32)
        bits = 8 * codes.dtype.itemsize
        self._call("unpack", _at(codes), _at(image), *codes.shape[:2], *padded, bits)
        return image

    def pack(
        self, planes: NDArray[Any], size: tuple[int, int], encoding: Encoding
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """(1, 3, H', W') FP32 to (H, W, 3) of FP32 or uint16, and the statistics."""
        pq = encoding.white_nits is not None
        picture = np.zeros((*size, 3), np.uint16 if pq else np.float32)
        seen = np.full(STATISTICS, np.nan)
        self._call(
            *("pack", _at(planes), _at(picture), _at(seen), *size, *planes.shape[2:]),
            *(encoding.gain, int(pq), encoding.white_nits or 0.0),
        )
        return picture, seen

    def times(
        self, pixels: int, count: int, images: int, alpha: float, *, half: bool, rounds: int
    ) -> NDArray[np.float32]:
        """Milliseconds (rounds, 3) of a copy of `count` planes, Entmax and EntmaxFusion."""
        taken = np.zeros((rounds, 3), np.float32)
        self._call("times", pixels, count, images, alpha, int(half), rounds, _at(taken))
        return taken

    def _call(self, name: str, *arguments: Any) -> None:
        wrong = getattr(self._library, f"lrhdr_check_{name}")(*arguments)
        if wrong is not None:
            raise FailedError(f"{name}: CUDA says: {wrong.decode(errors='replace')}")


def _at(array: NDArray[Any]) -> int:
    return array.ctypes.data


def _half(array: Array) -> int:
    return int(array.dtype == np.float16)
