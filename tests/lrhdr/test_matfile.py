"""Matrices as MATLAB stores them, against scipy's writer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lrhdr.errors import InputError
from lrhdr.matfile import read_matrix

scipy_io = pytest.importorskip("scipy.io", reason="comes with lrhdr[eval]")

KINDS = ["f8", "f4", "u1", "i1", "u2", "i2", "u4", "i4", "i8", "u8"]


@given(
    matrix=st.sampled_from(KINDS).flatmap(
        lambda kind: (
            arrays(kind, array_shapes(min_dims=2, max_dims=2), elements={"min_value": 0})
            if kind[0] == "u"
            else arrays(kind, array_shapes(min_dims=2, max_dims=2))
        )
    ),
    compressed=st.booleans(),
    name=st.from_regex(r"[a-zA-Z][a-zA-Z0-9]{0,11}", fullmatch=True),
)
@example(matrix=np.zeros((1, 2), "u1"), compressed=False, name="abc")  # small elements
def test_what_scipy_writes_is_read(matrix: Any, compressed: bool, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mat"
        before = {"before": "text", "cell": np.array([[1, "b"]], object)}
        scipy_io.savemat(path, before | {name: matrix}, do_compression=compressed)
        read = read_matrix(path, name)
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, matrix.astype(np.float64))


def test_big_endian_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    numbers = np.array([1.5, -2.0, 3.0, 4.0], ">f8").tobytes()
    tags = [
        np.array([6, 8, 6, 0, 5, 8, 2, 2], ">u4").tobytes(),  # double, 2x2
        np.array([1 << 16 | 1], ">u4").tobytes() + b"m\0\0\0",  # its name, in the tag
        np.array([9, 32], ">u4").tobytes() + numbers,
    ]
    content = b"".join(tags)
    header = b"MATLAB 5.0".ljust(124) + b"\x01\x00MI"
    path.write_bytes(header + np.array([14, len(content)], ">u4").tobytes() + content)
    np.testing.assert_array_equal(read_matrix(path, "m"), [[1.5, 3.0], [-2.0, 4.0]])


@pytest.mark.parametrize("compressed", [False, True])
def test_a_cut_off_file_is_refused(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "a.mat"
    scipy_io.savemat(path, {"crf": np.ones((9, 3))}, do_compression=compressed)
    whole = path.read_bytes()
    for size in (0, 60, 127, 130, 140, 180, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"a\.mat cannot be read; expected a MATLAB file"):
            read_matrix(path, "crf")


def test_what_is_no_matrix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    values = {"text": "abc", "complex": np.array([[1j]]), "cell": np.array([[1, "b"]], object)}
    scipy_io.savemat(path, values)
    for name in (*values, "absent"):
        with pytest.raises(InputError, match=f"no such matrix; expected .* real matrix {name}"):
            read_matrix(path, name)
    with pytest.raises(InputError, match=r"b\.mat: No such file"):
        read_matrix(tmp_path / "b.mat", "crf")


@given(st.binary(max_size=200))
def test_nonsense_is_one_error(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mat"
        path.write_bytes(b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + data)
        with pytest.raises(InputError, match=r"a\.mat"):
            read_matrix(path, "crf")
