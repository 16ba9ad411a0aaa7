"""Image sequences: names, and complete frames whatever happens."""

from __future__ import annotations

import errno
import os
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lrhdr.errors import InputError, OutputError
from lrhdr_engines.media import OutputSettings, open_sink, parse_output
from lrhdr_engines.media.exr import ExrFormat
from lrhdr_engines.media.image_format import Pixels
from lrhdr_engines.media.image_sink import ImageSink
from tests.engines.media.exr_frames import (
    RATE,
    H,
    W,
    contents,
    frame,
    names,
    open_exr,
    read,
    settings,
    write,
)


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
        open_exr(tmp_path / target, settings())
    assert names(tmp_path) == []


def test_frames_of_another_run_are_not_replaced(tmp_path: Path) -> None:
    first = open_exr(tmp_path / "shot", settings())
    first.write(0, frame(), Fraction(0, 25))
    first.close()
    with pytest.raises(OutputError, match=r"frame_000000\.exr exists.*--overwrite"):
        open_exr(tmp_path / "shot", settings())
    again = open_exr(tmp_path / "shot", settings(overwrite=True))
    again.write(0, frame(1), Fraction(0, 25))
    again.close()
    pixels = read(tmp_path / "shot" / "frame_000000.exr")
    np.testing.assert_allclose(pixels, frame(1), rtol=1e-3)


def test_a_sequence_goes_on_in_its_folder(tmp_path: Path) -> None:
    rate = Fraction(25)
    folder = tmp_path / "shot"
    first = open_exr(folder, settings(frame_rate=rate))
    for index in range(3):
        first.write(index, frame(index), Fraction(index, 25))
    first.close()
    rest = open_exr(folder, settings(frame_rate=rate, first_index=3, start=Fraction(3, 25)))
    rest.write(3, frame(3), Fraction(3, 25))
    rest.close()
    assert names(folder) == [f"frame_{index:06d}.exr" for index in range(4)]
    with pytest.raises(OutputError, match="exists"):
        open_exr(folder, settings(frame_rate=rate, first_index=2, start=Fraction(2, 25)))


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "frame_x.exr", "other_000000.exr"):
        (tmp_path / name).write_text("mine")
    sink = open_exr(tmp_path, settings())
    sink.write(0, frame(), Fraction(0, 25))
    sink.close()
    assert (tmp_path / "other_000000.exr").read_text() == "mine"
    assert len(names(tmp_path)) == 4


@pytest.mark.parametrize("end", ["close", "abort"])
def test_a_folder_made_for_nothing_goes(tmp_path: Path, end: str) -> None:
    sink = open_exr(tmp_path / "shot", settings())
    assert (tmp_path / "shot").is_dir()
    facts = getattr(sink, end)()
    assert names(tmp_path) == []
    if end == "close":
        assert (facts["path"], facts["first"], facts["frames"]) == (None, None, 0)
        assert facts["notes"] == ["no frame was written"]


def test_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    open_exr(tmp_path, settings()).abort()
    assert tmp_path.is_dir()


def test_complete_frames_outlive_an_abort(tmp_path: Path) -> None:
    sink = open_exr(tmp_path / "shot", settings())
    sink.write(0, frame(), Fraction(0, 25))
    sink.abort()
    sink.abort()
    assert names(tmp_path / "shot") == ["frame_000000.exr"]


class Failing(ExrFormat):
    """Frame 1 meets a full disk in the middle."""

    def write(self, path: Path, pixels: Pixels, time: Fraction) -> None:
        if round(time * RATE) == 1:
            path.write_bytes(b"half a frame")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(path, pixels, time)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("last", [1, 2, 9])
def test_a_full_disk_loses_no_other_frame(tmp_path: Path, threads: int, last: int) -> None:
    sink = ImageSink(tmp_path / "shot", Failing(settings()), settings(), threads=threads)
    given: list[int] = []

    def run() -> None:
        for index in range(last + 1):
            write(sink, index)
            given.append(index)
        sink.close()

    with pytest.raises(OutputError, match=r"frame_000001\.exr cannot be written: the disk is full"):
        run()
    sink.abort()
    sink.abort()
    expected = [f"frame_{index:06d}.exr" for index in given if index != 1]
    assert names(tmp_path / "shot") == expected


class Gated(ExrFormat):
    """Writes nothing before the gate opens."""

    def __init__(self, given: OutputSettings) -> None:
        super().__init__(given)
        self.gate = threading.Event()

    def write(self, path: Path, pixels: Pixels, time: Fraction) -> None:
        assert self.gate.wait(20)
        super().write(path, pixels, time)


def test_a_slow_disk_holds_the_caller_up(tmp_path: Path) -> None:
    image = Gated(settings())
    sink = ImageSink(tmp_path / "shot", image, settings(), threads=2)
    given: list[int] = []

    def feed() -> None:
        for index in range(20):
            write(sink, index)
            given.append(index)

    feeder = threading.Thread(target=feed)
    feeder.start()
    time.sleep(0.2)
    assert len(given) == 4  # two at work and two waiting
    image.gate.set()
    feeder.join(20)
    assert sink.close()["frames"] == 20
    assert len(names(tmp_path / "shot")) == 20


def test_the_caller_may_use_its_memory_again(tmp_path: Path) -> None:
    image = Gated(settings())
    sink = ImageSink(tmp_path / "shot", image, settings(), threads=1)
    memory = frame(0)
    sink.write(0, memory, Fraction(0))
    memory[:] = 0.0
    image.gate.set()
    sink.close()
    np.testing.assert_allclose(read(tmp_path / "shot" / "frame_000000.exr"), frame(0), rtol=1e-3)


def test_order_of_completion_is_free(tmp_path: Path) -> None:
    write(open_exr(tmp_path / "one", settings(), 1), *range(12)).close()
    write(open_exr(tmp_path / "many", settings(), 4), *range(12)).close()
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"is not a folder.*mkdir -p"):
        open_exr(tmp_path / "no" / "shot", settings())


def test_a_file_in_the_folders_place(tmp_path: Path) -> None:
    (tmp_path / "shot").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written"):
        open_exr(tmp_path / "shot", settings())
    assert (tmp_path / "shot").read_text() == "mine"


def test_a_frame_of_another_size_is_a_mistake(tmp_path: Path) -> None:
    sink = open_exr(tmp_path / "shot", settings())
    with pytest.raises(ValueError, match=r"\(14, 20, 3\)"):
        sink.write(0, np.zeros((W, H, 3), np.float32), Fraction(0, 25))
    sink.abort()
