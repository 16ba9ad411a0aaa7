"""HDR10 video: what a player reads from the file, and files that are whole or not there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr.errors import OutputError
from lrhdr.light import pq_decode
from lrhdr_engines.media import OutputSettings, open_sink, parse_output
from lrhdr_engines.media.video_formats import VIDEO_FORMATS
from lrhdr_engines.media.video_sink import VideoSink

W, H = 64, 48
RATE = Fraction(24000, 1001)


def settings(**changes: Any) -> OutputSettings:
    given: dict[str, Any] = {"width": W, "height": H, "frame_rate": RATE}
    return OutputSettings(**given | changes)


def grey(value: float, height: int = H, width: int = W) -> NDArray[np.float32]:
    return np.full((height, width, 3), value, np.float32)


def sink_of(target: Path, given: OutputSettings) -> VideoSink:
    return VideoSink(target, VIDEO_FORMATS["hdr10"], given)


def write(target: Path, frames: list[NDArray[np.float32]], **changes: Any) -> dict[str, object]:
    sink = sink_of(target, settings(**changes))
    for index, light in enumerate(frames):
        sink.write(index, light, Fraction(index, 25))
    return sink.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_a_player_reads_the_light(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    facts = write(path, [grey(v) for v in (0.0, 0.25, 1.0, 4.0)], white_nits=200.0)
    with av.open(str(path)) as container:
        stream: Any = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.profile, context.pix_fmt) == (
            "hevc",
            "Main 10",
            "yuv420p10le",
        )
        tags = context.color_primaries, context.color_trc, context.colorspace, context.color_range
        assert tags == (9, 16, 9, 1)  # H.273: BT.2020, PQ, BT.2020 NCL, limited
        assert stream.average_rate == RATE
        if name != "a.mkv":
            assert context.codec_tag == "hvc1"
        frames = list(container.decode(video=0))
    assert len(frames) == 4
    for picture, nits in zip(frames, (0.0, 50.0, 200.0, 800.0), strict=True):
        # The first plane of yuv420p10le, luma.
        luma = picture.to_ndarray()[:H].astype(np.float64)
        assert pq_decode((luma.mean(keepdims=True) - 64) / 876) == pytest.approx(
            nits, rel=0.02, abs=0.05
        )
        side = {data.type.name for data in picture.side_data}  # type: ignore[attr-defined]
        assert side >= {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"}
    assert (facts["max_cll"], facts["max_fall"]) == (800, 800)
    assert facts["mastering_peak_nits"] == 1000
    assert names(tmp_path) == [name]


def test_light_levels_are_those_of_the_frames(tmp_path: Path) -> None:
    bright = grey(0.1)
    bright[0, 0] = 20.0
    facts = write(tmp_path / "a.mp4", [grey(0.5), bright], white_nits=100.0)
    assert facts["max_cll"] == 2000
    assert facts["max_fall"] == 50
    assert facts["mastering_peak_nits"] == 4000
    content = (tmp_path / "a.mp4").read_bytes()
    # The placeholder of MaxCLL and MaxFALL is nowhere left: H.265, D.2.35; ISO 14496-12, clli.
    assert bytes.fromhex("a5c39d71") not in content
    assert (2000).to_bytes(2) + (50).to_bytes(2) in content


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_few_frames_have_times(tmp_path: Path, name: str, count: int) -> None:
    path = tmp_path / name
    facts = write(path, [grey(0.2)] * count, frame_rate=Fraction(25))
    assert facts["frames"] == count
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        assert all(p.pts is not None and (p.dts is None or p.dts <= p.pts) for p in packets)
        seconds = sorted(float((p.pts or 0) * (p.time_base or 0)) for p in packets)
    assert seconds == pytest.approx([index / 25 for index in range(count)], abs=1e-3)


@pytest.mark.parametrize("size", [(16, 16), (17, 19), (33, 70)])
def test_odd_and_small_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    height, width = size
    path = tmp_path / "a.mp4"
    facts = write(path, [grey(1.0, height, width)] * 2, width=width, height=height)
    even = (width + width % 2, height + height % 2)
    assert (facts["width"], facts["height"]) == even
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.width, context.height) == even


def test_frames_that_hevc_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"frames of 15x48; expected at least 16x16.*EXR"):
        sink_of(tmp_path / "a.mp4", settings(width=15))
    assert names(tmp_path) == []


def test_bad_values_are_counted(tmp_path: Path) -> None:
    light = grey(0.5)
    light[3, 4] = np.nan, np.inf, -np.inf
    facts = write(tmp_path / "a.mp4", [light])
    assert (facts["repaired_values"], facts["frames"], facts["notes"]) == (3, 1, [])


def test_the_numbers_of_frames_set_their_times(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    sink = sink_of(path, settings(frame_rate=Fraction(25), first_index=10, start=Fraction(2, 5)))
    for index in (10, 11, 13):
        sink.write(index, grey(0.2), Fraction(index, 25))
    sink.close()
    with av.open(str(path)) as container:
        times = [float(frame.time or 0.0) for frame in container.decode(video=0)]
    assert times == pytest.approx([0.0, 0.04, 0.12], abs=1e-3)


def test_frames_go_in_order(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "a.mp4", settings())
    sink.write(5, grey(0.2), Fraction(5, 25))
    with pytest.raises(ValueError, match="frame 5 was written after frame 5"):
        sink.write(5, grey(0.2), Fraction(5, 25))
    sink.abort()


def test_an_existing_file_is_kept_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"exists.*--overwrite"):
        sink_of(path, settings())
    sink = sink_of(path, settings(overwrite=True))
    sink.write(0, grey(0.2), Fraction(0, 25))
    assert path.read_bytes() == b"precious"
    sink.close()
    assert path.read_bytes() != b"precious"
    assert names(tmp_path) == ["a.mp4"]


def test_a_file_that_appears_during_the_run_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    sink = sink_of(path, settings())
    sink.write(0, grey(0.2), Fraction(0, 25))
    path.write_bytes(b"somebody's")
    with pytest.raises(OutputError, match=r"appeared during the run.*the result is") as caught:
        sink.close()
    assert path.read_bytes() == b"somebody's"
    # The result is not lost either.
    (rest,) = (p for p in tmp_path.iterdir() if p != path)
    assert rest.name in str(caught.value)
    with av.open(str(rest)) as container:
        assert len(list(container.decode(video=0))) == 1


def test_an_abort_without_frames_leaves_nothing(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "a.mp4", settings())
    assert names(tmp_path) == [".a.mp4.parts"]
    sink.abort()
    sink.abort()
    assert names(tmp_path) == []


def test_an_abort_keeps_frames_for_a_resumed_run(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "a.mp4", settings())
    for index in range(2):
        sink.write(index, grey(0.2), Fraction(index) / RATE)
    sink.abort()
    sink.abort()
    assert names(tmp_path) == [".a.mp4.parts"]
    sink = sink_of(tmp_path / "a.mp4", settings(resume=True))
    assert sink.next_index == 2
    assert sink.close()["frames"] == 2
    assert names(tmp_path) == ["a.mp4"]


def test_no_frames_no_file(tmp_path: Path) -> None:
    facts = write(tmp_path / "a.mp4", [])
    assert (facts["path"], facts["frames"]) == (None, 0)
    assert facts["notes"] == ["no frame was written, so no file was made"]
    assert names(tmp_path) == []


def test_a_frame_of_another_size_is_a_mistake(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "a.mp4", settings())
    with pytest.raises(ValueError, match=r"\(48, 64, 3\)"):
        sink.write(0, grey(0.2, W, H), Fraction(0, 25))
    sink.abort()


def test_a_missing_folder_and_an_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"is not a folder.*mkdir -p"):
        open_sink(parse_output(str(tmp_path / "no" / "a.mp4")), settings())
    with pytest.raises(OutputError, match=r"ends in \.webm; expected \.mp4, \.mov or \.mkv"):
        open_sink(parse_output(str(tmp_path / "a.webm")), settings())


def test_null_measures_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sink = open_sink(parse_output("null"), settings(white_nits=100.0))
    sink.write(0, grey(3.0), Fraction(0, 25))
    facts = sink.close()
    assert (facts["kind"], facts["frames"], facts["max_cll"]) == ("null", 1, 300)
    assert names(tmp_path) == []
