"""EXR files: light, metadata, compression, ACES."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO as oiio
import pytest
from numpy.typing import NDArray

from lrhdr.errors import InputError
from lrhdr.light import BT709_PRIMARIES, D65, MAX_HALF
from lrhdr_engines.media import OutputSettings, Sink, open_sink, parse_output
from lrhdr_engines.media.exr import BT709_TO_AP0, timecode

W, H = 20, 14


def settings(**changes: Any) -> OutputSettings:
    given: dict[str, Any] = {"width": W, "height": H, "frame_rate": Fraction(24000, 1001)}
    return OutputSettings(**given | changes)


def frame(seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).lognormal(0.0, 2.0, (H, W, 3)).astype(np.float32)


def read(path: Path) -> tuple[NDArray[Any], oiio.ImageSpec]:
    image = oiio.ImageInput.open(str(path))
    assert image is not None
    pixels, spec = image.read_image("float"), image.spec()
    image.close()
    return np.asarray(pixels), spec


def write(sink: Sink, light: NDArray[np.float32], index: int = 0) -> dict[str, object]:
    sink.write(index, light, index / Fraction(24000, 1001))
    return sink.close()


def open_as(kind: str, folder: Path, **changes: Any) -> Sink:
    return open_sink(parse_output(f"{kind}:{folder}"), settings(**changes))


def test_light_is_kept_to_half_precision(tmp_path: Path) -> None:
    facts = write(open_as("exr", tmp_path / "shot", white_nits=100.0), frame())
    pixels, spec = read(tmp_path / "shot" / "frame_000000.exr")
    np.testing.assert_allclose(pixels, frame(), rtol=2**-11, atol=1e-7)
    assert str(spec.format) == "half"
    assert spec.getattribute("compression") == "zip"
    assert spec.getattribute("chromaticities") == pytest.approx(
        [number for point in (*BT709_PRIMARIES, D65) for number in point]
    )
    assert spec.getattribute("whiteLuminance") == pytest.approx(100.0)
    assert tuple(spec.getattribute("FramesPerSecond")) == (24000, 1001)
    assert facts == {
        "kind": "exr",
        "path": str(tmp_path / "shot" / "frame_%06d.exr"),
        "frames": 1,
        "first": str(tmp_path / "shot" / "frame_000000.exr"),
        "white_nits": 100.0,
        "repaired_values": 0,
        "notes": [],
    }


def test_values_that_half_cannot_hold(tmp_path: Path) -> None:
    light = frame()
    light[0, 0] = np.nan, np.inf, 1e9
    light[1, 0] = -1e9, -0.5, -np.inf
    assert write(open_as("exr", tmp_path / "shot"), light)["repaired_values"] == 3
    pixels, _ = read(tmp_path / "shot" / "frame_000000.exr")
    np.testing.assert_array_equal(pixels[0, 0], [0.0, MAX_HALF, MAX_HALF])
    np.testing.assert_array_equal(pixels[1, 0], [-MAX_HALF, -0.5, 0.0])


@pytest.mark.parametrize(
    ("compression", "written"),
    [
        *((name, name) for name in ("none", "rle", "zips", "zip", "piz", "pxr24")),
        *(("htj2k", "htj2k256"), ("htj2k32", "htj2k32"), ("htj2k256", "htj2k256")),
        *(("dwaa", "dwaa"), ("dwab:20", "dwab"), ("DWAA:4.5", "dwaa")),
    ],
)
def test_compressions(tmp_path: Path, compression: str, written: str) -> None:
    write(open_as("exr", tmp_path / "shot", compression=compression), frame())
    pixels, spec = read(tmp_path / "shot" / "frame_000000.exr")
    assert spec.getattribute("compression").split(":")[0] == written
    lossy = written.startswith("dwa")
    np.testing.assert_allclose(pixels, frame(), rtol=1.0 if lossy else 2**-11, atol=1e-2)


def test_more_dwa_is_less(tmp_path: Path) -> None:
    light = np.random.default_rng(0).random((64, 64, 3), np.float32)
    for level in ("5", "500"):
        size = {"width": 64, "height": 64}
        write(open_as("exr", tmp_path / level, compression=f"dwaa:{level}", **size), light)
    sizes = [(tmp_path / level / "frame_000000.exr").stat().st_size for level in ("5", "500")]
    assert sizes[0] > sizes[1]


@pytest.mark.parametrize("compression", ["", "bogus", "zip:9", "dwaa:", "dwaa:-1", "b44"])
def test_a_compression_that_is_none(tmp_path: Path, compression: str) -> None:
    with pytest.raises(InputError, match=r"EXR compression.*none, rle, zips, zip.*dwaa\[:LEVEL\]"):
        open_as("exr", tmp_path / "shot", compression=compression)
    assert not (tmp_path / "shot").exists()


def test_the_same_frame_gives_the_same_bytes(tmp_path: Path, monkeypatch: Any) -> None:
    for folder in ("a", "b"):
        write(open_as("exr", tmp_path / folder, timecode="01:00:00:00"), frame())
    one, other = ((tmp_path / folder / "frame_000000.exr").read_bytes() for folder in "ab")
    assert one == other
    assert b"capDate" not in one  # a date of the writing would tell them apart a second later


def test_the_time_code_of_every_frame(tmp_path: Path) -> None:
    code = settings(timecode="01:00:59:22")
    sink = open_sink(parse_output(f"exr:{tmp_path / 'shot'}"), code)
    for index in (0, 1, 2):
        sink.write(index, frame(), index / code.frame_rate)
    assert sink.close()["notes"] == []
    found = []
    for index in (0, 1, 2):
        _, spec = read(tmp_path / "shot" / f"frame_{index:06d}.exr")
        found.append(spec.get_string_attribute("smpte:TimeCode"))
    assert found == ["01:00:59:22", "01:00:59:23", "01:01:00:00"]


@pytest.mark.parametrize(
    ("first", "frames", "rate", "expected"),
    [
        ("01:00:59:22", 3, Fraction(24), 0x01010001),
        ("23:59:59:24", 1, Fraction(25), 0x00000000),
        ("10:00:59;28", 2, Fraction(30000, 1001), 0x10010042),  # 2: 0 and 1 are left out
        ("10:09:59;29", 1, Fraction(30000, 1001), 0x10100040),  # not in the tenth minute
        ("00:00:00:49", 0, Fraction(50), 0x00008024),  # the second frame of pair 24
        ("00:00:00:48", 0, Fraction(50), 0x00000024),
        ("00:00:00:00", 0, Fraction(120), None),
        ("00:00:00:25", 0, Fraction(25), None),
        ("garbage", 0, Fraction(25), None),
    ],
)
def test_time_codes_are_packed(
    first: str, frames: int, rate: Fraction, expected: int | None
) -> None:
    assert timecode(first, frames, rate) == expected


def test_a_time_code_that_does_not_fit_is_noted(tmp_path: Path) -> None:
    facts = write(open_as("exr", tmp_path / "shot", timecode="00:00:00:24"), frame())
    assert facts["notes"] == ["EXR cannot hold time code 00:00:00:24 at 24000/1001 frames/s"]


def test_aces_is_what_colour_science_says(tmp_path: Path) -> None:
    colour = pytest.importorskip("colour")
    matrix = colour.matrix_RGB_to_RGB(
        colour.RGB_COLOURSPACES["ITU-R BT.709"], colour.RGB_COLOURSPACES["ACES2065-1"], "CAT02"
    )
    np.testing.assert_allclose(BT709_TO_AP0, matrix, atol=1e-4)
    # White stays white.
    np.testing.assert_allclose(BT709_TO_AP0.sum(axis=1), 1.0, atol=1e-12)
    facts = write(open_as("aces", tmp_path / "shot", compression="none"), frame())
    assert (facts["kind"], facts["notes"]) == ("aces", [])
    pixels, spec = read(tmp_path / "shot" / "frame_000000.exr")
    # Half-float's rounding, and that of a float32 product of values up to 1,000.
    np.testing.assert_allclose(pixels, frame() @ matrix.T, rtol=2**-11, atol=1e-3)
    assert spec.getattribute("acesImageContainerFlag") == 1
    assert spec.getattribute("colorInteropID") == "lin_ap0_scene"
    assert spec.getattribute("chromaticities") == pytest.approx(
        [0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767]
    )


def test_compressed_aces_is_no_container(tmp_path: Path) -> None:
    facts = write(open_as("aces", tmp_path / "shot"), frame())
    assert "ST 2065-4" in str(facts["notes"])
    _, spec = read(tmp_path / "shot" / "frame_000000.exr")
    assert spec.getattribute("acesImageContainerFlag") is None


def test_ffmpeg_reads_the_same(tmp_path: Path) -> None:
    write(open_as("exr", tmp_path / "shot"), frame())
    with av.open(str(tmp_path / "shot" / "frame_000000.exr")) as container:
        picture = next(container.decode(video=0))
    assert picture.format.name == "gbrpf16le"
    planes = [
        np.frombuffer(bytes(plane), np.float16).reshape(H, -1)[:, :W] for plane in picture.planes
    ]
    own = read(tmp_path / "shot" / "frame_000000.exr")[0]
    np.testing.assert_array_equal(np.stack(planes, axis=2), own[..., [1, 2, 0]])
