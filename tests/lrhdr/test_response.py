"""Response files: what is read, written and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.errors import InputError
from lrhdr.response import Response, read_response, write_response


def put(folder: Path, text: str) -> Path:
    path = folder / "camera.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("header", ["", "code,light\n", "# Basler\n\nCode, Light\n", "\ufeff"])
@pytest.mark.parametrize(("middle", "top"), [(0.2, 1), (51, 255), (204.6, 1023), (13107, 65535)])
def test_one_channel(tmp_path: Path, header: str, middle: float, top: int) -> None:
    response = read_response(put(tmp_path, f"{header}0,0\n{middle},1e1 # grey\n{top},40\n"))
    np.testing.assert_allclose(response.codes, [0, 0.2, 1])
    np.testing.assert_allclose(response.light, [[0.0] * 3, [0.25] * 3, [1.0] * 3])


def test_three_channels_keep_their_proportion(tmp_path: Path) -> None:
    response = read_response(put(tmp_path, "code,red,green,blue\n0,0,-1,0\n1,2,4,1\n"))
    np.testing.assert_array_equal(
        response(np.array([0.5, 1.0])), [[0.25, 0.5, 0.125], [0.5, 1, 0.25]]
    )


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9), st.floats(0, 1))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], signal: float
) -> None:
    light = np.array([*values, 1.0])[:, None] * [1.0, 1.0, 1.0]
    light[0] = 0
    path = tmp_path_factory.mktemp("response") / "a.csv"
    written = Response(np.linspace(0, 1, len(light)), light)
    write_response(path, written, "a comment, with commas")
    at = np.array([signal])
    np.testing.assert_allclose(read_response(path)(at), written(at), atol=2e-8)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read as a table"),
        ("code,light\n", "cannot be read as a table"),
        ("0,0\n1,x\n", "cannot be read as a table"),
        ("0,0\n1,1,1,1\n", "cannot be read as a table"),
        ("1,0\n255,1\n", "codes from 1 to 255; expected codes that rise from 0"),
        ("0,0\n200,1\n", "codes from 0 to 200"),
        ("0,0\n2,1\n1,1\n255,2\n", "codes from 0 to 255"),
        ("0\n255\n", "2x0 table of light"),
        ("0,0,0\n255,1,1\n", "2x2 table of light"),
        ("0,0\n255,nan\n", "2x1 table of light"),
        ("0,1\n255,0\n", "more of it at the greatest code"),
        ("0,0\n255,0\n", "more of it at the greatest code"),
    ],
)
def test_what_no_camera_does_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_response(put(tmp_path, text))


def test_missing_file_and_bytes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv: No such file"):
        read_response(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"b\.csv: is no text"):
        read_response(tmp_path / "b.csv")


@pytest.mark.parametrize("columns", [1, 3])
def test_basler_matrix(tmp_path: Path, columns: int) -> None:
    io = pytest.importorskip("scipy.io", reason="comes with lrhdr[eval]")
    light = np.linspace(0, 8, 65536)[:, None] ** 2 * np.arange(1, columns + 1)
    io.savemat(tmp_path / "BaslerCRF.mat", {"BaslerCRF": light}, do_compression=True)
    response = read_response(tmp_path / "BaslerCRF.mat")
    shares = np.array([1, 2, 3]) / 3 if columns == 3 else np.ones(3)
    np.testing.assert_allclose(response(np.array([1.0, 13107 / 65535])), [shares, shares / 25])
