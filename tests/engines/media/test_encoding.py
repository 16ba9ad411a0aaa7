"""Encoders: their settings, and NVENC or the CPU."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lrhdr.errors import OutputError
from lrhdr_engines.media import OutputSettings
from lrhdr_engines.media.encoding import encodable
from lrhdr_engines.media.video_formats import VIDEO_FORMATS
from lrhdr_engines.media.video_sink import VideoSink

W, H = 66, 50
RATE = Fraction(5)


def write(folder: Path, output: str, count: int = 2, **changes: Any) -> dict[str, object]:
    name, _, file = output.partition(":")
    given: dict[str, Any] = {"width": W, "height": H, "frame_rate": RATE}
    sink = VideoSink(folder / file, VIDEO_FORMATS[name], OutputSettings(**given | changes))
    for index in range(count):
        sink.write(index, np.full((H, W, 3), 0.2, np.float32), index / RATE)
    return sink.close()


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("hdr10", {"preset": "warp"}, r"hdr10 has no preset warp; expected one of ultrafast, "),
        ("av1", {"preset": "fast"}, r"av1 has no preset fast; expected one of -2, -1, 0"),
        ("sdr", {"crf": 52}, r"sdr has no quality 52; expected 0 \(best\) to 51"),
    ],
)
def test_settings_that_an_encoder_does_not_have(
    tmp_path: Path, name: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(OutputError, match=message):
        write(tmp_path, f"{name}:a.mp4", **changes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["hdr10", "av1", "sdr"])
def test_quality_is_the_one_asked_for(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).random((6, H, W, 3), np.float32)
    sizes = []
    for crf in (10, 40):
        sink = VideoSink(
            tmp_path / f"{crf}.mp4",
            VIDEO_FORMATS[name],
            OutputSettings(width=W, height=H, frame_rate=RATE, crf=crf),
        )
        for index, light in enumerate(noise):
            sink.write(index, light, index / RATE)
        sink.close()
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes[0] > 1.5 * sizes[1]


def test_nvenc_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrhdr_engines.media.encoding.why_no_gpu", lambda: "no driver")
    facts = write(tmp_path, "hdr10:a.mp4", 2, encoder="auto")
    assert facts["encoder"] == "libx265"
    with pytest.raises(OutputError, match=r"on the GPU: no driver; .*--encoder cpu"):
        write(tmp_path, "hdr10:b.mp4", 2, encoder="nvenc")
    with pytest.raises(OutputError, match=r"ffv1 .* the format has no GPU encoder"):
        write(tmp_path, "ffv1:b.mkv", 2, encoder="nvenc")


def test_nvenc_that_does_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU is promised, and the driver has no NVENC: here, no driver at all."""
    monkeypatch.setattr("lrhdr_engines.media.encoding.why_no_gpu", lambda: None)
    monkeypatch.setattr("lrhdr_engines.media.encoding._NVENC", (("preset", "none"),))
    facts = write(tmp_path, "av1:a.mp4", 2, encoder="auto")
    assert facts["encoder"] == "libsvtav1"
    with pytest.raises(OutputError, match=r"on the GPU: hevc_nvenc does not open"):
        write(tmp_path, "hlg:b.mp4", 2, encoder="nvenc")


def test_frames_for_nvenc_have_the_same_codes() -> None:
    frame = av.VideoFrame(64, 48, "yuv420p10le")
    rng = np.random.default_rng(0)
    for plane in frame.planes:
        codes = rng.integers(0, 1024, plane.buffer_size // 2, np.uint16)
        plane.update(codes.tobytes())
    frame.pts, frame.time_base = 7, 1 / RATE
    assert encodable(frame, "libx265") is frame
    packed = encodable(frame, "hevc_nvenc")
    assert (packed.format.name, packed.pts) == ("p010le", 7)
    # FFmpeg's own unpacking, which changes no code between these two.
    back = packed.reformat(format="yuv420p10le")
    assert np.array_equal(back.to_ndarray(), frame.to_ndarray())
    frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = 9, 16, 9, 1
    tagged = encodable(frame, "av1_nvenc")
    assert (tagged.color_primaries, tagged.color_trc) == (9, 16)
    assert (tagged.colorspace, tagged.color_range) == (9, 1)
