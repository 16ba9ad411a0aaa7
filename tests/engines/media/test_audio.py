"""Audio: copied as it is, in time with the video, and its absence explained."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr_engines.media import OutputSettings
from lrhdr_engines.media.video_formats import VIDEO_FORMATS
from lrhdr_engines.media.video_sink import VideoSink

if TYPE_CHECKING:
    from tests.engines.media.conftest import Clips

RATE = Fraction(25)


def write(target: Path, source: Path | None, start: int = 0, count: int = 40) -> dict[str, object]:
    """`count` grey frames from frame `start` on, with the audio of `source`."""
    settings = OutputSettings(
        width=64,
        height=48,
        frame_rate=RATE,
        carry_from=source,
        first_index=start,
        start=start / RATE,
    )
    sink = VideoSink(target, VIDEO_FORMATS["hdr10"], settings)
    for index in range(start, start + count):
        sink.write(index, np.full((48, 64, 3), 0.2, np.float32), Fraction(index, 25))
    return sink.close()


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(audio=0) if p.size and p.pts is not None]


def loudness(path: Path, rate: int = 48000) -> NDArray[np.float64]:
    """The peak of each frame's time, of what a player would play."""
    size = int(rate / RATE)
    track = np.zeros(rate * 3)
    end = 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            start = round(float(frame.time or 0.0) * rate)
            samples: Any = frame.to_ndarray().reshape(-1)
            scale = 32768.0 if samples.dtype == np.int16 else 1.0
            left = max(0, -start)
            track[start + left : start + len(samples)] = samples[left:] / scale
            end = max(end, start + len(samples))
    count = end // size
    return np.asarray(np.abs(track[: count * size]).reshape(count, size).max(axis=1))


@pytest.mark.parametrize(
    ("source", "codec", "target"),
    [
        ("in.mp4", "aac", "out.mp4"),
        ("in.mov", "aac", "out.mkv"),
        ("in.mov", "pcm_s16le", "out.mov"),
        ("in.mkv", "flac", "out.mkv"),
    ],
)
def test_audio_is_copied_packet_by_packet(
    clips: Clips, source: str, codec: str, target: str
) -> None:
    path = clips.make(source, audio=codec)
    out = path.with_name(target)
    facts = write(out, path)
    assert facts["audio"] == [codec]
    assert facts["notes"] == []
    expected = packets(path)
    if source.endswith((".mp4", ".mov")) and target.endswith(".mkv") and codec == "aac":
        expected = expected[1:]  # AAC's run-in, which an edit list hid and Matroska cannot
    assert b"".join(packets(out)) == b"".join(expected)


def test_the_tone_stays_in_time(clips: Clips) -> None:
    path = clips.make("in.mov", audio="pcm_s16le")
    out = path.with_name("out.mov")
    write(out, path)
    # The tone of frame k has the amplitude 0.02 (k + 1).
    np.testing.assert_allclose(loudness(out)[:40], 0.02 * (np.arange(40) + 1), atol=0.015)


@pytest.mark.parametrize("start", [1, 10, 25])
def test_a_part_begins_with_its_own_sound(clips: Clips, start: int) -> None:
    path = clips.make("in.mov", audio="pcm_s16le")
    out = path.with_name("out.mov")
    write(out, path, start, 40 - start)
    found = loudness(out)
    expected = 0.02 * (np.arange(start, 40) + 1)
    # Packets are kept whole, so a part may begin a packet late.
    np.testing.assert_allclose(found[1 : 40 - start], expected[1:], atol=0.025)


def test_audio_ends_with_the_video(clips: Clips) -> None:
    path = clips.make("in.mov", audio="pcm_s16le")
    out = path.with_name("out.mov")
    write(out, path, 0, 10)
    whole = len(b"".join(packets(path)))
    assert len(b"".join(packets(out))) == pytest.approx(whole / 4, abs=2 * 2048 + 1)


def test_what_the_container_cannot_hold_is_said(clips: Clips) -> None:
    path = clips.make("in.mov", audio="pcm_s16le")
    facts = write(path.with_name("out.mp4"), path, 0, 4)
    with av.open(str(path.with_name("out.mp4"))) as container:
        copied = len(container.streams.audio)
    # Newer FFmpeg writes PCM into MP4 (ISO/IEC 23003-5); either way, the facts say so.
    assert facts["audio"] == ["pcm_s16le"] * copied
    notes = facts["notes"]
    assert isinstance(notes, list)
    assert len(notes) == 1 - copied
    assert all("audio left out: mp4 cannot hold pcm_s16le" in note for note in notes)


@pytest.mark.parametrize("kind", ["none", "silent", "folder", "missing", "text"])
def test_no_audio_is_no_failure(clips: Clips, kind: str) -> None:
    sources: dict[str, Path | None] = {
        "none": None,
        "folder": clips.folder,
        "missing": clips.folder / "no.mov",
        "text": clips.folder / "notes.txt",
    }
    (clips.folder / "notes.txt").write_text("no clip")
    source = clips.make("in.mov", frames=4) if kind == "silent" else sources[kind]
    facts = write(clips.folder / "out.mp4", source, 0, 4)
    assert (facts["audio"], facts["frames"], facts["notes"]) == ([], 4, [])


def test_a_damaged_input_ends_the_audio_not_the_video(clips: Clips) -> None:
    path = clips.make("in.mkv", audio="aac")
    cut = clips.cut(path, 0.5)
    out = path.with_name("out.mkv")
    facts = write(out, cut)
    assert (facts["frames"], facts["audio"]) == (40, ["aac"])
    assert 0 < len(packets(out)) < len(packets(path))
