"""Codes of every curve to those of gamma 2.2, and what reaches the reader from the flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import CAMERA_CURVES, camera_light
from lrhdr_engines.media.light_in import Curve, LightIn
from lrhdr_engines.media.opening import open_source

GREY = [16, 48, 95, 128, 180, 235]


def all_codes(dtype: Any) -> NDArray[Any]:
    """Every code once, in three channels of different order."""
    codes = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    return np.stack([codes, codes[::-1], np.roll(codes, 7)], axis=1)[None]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", [name for name in CAMERA_CURVES if name != "gamma22"])
def test_every_code_is_the_nearest(name: str, dtype: Any) -> None:
    frame = all_codes(dtype)
    seen = Curve(name).apply(frame)
    assert seen.dtype == np.uint16
    assert seen.shape == frame.shape
    exact = camera_light(frame / np.iinfo(dtype).max, name) ** (1 / 2.2) * 65535
    assert np.abs(seen - exact).max() <= 0.5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gamma_22_passes_untouched(dtype: Any) -> None:
    frame = all_codes(dtype)
    assert Curve("gamma22").apply(frame) is frame


def test_file_of_gamma_22_changes_no_code(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    codes = np.arange(65536)
    np.savetxt(path, np.column_stack([codes, (codes / 65535) ** 2.2]), "%.17g", delimiter=",")
    frame = all_codes(np.uint16)
    np.testing.assert_array_equal(Curve(str(path)).apply(frame), frame)
    np.testing.assert_array_equal(
        Curve(str(path)).apply(all_codes(np.uint8)), all_codes(np.uint8) * np.uint16(257)
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_file_of_three_channels(tmp_path: Path, dtype: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code,red,green,blue\n0,0,0,0\n1,4,2,1\n")
    frame = all_codes(dtype)
    exact = (frame / np.iinfo(dtype).max * [1, 0.5, 0.25]) ** (1 / 2.2) * 65535
    assert np.abs(Curve(str(path)).apply(frame) - exact).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"transfer": "rec709"}, "transfer rec709; expected gamma22, srgb, bt709"),
        ({"matrix": "bt470"}, "matrix bt470; expected auto, bt601"),
        ({"range": "tv"}, "range tv; expected auto, full, limited"),
    ],
)
def test_unknown_words_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        LightIn(**options)


def video(path: Path, *, range_tag: int = 1) -> Path:
    """Grey steps, lossless, BT.709."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 16 * len(GREY), 16, "yuv420p"
        stream.codec_context.color_range = range_tag
        stream.codec_context.colorspace = 1
        frame = av.VideoFrame(stream.width, 16, "yuv420p")
        luma = np.kron(np.array(GREY, np.uint8), np.ones((16, 16), np.uint8))
        for plane, data in zip(frame.planes, (luma, None, None), strict=True):
            rows = np.full((plane.height, plane.line_size), 128, np.uint8)
            if data is not None:
                rows[:, : data.shape[1]] = data
            plane.update(rows.tobytes())
        frame.color_range, frame.colorspace = range_tag, 1
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def steps(path: Path, light: LightIn) -> tuple[NDArray[np.float64], str]:
    """The grey steps as read, 0 to 1, and how."""
    with open_source(path, light=light) as source:
        frame = next(iter(source.frames()))
        grey = frame.rgb[8, 8::16, 1] / np.iinfo(frame.rgb.dtype).max
        return grey, source.info.colour


@pytest.mark.parametrize("tag", [1, 2])
@pytest.mark.parametrize("said", ["auto", "full", "limited"])
@pytest.mark.parametrize("transfer", ["gamma22", "hlg", "slog3"])
def test_video_by_tag_and_flag(tmp_path: Path, tag: int, said: Any, transfer: str) -> None:
    limited = said == "limited" or (said == "auto" and tag == 1)
    grey, colour = steps(video(tmp_path / "a.mkv", range_tag=tag), LightIn(transfer, range=said))
    signal = np.array(GREY, np.float64)
    signal = (signal - 16) / 219 if limited else signal / 255
    expected = camera_light(signal, transfer, limited=limited) ** (1 / 2.2)
    slope = np.abs(np.gradient(expected, signal)).max()  # 8-bit signals are rounded before it
    np.testing.assert_allclose(grey, expected, atol=0.501 / 255 * max(1.0, 2 * slope))
    named = "" if transfer == "gamma22" else f", {transfer}"
    assert colour == f"BT.709, {'limited' if limited else 'full'} range{named}"


def test_matrix_flag_reaches_the_video(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mkv")
    assert steps(path, LightIn(matrix="bt2020"))[1] == "BT.2020, limited range"


def folder(path: Path) -> NDArray[np.uint8]:
    path.mkdir()
    image = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    cv2.imwrite(str(path / "a.png"), image[..., ::-1])
    return image


def test_folder_through_a_curve(tmp_path: Path) -> None:
    image = folder(tmp_path / "clip")
    with open_source(tmp_path / "clip", light=LightIn("srgb")) as source:
        assert source.info.colour == "RGB, full range, srgb"
        first, again = (next(iter(source.frames())) for _ in range(2))
        np.testing.assert_array_equal(first.rgb, Curve("srgb").apply(image))
        np.testing.assert_array_equal(first.rgb, again.rgb)
        source.close()
        assert not list(source.frames())


@pytest.mark.parametrize("light", [LightIn(range="limited"), LightIn(matrix="bt601")])
def test_folder_has_no_matrix_or_range(tmp_path: Path, light: LightIn) -> None:
    folder(tmp_path / "clip")
    with pytest.raises(InputError, match="images are RGB in full range"):
        open_source(tmp_path / "clip", light=light)


def test_response_file_that_is_missing(tmp_path: Path) -> None:
    folder(tmp_path / "clip")
    with pytest.raises(InputError, match=r"no\.csv: No such file"):
        open_source(tmp_path / "clip", light=LightIn(str(tmp_path / "no.csv")))
