"""Damage in the middle of a clip: lost pictures are stood in for, and all others are right."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from lrhdr.errors import IncompleteError
from lrhdr_engines.media import Frame
from lrhdr_engines.media.video import VideoSource

if TYPE_CHECKING:
    from tests.engines.media.conftest import Clips

FRAMES = 40
GOP = 10
X264 = {"g": "10", "bf": "2", "x264-params": "scenecut=0"}
X265 = {"x265-params": "keyint=10:bframes=2:scenecut=0:log-level=none"}
INTRA = {
    "a.avi": ("mjpeg", "yuvj420p", {}),
    "b.mov": ("mjpeg", "yuvj420p", {}),
    "c.mov": ("prores_ks", "yuv422p10le", {}),
    "d.avi": ("ffv1", "yuv420p", {"level": "3", "g": "1"}),
}
INTER = {
    "h264.mov": ("libx264", "yuv420p", X264),
    "h264.mkv": ("libx264", "yuv420p", X264),
    "h264.ts": ("libx264", "yuv420p", X264),
    "hevc.mov": ("libx265", "yuv420p10le", X265),
    "hevc.mkv": ("libx265", "yuv420p10le", X265),
}


def read(path: Path) -> list[Frame]:
    with VideoSource(path) as source:
        return list(source.frames())


def break_packet(path: Path, number: int, change: Callable[[bytes], bytes]) -> None:
    """Overwrite the packet of that number, in decoding order; the file keeps its size."""
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
        data = bytes(packets[number])
    content = path.read_bytes()
    assert content.count(data) == 1
    path.write_bytes(content.replace(data, change(data)))


def zeros(data: bytes) -> bytes:
    return data[:6] + bytes(len(data) - 6)


def drop_packet(path: Path, number: int) -> Path:
    """A stream copy without the packet of that number."""
    short = path.with_name(f"short_{path.name}")
    with av.open(str(path)) as container, av.open(str(short), "w") as out:
        copy = out.add_stream_from_template(container.streams.video[0])
        packets = (p for p in container.demux(container.streams.video[0]) if p.size)
        for index, packet in enumerate(packets):
            if index != number:
                packet.stream = copy
                out.mux(packet)
    return short


def check(clips: Clips, frames: list[Frame], damaged: set[int]) -> None:
    """Right count, times and content; the lost ones repeat the one before."""
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [frame.time for frame in frames] == [k / clips.rate for k in range(FRAMES)]
    assert {frame.index for frame in frames if frame.damaged} == damaged
    for frame in frames:
        if frame.damaged:
            np.testing.assert_array_equal(frame.rgb, frames[frame.index - 1].rgb)


@pytest.mark.parametrize("name", INTRA)
@pytest.mark.parametrize("hit", [1, 17, 38])
def test_a_broken_picture_of_an_intra_codec(clips: Clips, name: str, hit: int) -> None:
    codec, pixels, options = INTRA[name]
    path = clips.make(name, codec=codec, pixels=pixels, options=options)
    whole = read(path)
    break_packet(path, hit, lambda data: data[: len(data) // 3].ljust(len(data), b"\0"))
    frames = read(path)
    check(clips, frames, {hit})
    for frame in frames:
        if frame.index != hit:
            np.testing.assert_array_equal(frame.rgb, whole[frame.index].rgb)


@pytest.mark.parametrize("name", INTER)
@pytest.mark.parametrize("hit", [12, 13, 20, 24])
def test_a_lost_packet_between_key_frames(clips: Clips, name: str, hit: int) -> None:
    codec, pixels, options = INTER[name]
    path = clips.make(name, codec=codec, pixels=pixels, options=options)
    whole = read(path)
    if path.suffix == ".mov":
        break_packet(path, hit, zeros)
    else:
        path = drop_packet(path, hit)
    frames = read(path)
    lost = {frame.index for frame in frames if frame.damaged}
    first, end = min(lost), -(-(max(lost) + 1) // GOP) * GOP
    assert hit - 4 <= first <= hit + 4
    check(clips, frames, lost)
    # Up to the next key frame pictures may be smeared without the decoder's noticing.
    for frame in frames[:first] + frames[end:]:
        np.testing.assert_array_equal(frame.rgb, whole[frame.index].rgb)


def test_the_same_frames_wherever_reading_starts(clips: Clips) -> None:
    path = clips.make("a.mov", options=X264)
    break_packet(path, 13, zeros)
    whole = read(path)
    damaged = next(frame.index for frame in whole if frame.damaged)
    with VideoSource(path) as source:
        part = list(source.frames(damaged))
    assert [frame.damaged for frame in part] == [frame.damaged for frame in whole[damaged:]]
    for a, b in zip(part, whole[damaged:], strict=True):
        np.testing.assert_array_equal(a.rgb, b.rgb)


def test_a_lost_first_picture_is_stood_in_for_by_the_second(clips: Clips) -> None:
    path = clips.make("a.mov", codec="prores_ks", pixels="yuv422p10le")
    break_packet(path, 0, lambda data: bytes(len(data)))
    frames = read(path)
    assert [frame.damaged for frame in frames] == [True] + [False] * (FRAMES - 1)
    assert clips.index_of(frames[0].rgb) == clips.index_of(frames[1].rgb) == 1


def test_more_than_a_second_is_not_stood_in_for(clips: Clips) -> None:
    path = clips.make("a.mov", codec="prores_ks", pixels="yuv422p10le", rate=Fraction(5))
    for number in range(10, 16):
        break_packet(path, number, lambda data: bytes(len(data)))
    frames: list[Frame] = []
    with VideoSource(path) as source, pytest.raises(IncompleteError, match="more than a second"):
        frames.extend(source.frames())
    assert [frame.damaged for frame in frames] == [False] * 10


def test_lost_last_pictures_end_the_clip(clips: Clips) -> None:
    path = clips.make("a.mov", codec="prores_ks", pixels="yuv422p10le")
    break_packet(path, FRAMES - 1, lambda data: bytes(len(data)))
    frames: list[Frame] = []
    with VideoSource(path) as source, pytest.raises(IncompleteError, match="decoded 39 of 40"):
        frames.extend(source.frames())
    assert [frame.damaged for frame in frames] == [False] * 39


def test_without_times_a_loss_is_said_at_the_end(clips: Clips) -> None:
    path = clips.make("a.avi", options=X264)
    break_packet(path, 13, zeros)
    frames: list[Frame] = []
    with VideoSource(path) as source, pytest.raises(IncompleteError, match=r"decoded \d+ of 40"):
        frames.extend(source.frames())
    assert [clips.index_of(frame.rgb) for frame in frames[:12]] == list(range(12))
    assert len(frames) < FRAMES
