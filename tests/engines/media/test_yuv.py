"""Samples to RGB against the standards' equations in float64, written out the slow way."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr_engines.media import yuv
from lrhdr_engines.media.light_in import LightIn
from lrhdr_engines.media.yuv import colour_of, to_rgb

WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}


def build(
    name: str,
    planes: list[NDArray[Any]],
    *,
    matrix: int,
    full: bool,
    size: tuple[int, int] | None = None,
) -> av.VideoFrame:
    width, height = size or planes[0].shape[::-1]
    frame = av.VideoFrame(width, height, name)
    for plane, data in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        flat = np.ascontiguousarray(data).view(np.uint8).reshape(len(data), -1)
        rows[:, : flat.shape[1]] = flat
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


def random_planes(
    size: tuple[int, int], steps: tuple[int, int], bits: int, seed: int
) -> list[NDArray[Any]]:
    """Y, Cb, Cr of `size` (H, W), chroma coarser by `steps`, over every code."""
    rng = np.random.default_rng(seed)
    coarse = (-(-size[0] // steps[0]), -(-size[1] // steps[1]))
    dtype = np.uint8 if bits == 8 else np.uint16
    return [rng.integers(0, 2**bits, s).astype(dtype) for s in (size, coarse, coarse)]


def at_luma(plane: NDArray[Any], size: tuple[int, int], centred: bool) -> NDArray[np.float64]:
    """Linear interpolation of chroma, from where each sample lies, in luma coordinates."""
    result = plane.astype(np.float64)
    for axis in (0, 1):
        step = round(size[axis] / plane.shape[axis])
        between = (step - 1) / 2 if axis == 0 or centred else 0.0
        lies = np.arange(plane.shape[axis]) * step + between
        result = np.apply_along_axis(
            lambda line, lies=lies, n=size[axis]: np.interp(np.arange(n), lies, line), axis, result
        )
    return result


def oracle(
    planes: list[NDArray[Any]], bits: int, matrix: int, *, full: bool, centred: bool = False
) -> NDArray[np.float64]:
    """H.273, equations 20 to 46, inverted: R'G'B' in [0, 1]."""
    size = planes[0].shape
    y = planes[0].astype(np.float64)
    cb, cr = (at_luma(plane, size, centred) for plane in planes[1:])
    if full:
        top = 2**bits - 1
        y, cb, cr = y / top, (cb - 2 ** (bits - 1)) / top, (cr - 2 ** (bits - 1)) / top
    else:
        unit = 2 ** (bits - 8)
        y = (y - 16 * unit) / (219 * unit)
        cb, cr = ((c - 128 * unit) / (224 * unit) for c in (cb, cr))
    kr, kb = WEIGHTS[matrix]
    r = y + 2 * (1 - kr) * cr
    b = y + 2 * (1 - kb) * cb
    g = (y - kr * r - kb * b) / (1 - kr - kb)
    rgb: NDArray[np.float64] = np.clip(np.stack([r, g, b], axis=2), 0, 1)
    return rgb


FORMATS = [
    ("yuv420p", (2, 2), 8),
    ("yuv422p", (1, 2), 8),
    ("yuv444p", (1, 1), 8),
    ("yuv420p10le", (2, 2), 10),
    ("yuv422p10le", (1, 2), 10),
    ("yuv420p12le", (2, 2), 12),
    ("yuv444p16le", (1, 1), 16),
    ("yuv420p16le", (2, 2), 16),
    ("yuv411p", (1, 4), 8),
]


@pytest.mark.parametrize(("name", "steps", "bits"), FORMATS)
@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("full", [False, True])
def test_within_one_code_of_float64(
    name: str, steps: tuple[int, int], bits: int, matrix: int, full: bool
) -> None:
    planes = random_planes((24, 32), steps, bits, seed=bits + matrix)
    frame = build(name, planes, matrix=matrix, full=full)
    rgb = to_rgb(frame, colour_of(frame, "h264"))
    peak = 255 if bits == 8 else 65535
    assert rgb.dtype == (np.uint8 if bits == 8 else np.uint16)
    error = np.abs(rgb - oracle(planes, bits, matrix, full=full) * peak)
    assert error.max() < 1.0


@settings(max_examples=25)
@given(st.integers(1, 21), st.integers(1, 21), st.integers(0, 99))
def test_any_size_within_one_code(height: int, width: int, seed: int) -> None:
    planes = random_planes((height, width), (2, 2), 8, seed)
    frame = build("yuv420p", planes, matrix=1, full=False)
    grown = [np.pad(p, [(0, s % 2) for s in (height, width)], mode="edge") for p in planes[:1]]
    exact = oracle([*grown, *planes[1:]], 8, 1, full=False)[:height, :width]
    assert np.abs(to_rgb(frame, colour_of(frame, "h264")) - exact * 255).max() < 1.0


def test_mjpeg_chroma_lies_between_samples() -> None:
    planes = random_planes((16, 16), (2, 2), 8, seed=1)
    frame = build("yuvj420p", planes, matrix=5, full=True)
    exact = oracle(planes, 8, 5, full=True, centred=True) * 255
    assert np.abs(to_rgb(frame, colour_of(frame, "mjpeg")) - exact).max() < 1.0


def paired(planes: list[NDArray[Any]], first: int, shift: int) -> list[NDArray[Any]]:
    """Y, and chroma in pairs, in the high bits."""
    chroma = [planes[1 + first], planes[2 - first]]
    return [planes[0] << shift, np.stack(chroma, axis=2).reshape(len(chroma[0]), -1) << shift]


def quads(planes: list[NDArray[Any]], order: str) -> list[NDArray[Any]]:
    """Two pixels in four bytes, in the order that a name such as "yuyv" spells."""
    y, u, v = planes
    luma = iter((y[:, 0::2], y[:, 1::2]))
    parts = [next(luma) if c == "y" else {"u": u, "v": v}[c] for c in order]
    return [np.stack(parts, axis=2).reshape(len(y), -1)]


@pytest.mark.parametrize(
    ("name", "planar", "steps", "repack"),
    [
        ("nv12", "yuv420p", (2, 2), lambda p: paired(p, 0, 0)),
        ("nv21", "yuv420p", (2, 2), lambda p: paired(p, 1, 0)),
        ("nv24", "yuv444p", (1, 1), lambda p: paired(p, 0, 0)),
        ("p010le", "yuv420p10le", (2, 2), lambda p: paired(p, 0, 6)),
        ("yuyv422", "yuv422p", (1, 2), lambda p: quads(p, "yuyv")),
        ("uyvy422", "yuv422p", (1, 2), lambda p: quads(p, "uyvy")),
        ("yvyu422", "yuv422p", (1, 2), lambda p: quads(p, "yvyu")),
    ],
)
def test_order_in_memory_changes_no_sample(
    name: str, planar: str, steps: tuple[int, int], repack: Any
) -> None:
    planes = random_planes((34, 50), steps, 10 if "10" in planar else 8, seed=3)
    frame = build(planar, planes, matrix=1, full=False)
    other = build(name, repack(planes), matrix=1, full=False, size=(50, 34))
    colour = colour_of(frame, "h264")
    assert colour_of(other, "h264") == colour
    np.testing.assert_array_equal(to_rgb(other, colour), to_rgb(frame, colour))


@pytest.mark.parametrize("name", ["rgb24", "bgr24", "rgba", "bgra", "argb", "gbrp"])
def test_rgb_is_taken_as_it_is(name: str) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (17, 23, 3), np.uint8)
    frame = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format=name)
    np.testing.assert_array_equal(to_rgb(frame, colour_of(frame, "rawvideo")), rgb)


def test_deep_rgb_is_taken_as_it_is() -> None:
    rgb = np.random.default_rng(0).integers(0, 65536, (17, 23, 3)).astype(np.uint16)
    frame = av.VideoFrame.from_ndarray(rgb, "rgb48le")
    np.testing.assert_array_equal(to_rgb(frame, colour_of(frame, "png")), rgb)


def test_ten_bit_rgb_spans_all_codes() -> None:
    planes = [np.full((4, 4), code, np.uint16) for code in (0, 512, 1023)]  # G, B, R
    frame = build("gbrp10le", planes, matrix=0, full=True)
    rgb = to_rgb(frame, colour_of(frame, "ffv1"))
    assert rgb[0, 0].tolist() == [65535, 0, round(512 / 1023 * 65535)]


@pytest.mark.parametrize(("full", "black", "white"), [(False, 16, 235), (True, 0, 255)])
def test_grey_is_replicated(full: bool, black: int, white: int) -> None:
    frame = build("gray", [np.array([[black, white]], np.uint8)], matrix=2, full=full)
    rgb = to_rgb(frame, colour_of(frame, "rawvideo"))
    assert rgb.tolist() == [[[0, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize(("height", "name"), [(719, "BT.601"), (720, "BT.709")])
def test_untagged_video_goes_by_its_height(height: int, name: str) -> None:
    frame = av.VideoFrame(16, height, "yuv420p")
    assert str(colour_of(frame, "h264")) == f"{name}, limited range"


def test_tags_win_over_height() -> None:
    frame = av.VideoFrame(16, 1080, "yuv420p")
    frame.colorspace, frame.color_range = 6, 2
    assert str(colour_of(frame, "h264")) == "BT.601, full range"


def test_unknown_matrix_is_refused() -> None:
    frame = av.VideoFrame(16, 16, "yuv420p")
    frame.colorspace = 8
    with pytest.raises(InputError, match="number 8 of H"):
        colour_of(frame, "h264")


@pytest.mark.parametrize("name", ["bayer_rggb8", "ya8", "yuv420p10be", "gray10be", "monow"])
def test_unknown_pixel_format_is_refused(name: str) -> None:
    frame = av.VideoFrame(16, 16, name)
    with pytest.raises(InputError, match=name):
        to_rgb(frame, colour_of(frame, "rawvideo"))


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv444p16le", "yuv420p12le"])
@pytest.mark.parametrize(("matrix", "number"), [("bt601", 5), ("bt709", 1), ("bt2020", 9)])
@pytest.mark.parametrize("said", ["full", "limited"])
def test_flags_win_over_tags(name: str, matrix: Any, number: int, said: Any) -> None:
    steps, bits = {n: (s, b) for n, s, b in FORMATS}[name]
    planes = random_planes((24, 32), steps, bits, seed=5)
    frame = build(name, planes, matrix=8, full=said == "limited")  # tags that are wrong
    rgb = to_rgb(frame, colour_of(frame, "h264", LightIn(matrix=matrix, range=said)))
    peak = 255 if bits == 8 else 65535
    error = np.abs(rgb - oracle(planes, bits, number, full=said == "full") * peak)
    assert error.max() < 1.0


@pytest.mark.parametrize(
    ("name", "steps"), [("yuv420p", (2, 2)), ("yuv422p", (1, 2)), ("yuv410p", (4, 4))]
)
def test_bands_leave_no_seam(
    name: str, steps: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = build(name, random_planes((364, 16), steps, 8, seed=6), matrix=1, full=True)
    colour = colour_of(frame, "h264")
    banded = to_rgb(frame, colour)
    monkeypatch.setattr(yuv, "_BAND", 364)
    np.testing.assert_array_equal(to_rgb(frame, colour), banded)


def test_limited_rgb_by_flag_alone() -> None:
    frame = av.VideoFrame.from_ndarray(np.array([[[16, 235, 125]]], np.uint8), "rgb24")
    frame.color_range = 1
    assert to_rgb(frame, colour_of(frame, "rawvideo")).tolist() == [[[16, 235, 125]]]
    limited = colour_of(frame, "rawvideo", LightIn(range="limited"))
    assert to_rgb(frame, limited).tolist() == [[[0, 255, round(109 / 219 * 255)]]]


def test_matrix_for_rgb_is_refused() -> None:
    frame = av.VideoFrame(16, 16, "rgb24")
    with pytest.raises(InputError, match="matrix bt709 for a video of rgb24"):
        colour_of(frame, "rawvideo", LightIn(matrix="bt709"))
