"""Nothing lost: damaged segments, a full disk, an encoder that dies."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from lrhdr.errors import OutputError
from lrhdr_engines.media.segment import SegmentWriter
from tests.engines.media.resuming import (
    FRAMES,
    RATE,
    H,
    W,
    interrupted,
    names,
    once,
    open_sink,
    parts,
    write,
)


@pytest.mark.parametrize("damage", ["flip", "cut", "sidecar", "fields", "missing"])
@pytest.mark.parametrize("number", [0, 1, 3])
def test_damaged_segments_are_made_again(tmp_path: Path, damage: str, number: int) -> None:
    whole = once(tmp_path / "whole.mkv")
    target = tmp_path / "a.mkv"
    folder = interrupted(target)
    packets = folder / f"{number * 10:08d}.packets"
    sidecar = packets.with_suffix(".json")
    content = bytearray(packets.read_bytes())
    if damage == "flip":
        content[random.Random(number).randrange(len(content))] ^= 1
        packets.write_bytes(content)
    elif damage == "cut":
        packets.write_bytes(content[:-1])
    elif damage == "sidecar":
        sidecar.write_text(sidecar.read_text()[:50])
    elif damage == "fields":
        values = json.loads(sidecar.read_text())
        del values["times"]
        sidecar.write_text(json.dumps(values))
    else:
        packets.unlink()
    sink = open_sink(target, resume=True)
    assert sink.next_index == number * 10
    write(sink)
    sink.close()
    assert target.read_bytes() == whole


def test_damage_during_the_run_is_not_joined(tmp_path: Path) -> None:
    target = tmp_path / "a.mkv"
    sink = open_sink(target)
    write(sink)
    packets = parts(target) / "00000010.packets"
    content = bytearray(packets.read_bytes())
    content[7] ^= 1
    packets.write_bytes(content)
    with pytest.raises(OutputError, match=r"00000010\.packets has changed .* --resume"):
        sink.close()
    assert names(tmp_path) == [".a.mkv.parts"]
    sink = open_sink(target, resume=True)
    assert sink.next_index == 10
    write(sink)
    assert sink.close()["frames"] == FRAMES


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """A disk that is full for whoever writes more than `size` bytes into one file."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_keeps_complete_segments(tmp_path: Path) -> None:
    target = tmp_path / "a.mkv"
    sink = open_sink(target)
    grey = np.full((H, W, 3), 0.5, np.float32)
    for index in range(20):
        sink.write(index, grey, index / RATE)
    full = r"a\.mkv cannot be written: the disk is full"
    with files_up_to(60_000), pytest.raises(OutputError, match=full):
        write(sink)
    sink.abort()
    assert names(parts(target)) == sorted(
        [
            *("00000000.json", "00000000.packets", "00000010.json", "00000010.packets"),
            *("job.json", "lock"),
        ]
    )
    sink = open_sink(target, resume=True)
    assert sink.next_index == 20
    write(sink)
    assert sink.close()["frames"] == FRAMES


def test_a_full_disk_before_the_first_segment_leaves_nothing(tmp_path: Path) -> None:
    sink = open_sink(tmp_path / "a.mkv")
    with files_up_to(5_000), pytest.raises(OutputError, match="the disk is full"):
        write(sink)
    sink.abort()
    assert names(tmp_path) == []


def test_a_disk_too_full_for_the_whole_is_tried_again(tmp_path: Path) -> None:
    whole = once(tmp_path / "whole.mkv")
    target = tmp_path / "a.mkv"
    sink = open_sink(target)
    write(sink)
    with files_up_to(len(whole) // 2), pytest.raises(OutputError, match="the disk is full"):
        sink.close()
    sink.abort()
    assert names(tmp_path) == [".a.mkv.parts", "whole.mkv"]
    sink = open_sink(target, resume=True)
    assert sink.next_index == FRAMES
    assert sink.close()["frames"] == FRAMES
    assert target.read_bytes() == whole


def test_an_encoder_that_dies_costs_its_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.mkv"
    sink = open_sink(target)
    write(sink, 17)

    def dies(*_: object) -> None:
        raise av.error.ExternalError(1, "encoder lost")

    monkeypatch.setattr(SegmentWriter, "add", dies)
    with pytest.raises(OutputError, match=r"a\.mkv cannot be written \(encoder lost\)"):
        write(sink)
    monkeypatch.undo()
    sink.abort()
    assert open_sink(target, resume=True).next_index == 10
