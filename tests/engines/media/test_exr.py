"""EXR sequences: names, metadata, and complete frames whatever happens."""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from numpy.typing import NDArray

from lrhdr.errors import InputError, OutputError
from lrhdr.light import BT709_PRIMARIES, D65, MAX_HALF
from lrhdr_engines.media import OutputSettings, open_sink, parse_output
from lrhdr_engines.media import exr as module
from lrhdr_engines.media.exr import ExrSink

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


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_light_is_kept_to_half_precision(tmp_path: Path) -> None:
    sink = ExrSink(tmp_path / "shot", settings(white_nits=100.0))
    sink.write(0, frame(), Fraction(0, 25))
    facts = sink.close()
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


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("shot", "frame_000007.exr"),
        ("s_%06d.exr", "s_000007.exr"),
        ("s_%d.exr", "s_000007.exr"),
        ("s_%08d.exr", "s_00000007.exr"),
        ("s.########.x.exr", "s.00000007.x.exr"),
        ("##.exr", "000007.exr"),
        ("S_%06d.EXR", "S_000007.EXR"),
    ],
)
def test_names(tmp_path: Path, target: str, name: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    sink = open_sink(parse_output(str(folder / target)), settings())
    sink.write(7, frame(), Fraction(7, 25))
    sink.close()
    found = [path.name for path in folder.rglob("*") if path.is_file()]
    assert found == [name]


@pytest.mark.parametrize("target", ["single.exr", "%06d_%06d.exr", "##_%d.exr"])
def test_a_pattern_has_one_number(tmp_path: Path, target: str) -> None:
    with pytest.raises(InputError, match="places for the frame number; expected one"):
        ExrSink(tmp_path / target, settings())
    assert names(tmp_path) == []


def test_values_that_half_cannot_hold(tmp_path: Path) -> None:
    light = frame()
    light[0, 0] = np.nan, np.inf, 1e9
    light[1, 0] = -1e9, -0.5, -np.inf
    sink = ExrSink(tmp_path / "shot", settings())
    sink.write(0, light, Fraction(0, 25))
    assert sink.close()["repaired_values"] == 3
    pixels, _ = read(tmp_path / "shot" / "frame_000000.exr")
    np.testing.assert_array_equal(pixels[0, 0], [0.0, MAX_HALF, MAX_HALF])
    np.testing.assert_array_equal(pixels[1, 0], [-MAX_HALF, -0.5, 0.0])


def test_frames_of_another_run_are_not_replaced(tmp_path: Path) -> None:
    first = ExrSink(tmp_path / "shot", settings())
    first.write(0, frame(), Fraction(0, 25))
    first.close()
    with pytest.raises(OutputError, match=r"frame_000000\.exr exists.*--overwrite"):
        ExrSink(tmp_path / "shot", settings())
    again = ExrSink(tmp_path / "shot", settings(overwrite=True))
    again.write(0, frame(1), Fraction(0, 25))
    again.close()
    pixels, _ = read(tmp_path / "shot" / "frame_000000.exr")
    np.testing.assert_allclose(pixels, frame(1), rtol=1e-3)


def test_a_sequence_goes_on_in_its_folder(tmp_path: Path) -> None:
    rate = Fraction(25)
    folder = tmp_path / "shot"
    first = ExrSink(folder, settings(frame_rate=rate))
    for index in range(3):
        first.write(index, frame(index), Fraction(index, 25))
    first.close()
    rest = ExrSink(folder, settings(frame_rate=rate, first_index=3, start=Fraction(3, 25)))
    rest.write(3, frame(3), Fraction(3, 25))
    rest.close()
    assert names(folder) == [f"frame_{index:06d}.exr" for index in range(4)]
    with pytest.raises(OutputError, match="exists"):
        ExrSink(folder, settings(frame_rate=rate, first_index=2, start=Fraction(2, 25)))


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "frame_x.exr", "other_000000.exr"):
        (tmp_path / name).write_text("mine")
    sink = ExrSink(tmp_path, settings())
    sink.write(0, frame(), Fraction(0, 25))
    sink.close()
    assert (tmp_path / "other_000000.exr").read_text() == "mine"
    assert len(names(tmp_path)) == 4


@pytest.mark.parametrize("end", ["close", "abort"])
def test_a_folder_made_for_nothing_goes(tmp_path: Path, end: str) -> None:
    sink = ExrSink(tmp_path / "shot", settings())
    assert (tmp_path / "shot").is_dir()
    facts = getattr(sink, end)()
    assert names(tmp_path) == []
    if end == "close":
        assert (facts["path"], facts["first"], facts["frames"]) == (None, None, 0)
        assert facts["notes"] == ["no frame was written"]


def test_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    ExrSink(tmp_path, settings()).abort()
    assert tmp_path.is_dir()


def test_complete_frames_outlive_an_abort(tmp_path: Path) -> None:
    sink = ExrSink(tmp_path / "shot", settings())
    sink.write(0, frame(), Fraction(0, 25))
    sink.abort()
    sink.abort()
    assert names(tmp_path / "shot") == ["frame_000000.exr"]


def test_a_full_disk_leaves_no_half_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = ExrSink(tmp_path / "shot", settings())
    sink.write(0, frame(), Fraction(0, 25))

    def full(path: Path, *_: object) -> None:
        path.write_bytes(b"half a frame")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "_write_exr", full)
    with pytest.raises(OutputError, match=r"frame_000001\.exr cannot be written: the disk is full"):
        sink.write(1, frame(), Fraction(1, 25))
    sink.abort()
    assert names(tmp_path / "shot") == ["frame_000000.exr"]


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"is not a folder.*mkdir -p"):
        ExrSink(tmp_path / "no" / "shot", settings())


def test_a_file_in_the_folders_place(tmp_path: Path) -> None:
    (tmp_path / "shot").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written"):
        ExrSink(tmp_path / "shot", settings())
    assert (tmp_path / "shot").read_text() == "mine"


def test_a_frame_of_another_size_is_a_mistake(tmp_path: Path) -> None:
    sink = ExrSink(tmp_path / "shot", settings())
    with pytest.raises(ValueError, match=r"\(14, 20, 3\)"):
        sink.write(0, np.zeros((W, H, 3), np.float32), Fraction(0, 25))
    sink.abort()
