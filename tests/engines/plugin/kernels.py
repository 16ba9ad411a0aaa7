"""The host's build of the kernels, called through ctypes."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


class HostKernels:
    """`host.cpp`, compiled."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        pointer, count = ctypes.c_void_p, ctypes.c_int64
        self._library.lrhdr_host_entmax.argtypes = [
            *(pointer, pointer, count, ctypes.c_int, ctypes.c_int, ctypes.c_float, ctypes.c_int)
        ]
        self._library.lrhdr_host_fusion.argtypes = [
            *(pointer, pointer, pointer, pointer, pointer, count),
            *(ctypes.c_int, ctypes.c_int, ctypes.c_float, ctypes.c_int),
        ]
        self._library.lrhdr_host_wide.argtypes = [pointer, pointer, count, ctypes.c_int]

    def entmax(self, logits: Array, alpha: float, *, shift: int = 0) -> Array:
        """(B, N, pixels) to masks of the same type; `shift` elements off alignment."""
        given = placed(logits, shift)
        masks = placed(np.full_like(logits, np.nan), shift)
        batch, n, pixels = logits.shape
        self._library.lrhdr_host_entmax(
            _at(given), _at(masks), pixels, batch, n, alpha, _is_half(logits)
        )
        return masks

    def fusion(
        self, logits: Array, images: list[Array], exposures: Array, radiances: list[Array], *,
        alpha: float, masks: bool = False, shift: int = 0,
    ) -> tuple[Array, Array | None]:  # fmt: skip
        """(N, pixels), K and A of (3, pixels) and (K,) to hdr and, on request, masks in FP32."""
        n, pixels = logits.shape
        given = placed(logits, shift)
        candidates = [placed(each, shift) for each in (*images, *radiances)]
        pointers = (ctypes.c_void_p * n)(*(each.ctypes.data for each in candidates))
        shots = np.ascontiguousarray(exposures, np.float32)
        hdr = placed(np.full((3, pixels), np.nan, np.float32), shift)
        out = placed(np.full((n, pixels), np.nan, np.float32), shift) if masks else None
        self._library.lrhdr_host_fusion(
            *(_at(given), pointers, _at(shots), _at(hdr), None if out is None else _at(out)),
            *(pixels, n, len(images), alpha, _is_half(logits)),
        )
        return hdr, out

    def wide(self, logits: Array) -> bool:
        """Whether the 16-byte path is taken for arrays that lie like this one."""
        return bool(
            self._library.lrhdr_host_wide(
                _at(logits), _at(logits), logits.shape[-1], _is_half(logits)
            )
        )


def placed(array: Array, shift: int) -> Array:
    """A copy that starts `shift` elements after a 64-byte boundary."""
    room = np.empty(array.nbytes + 128 + shift * array.itemsize, np.uint8)
    start = -room.ctypes.data % 64 + shift * array.itemsize
    copy: Array = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def _at(array: NDArray[Any]) -> int:
    return array.ctypes.data


def _is_half(array: Array) -> int:
    return int(array.dtype == np.float16)
