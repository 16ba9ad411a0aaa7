"""MATLAB 5 files as far as a camera's response needs them: one real matrix, by its name.

After MathWorks, "MAT-File Format" (level 5): a header of 128 bytes, then elements of
type, size and content. Files of version 7.3 are HDF5, which this does not read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import InputError

_HEADER = 128
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}
_NUMBERS |= {12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED = 14, 15
_NUMERIC_CLASSES = range(6, 16)  # double to uint64; the others are cells, structures, text
_COMPLEX = 0x800


def read_matrix(path: Path, name: str) -> NDArray[np.float64]:
    """The real numeric matrix `name`.

    Raises:
        InputError: the file is missing, damaged, of another format or without that matrix.
    """
    expected = f"a MATLAB file (version 5 to 7) with the real matrix {name}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", expected=expected) from None
    try:
        found = _find(data, name)
    except (ValueError, LookupError, struct.error, zlib.error):
        raise InputError(f"{path} cannot be read", expected=expected) from None
    if found is None:
        raise InputError(f"{path} has no such matrix", expected=expected)
    return found


def _find(data: bytes, name: str) -> NDArray[np.float64] | None:
    order = {b"IM": "<", b"MI": ">"}[data[_HEADER - 2 : _HEADER]]
    for kind, content in _elements(data[_HEADER:], order):
        if kind == _COMPRESSED:
            kind, content = next(_elements(zlib.decompress(content), order), (0, b""))
        if kind != _MATRIX:
            continue
        (_, flags), (_, shape), (_, label), *values = _elements(content, order)
        if label.decode("ascii", "replace") != name:
            continue
        word = struct.unpack_from(f"{order}I", flags)[0]
        if word & 0xFF not in _NUMERIC_CLASSES or word & _COMPLEX:
            return None
        kind, numbers = values[0]
        matrix = np.frombuffer(numbers, order + _NUMBERS[kind]).astype(np.float64)
        return matrix.reshape(np.frombuffer(shape, f"{order}i4"), order="F")
    return None


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """The type and content of each element."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, at)
        if kind >> 16:  # up to 4 bytes of content share the tag with their type and size
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
            at += 8
        else:
            start = at + 8
            at = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > len(data):
            raise ValueError("an element goes on past the end")
        yield kind, data[start : start + size]
