"""Reading video: every frame, once, in order; and honest about what is missing."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from lrhdr.errors import IncompleteError, InputError
from lrhdr_engines.media import Frame, open_source

if TYPE_CHECKING:
    from tests.engines.media.conftest import Clips

FRAMES = 40
FASTSTART = {"movflags": "+faststart"}
LONG_REFERENCES = {"g": "100", "bf": "3", "x264-params": "scenecut=0:b-adapt=0"}


def read(path: Path, start: int = 0) -> list[Frame]:
    with open_source(path) as source:
        return list(source.frames(start))


def read_until_error(path: Path) -> tuple[list[Frame], str]:
    frames: list[Frame] = []
    with open_source(path) as source, pytest.raises(IncompleteError) as caught:
        frames.extend(source.frames())
    return frames, str(caught.value)


@pytest.mark.parametrize("name", ["a.mov", "a.mp4", "a.mkv", "a.avi", "a.ts"])
def test_every_frame_once_in_order(clips: Clips, name: str) -> None:
    frames = read(clips.make(name, options=LONG_REFERENCES))
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [clips.index_of(frame.rgb) for frame in frames] == list(range(FRAMES))


def test_facts(clips: Clips) -> None:
    path = clips.make("a.mov", rate=Fraction(60000, 1001), audio="aac")
    with open_source(path) as source:
        info = source.info
    assert (info.width, info.height, info.frames) == (96, 64, FRAMES)
    assert info.frame_rate == Fraction(60000, 1001)
    assert (info.kind, info.bit_depth, info.has_audio, info.codec) == ("video", 8, True, "h264")
    assert info.colour == "BT.601, limited range"


def test_matroska_promises_its_duration(clips: Clips) -> None:
    with open_source(clips.make("a.mkv", audio="aac")) as source:
        assert source.info.frames == FRAMES


@pytest.mark.parametrize("start", [0, 1, 7, FRAMES - 1, FRAMES, FRAMES + 5])
def test_start_changes_nothing_but_the_start(clips: Clips, start: int) -> None:
    path = clips.make("a.mov", options=LONG_REFERENCES)
    whole, part = read(path), read(path, start)
    assert [frame.index for frame in part] == list(range(start, FRAMES))
    for a, b in zip(part, whole[start:], strict=True):
        np.testing.assert_array_equal(a.rgb, b.rgb)


def test_reads_again_and_ends_when_closed(clips: Clips) -> None:
    with open_source(clips.make("a.mov")) as source:
        first = next(iter(source.frames()))
        frames = source.frames()
        np.testing.assert_array_equal(next(frames).rgb, first.rgb)
        source.close()
        assert list(frames) == []


def test_ten_bits_become_sixteen(clips: Clips) -> None:
    path = clips.make("a.mov", codec="prores_ks", pixels="yuv422p10le", frames=3)
    with open_source(path) as source:
        assert source.info.bit_depth == 10
        frame = next(iter(source.frames()))
    assert frame.rgb.dtype == np.uint16
    # Luma 40 of 8 bits, scaled to 16: (40 - 16) / 219.
    assert frame.rgb.mean() / 65535 == pytest.approx(24 / 219, abs=0.02)


def test_odd_sizes(clips: Clips) -> None:
    frames = read(clips.make("a.mkv", codec="ffv1", size=(33, 17), frames=4))
    assert frames[0].rgb.shape == (17, 33, 3)


def test_a_single_frame(clips: Clips) -> None:
    assert len(read(clips.make("a.mov", frames=1))) == 1


def test_frames_hidden_by_an_edit_list_are_not_missed(clips: Clips) -> None:
    path = clips.make("a.mov", options=LONG_REFERENCES)
    trimmed = path.with_name("trimmed.mov")
    # A stream copy from the middle of a GOP: the container hides what precedes the cut.
    with av.open(str(path)) as source, av.open(str(trimmed), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        shift = round(Fraction(10, 25) / (stream.time_base or 1))
        for packet in source.demux(stream):
            if packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = copy
                out.mux(packet)
    frames = read(trimmed)
    with open_source(trimmed) as source:
        assert source.info.frames == len(frames)
    assert [clips.index_of(frame.rgb) for frame in frames] == list(range(10, FRAMES))


@pytest.mark.parametrize(
    ("name", "container"),
    [("a.mov", FASTSTART), ("a.mp4", FASTSTART), ("a.mkv", {}), ("a.avi", {})],
)
@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("bframes", ["0", "3"])
def test_cut_off_yields_what_is_whole_then_says_so(
    clips: Clips, name: str, container: dict[str, str], fraction: float, bframes: str
) -> None:
    whole = clips.make(name, container=container, options=LONG_REFERENCES | {"bf": bframes})
    frames, message = read_until_error(clips.cut(whole, fraction))
    assert 0 < len(frames) < FRAMES
    assert f"decoded {len(frames)} of {FRAMES} frames" in message
    for frame, expected in zip(frames, read(whole), strict=False):
        assert frame.index == expected.index
        np.testing.assert_array_equal(frame.rgb, expected.rgb)


def test_cut_off_broadcast(clips: Clips) -> None:
    frames, message = read_until_error(clips.cut(clips.make("a.ts"), 0.6))
    assert 10 < len(frames) < FRAMES
    assert [clips.index_of(frame.rgb) for frame in frames] == list(range(len(frames)))
    assert f"decoded {len(frames)} frames" in message


def test_rotation_is_told_and_not_done(clips: Clips) -> None:
    path = clips.make("a.mov", frames=2)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, 8.3.2: after 40 bytes of version 0
    quarter = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[matrix : matrix + 36] = struct.pack(">9i", *quarter)
    path.write_bytes(data)
    with open_source(path) as source:
        assert source.info.rotation == 90  # players turn the picture clockwise
        assert (source.info.width, source.info.height) == (96, 64)
        assert next(iter(source.frames())).rgb.shape == (64, 96, 3)


@pytest.mark.parametrize("stated", ["01:02:03:04", "10:00:00;02"])
def test_timecode(clips: Clips, stated: str) -> None:
    path = clips.make("a.mov", frames=2, rate=Fraction(30000, 1001))
    coded = path.with_name("coded.mov")
    with av.open(str(path)) as source, av.open(str(coded), "w") as out:
        out.metadata["timecode"] = stated
        copy = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = copy
                out.mux(packet)
    with open_source(path) as plain, open_source(coded) as told:
        assert plain.info.timecode is None
        assert told.info.timecode == stated


@pytest.mark.parametrize("flag", ["", ":tff=1"])
def test_interlaced_video_is_refused(clips: Clips, flag: str) -> None:
    path = clips.make("a.mov", frames=4, options={"x264-params": f"keyint=2{flag}"})
    if not flag:
        assert len(read(path)) == 4
        return
    with pytest.raises(InputError, match=r"is interlaced.*ffmpeg -i a\.mov -vf bwdif"):
        open_source(path)


def test_without_an_index_nothing_can_be_decoded(clips: Clips) -> None:
    with pytest.raises(InputError, match="without an index nothing can be decoded"):
        open_source(clips.cut(clips.make("a.mov"), 0.6))


def test_cut_before_the_first_frame(clips: Clips) -> None:
    path = clips.make("a.mov", container=FASTSTART)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + 10])
    with pytest.raises(InputError, match="no frame that can be decoded"):
        open_source(path)


def test_zero_frames(tmp_path: Path) -> None:
    path = tmp_path / "sound.mov"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), "s16", "mono")
        silence.sample_rate = 48000
        out.mux(sound.encode(silence))
    with pytest.raises(InputError, match="no video stream"):
        open_source(path)


@pytest.mark.parametrize("content", [b"", b"not a video\n" * 100, bytes(range(256)) * 40])
@pytest.mark.parametrize("name", ["a.mov", "a.txt", "a:b.mkv"])
def test_not_a_video(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"cannot be opened as a video|has no video"):
        open_source(path)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_source(tmp_path / "missing.mov")


def test_a_frame_rate_is_for_folders(clips: Clips) -> None:
    with pytest.raises(InputError, match="a video has its own"):
        open_source(clips.make("a.mov"), Fraction(25))
