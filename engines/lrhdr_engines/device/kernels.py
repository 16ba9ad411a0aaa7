"""The two frame kernels of the plugin library by ctypes. Not run on a GPU.

Their parameters stand in `frame_launch.cu`, beside the plugins' sources.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from lrhdr.errors import BackendError
from lrhdr_engines.device.errors import explain
from lrhdr_engines.device.protocol import Buffer, Encoding
from lrhdr_engines.plugin import find_plugin

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int
_SIZES = (_INT, _INT, _INT, _INT)
_REMEDY = "Build it again: lrhdr-export plugin"


class PluginKernels:
    """See `Kernels`. They run in the CUDA context that is current."""

    def __init__(self, library: Path | None = None) -> None:
        """Load the library; the one that `find_plugin` gives if None.

        Raises:
            BackendError: it is not there, cannot be loaded, or has no frame kernels.
        """
        path = find_plugin() if library is None else library
        try:
            loaded = ctypes.CDLL(str(path))
        except OSError as error:
            raise BackendError(f"{path} cannot be loaded ({error})", next_step=_REMEDY) from error
        try:
            self._unpack = loaded.lrhdr_unpack
            self._pack = loaded.lrhdr_pack
            self._text = loaded.lrhdr_error_text
        except AttributeError as error:
            raise BackendError(
                f"{path} has no frame kernels ({error})",
                expected="a library of this version",
                next_step=_REMEDY,
            ) from error
        self._unpack.argtypes = (_POINTER, _POINTER, *_SIZES, _INT, _POINTER)
        self._pack.argtypes = (
            *(_POINTER, _POINTER, _POINTER, *_SIZES),
            *(ctypes.c_float, _INT, ctypes.c_double, _POINTER),
        )
        self._text.argtypes, self._text.restype = (_INT,), ctypes.c_char_p

    def unpack(self, raw: Buffer, image: Buffer, stream: int) -> None:
        """See `Kernels`.

        Raises:
            BackendError: CUDA refused the launch, or earlier work failed.
            TypeError: the buffers are of other types.
        """
        _check(raw, np.uint8, np.uint16)
        _check(image, np.float32)
        bits = 8 * raw.dtype.itemsize
        self._call(self._unpack, raw.address, image.address, *_sizes(raw, image), bits, stream)

    def pack(
        self, hdr: Buffer, picture: Buffer, statistics: Buffer, encoding: Encoding, stream: int
    ) -> None:
        """See `Kernels`.

        Raises:
            BackendError: CUDA refused the launch, or earlier work failed.
            TypeError: the buffers are of other types.
        """
        pq = encoding.white_nits is not None
        _check(hdr, np.float32)
        _check(picture, np.uint16 if pq else np.float32)
        _check(statistics, np.float64)
        self._call(
            self._pack,
            *(hdr.address, picture.address, statistics.address, *_sizes(picture, hdr)),
            *(encoding.gain, int(pq), encoding.white_nits or 0.0, stream),
        )

    def _call(self, function: Any, *arguments: Any) -> None:
        if code := function(*arguments):
            raise explain(f"{self._text(code).decode()} by {function.__name__}")


def _sizes(picture: Buffer, planes: Buffer) -> tuple[int, int, int, int]:
    """H, W, H', W' of (H, W, 3) and (1, 3, H', W')."""
    height, width, _ = picture.shape
    _, _, padded_height, padded_width = planes.shape
    return height, width, padded_height, padded_width


def _check(buffer: Buffer, *types: type[Any]) -> None:
    """The kernels see an address alone: another type would be written past its end."""
    if buffer.dtype not in types:
        wanted = " or ".join(kind.__name__ for kind in types)
        raise TypeError(f"{buffer.name} is {buffer.dtype} where {wanted} is needed")
