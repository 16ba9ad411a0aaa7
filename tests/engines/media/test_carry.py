"""What goes along from the input: tags, chapters, time code, rotation and times."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_engines.media import OutputSettings, open_sink, parse_output
from lrhdr_engines.media.carry import advance, carried

if TYPE_CHECKING:
    from tests.engines.media.conftest import Clips

RATE = Fraction(25)
TAGS = {
    "title": "Sea",
    "creation_time": "2020-01-02T03:04:05.000000Z",
    "location": "+48.1000+011.5000/",
    "make": "Canon",
    "model": "EOS 5D",
}


def tagged(clips: Clips, name: str = "in.mov") -> Path:
    """A clip of 40 frames with tags, and chapters that begin at frames 0, 10 and 30."""
    plain = clips.make("plain.mov")
    path = plain.with_name(name)
    with av.open(str(plain)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0], opaque=True)
        out.metadata.update(TAGS)
        out.set_chapters(
            [
                {
                    "id": number,
                    "start": begin * 40,
                    "end": end * 40,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": title},
                }
                for number, (begin, end, title) in enumerate(
                    [(0, 10, "one"), (10, 30, "two"), (30, 40, "three")], 1
                )
            ]
        )
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    return path


def write(out: Path, count: int = 10, start: int = 0, **changes: Any) -> dict[str, object]:
    settings = OutputSettings(
        width=64,
        height=48,
        first_index=start,
        start=start / RATE,
        **{"frame_rate": RATE} | changes,
    )
    sink = open_sink(parse_output(str(out)), settings)
    for index in range(start, start + count):
        sink.write(index, np.full((48, 64, 3), 0.2, np.float32), index / RATE)
    facts = sink.close()
    assert isinstance(facts, dict)
    return facts


def probe(path: Path) -> Any:
    program = shutil.which("ffprobe")
    if program is None:
        pytest.skip("ffprobe is not installed")
    command = [program, "-v", "error", "-show_streams", "-show_format", "-show_chapters"]
    done = subprocess.run(
        [*command, "-of", "json", str(path)], capture_output=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
def test_tags_go_along(clips: Clips, name: str) -> None:
    path = tagged(clips)
    write(path.with_name(name), carry_from=path)
    found = {k.lower(): v for k, v in probe(path.with_name(name))["format"]["tags"].items()}
    assert {k: found.get(k) for k in TAGS} == TAGS


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
def test_chapters_begin_where_the_output_does(clips: Clips, name: str) -> None:
    path = tagged(clips)
    write(path.with_name(name), 20, start=15, carry_from=path)
    chapters = probe(path.with_name(name))["chapters"]
    found = [(c["tags"]["title"], float(c["start_time"]), float(c["end_time"])) for c in chapters]
    assert found == [("two", 0.0, 0.6), ("three", 0.6, 0.8)]


def test_nothing_to_carry(tmp_path: Path) -> None:
    (tmp_path / "text.mov").write_text("no clip")
    for path in (None, tmp_path, tmp_path / "no.mov", tmp_path / "text.mov"):
        along = carried(path, Fraction(0), Fraction(1))
        assert (along.tags, along.chapters) == ({}, [])


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
def test_time_code_is_of_the_first_frame(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, 4, start=30, timecode="10:00:00:20")
    found = probe(tmp_path / name)
    tags = {k.lower(): v for k, v in found["streams"][0]["tags"].items()}
    assert tags["timecode"] == "10:00:02:00"
    tracks = [s for s in found["streams"] if s.get("codec_tag_string") == "tmcd"]
    assert len(tracks) == (name != "out.mkv")


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_kept(tmp_path: Path, name: str, rotation: int) -> None:
    write(tmp_path / name, 2, rotation=rotation)
    (stream,) = probe(tmp_path / name)["streams"]
    sides = [s["rotation"] for s in stream["side_data_list"] if "rotation" in s]
    # ffprobe counts counter-clockwise.
    assert [-side % 360 for side in sides] == ([rotation] if rotation else [])


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
def test_frames_keep_their_own_times(tmp_path: Path, name: str) -> None:
    times = [Fraction(n, 600) for n in (0, 20, 41, 90, 91, 300, 333, 334, 500)]
    start = Fraction(7, 600)
    given = OutputSettings(
        width=64, height=48, frame_rate=Fraction(15), variable_rate=True, start=start
    )
    sink = open_sink(parse_output(str(tmp_path / name)), given)
    for index, time in enumerate(times):
        sink.write(index, np.full((48, 64, 3), 0.2, np.float32), start + time)
    sink.close()
    with av.open(str(tmp_path / name)) as container:
        found = [float(frame.time or 0) for frame in container.decode(video=0)]
    exact = 1e-3 if name == "out.mkv" else 1e-5  # Matroska counts milliseconds
    assert found == pytest.approx([float(time) for time in times], abs=exact)


@pytest.mark.parametrize(
    ("before", "frames", "rate", "after"),
    [
        ("00:00:59;29", 1, Fraction(30000, 1001), "00:01:00;02"),
        ("00:09:59;29", 1, Fraction(30000, 1001), "00:10:00;00"),
        ("00:00:59;59", 1, Fraction(60000, 1001), "00:01:00;04"),
        ("00:00:59:29", 1, Fraction(30000, 1001), "00:01:00:00"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        ("01:00:00;00", 17982, Fraction(30000, 1001), "01:10:00;00"),  # SMPTE 12M: ten minutes
        ("01:00:00:00", 0, Fraction(24000, 1001), "01:00:00:00"),
        ("00:00:00:25", 1, Fraction(25), None),
        ("00:00:60:00", 1, Fraction(25), None),
        ("noon", 1, Fraction(25), None),
    ],
)
def test_time_codes_advance(before: str, frames: int, rate: Fraction, after: str | None) -> None:
    assert advance(before, frames, rate) == after


@given(
    st.sampled_from([Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25)]),
    st.integers(0, 3_000_000),
    st.integers(0, 3_000_000),
)
def test_time_codes_advance_step_by_step(rate: Fraction, one: int, two: int) -> None:
    zero = "00:00:00;00" if rate.denominator > 1 else "00:00:00:00"
    halfway = advance(zero, one, rate)
    assert halfway is not None
    assert advance(halfway, two, rate) == advance(zero, one + two, rate)
