"""A clip by another camera's rules, through lrhdr-run with no flag but the outputs' names.

50 frames a second, the first frame bright, 3.6 EV apart, an sRGB curve, stereo sound, a time code,
and a frame that the camera lost before frame 77. The truth is known, as the clip is rendered.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from exposure_clips import Recipe
from lrhdr.light import BT709_TO_BT2020, BT2020, pq_decode, ycbcr_matrix
from lrhdr.metrics import psnr_t
from lrhdr_engines.cli.run import main

RATE, SOUND, COUNT, SLIP, STEP = 50, 48_000, 96, 77, 3.6
WHITE_NITS = 203.0
SIZE = (160, 96)
RECIPE = Recipe(
    ev=(0.0, -STEP), count=COUNT, seed=1, size=SIZE, curve="srgb", dropped=(SLIP,), middle=0.12
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("camera") / "MVI_0077.mov"
    with av.open(str(path), "w", options={"write_tmcd": "1"}) as container:
        video = container.add_stream("libx264", rate=RATE, options={"crf": "10"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        video.codec_context.colorspace, video.codec_context.color_range = 1, 1
        video.metadata["timecode"] = "10:20:30:00"
        audio = container.add_stream("aac", rate=SOUND, layout="stereo")
        for index, frame in enumerate(RECIPE.render()):
            picture = av.VideoFrame.from_ndarray(frame, "rgb24")
            picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709")
            picture.pts, picture.time_base = index, Fraction(1, RATE)
            container.mux(video.encode(picture))
            container.mux(audio.encode(_tone(index)))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def _tone(index: int) -> av.AudioFrame:
    """One frame's time of sound, the channels apart."""
    size = SOUND // RATE
    t = (index * size + np.arange(size)) / SOUND
    both = np.stack([np.sin(2 * np.pi * 440 * t), np.sin(2 * np.pi * 660 * t)]) * 0.3
    frame = av.AudioFrame.from_ndarray(both.astype(np.float32), "fltp", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = SOUND, index * size, Fraction(1, SOUND)
    return frame


@pytest.fixture(scope="module")
def result(clip: Path) -> dict[str, Any]:
    with pytest.raises(SystemExit) as left:
        main(
            [
                str(clip),
                "-o",
                str(clip.with_suffix(".mp4")),
                "--report",
                str(clip.with_suffix(".html")),
                "--json",
                str(clip.with_suffix(".json")),
            ]
        )
    assert left.value.code == 0
    facts: dict[str, Any] = json.loads(clip.with_suffix(".json").read_text())
    return facts


def test_the_camera_is_understood(result: dict[str, Any]) -> None:
    found = result["exposures"]
    assert np.diff(found["ev"])[0] == pytest.approx(-STEP, abs=0.07)
    assert found["source"] == "estimate"
    assert found["slips"] == [{"frame": SLIP, "kind": "dropped"}]
    assert found["cuts"] == []
    assert result["input"]["transfer"] == "srgb"
    assert (result["ending"], result["frames"]) == ("complete", COUNT)


def test_everything_is_carried_over(result: dict[str, Any], clip: Path) -> None:
    with av.open(str(clip)) as before, av.open(str(clip.with_suffix(".mp4"))) as after:
        video, sound = after.streams.video[0], after.streams.audio[0]
        assert video.average_rate == Fraction(RATE)
        assert video.frames == COUNT
        assert sound.layout.name == "stereo"
        timecodes = [s.metadata["timecode"] for s in after.streams if "timecode" in s.metadata]
        assert set(timecodes) == {"10:20:30:00"}
        packets = [[bytes(p) for p in c.demux(audio=0) if p.size] for c in (before, after)]
        assert packets[0] == packets[1]


def test_every_frame_is_right(result: dict[str, Any], clip: Path) -> None:
    """Against the truth; a frame of the wrong exposure or curve would be far off."""
    scores = []
    with av.open(str(clip.with_suffix(".mp4"))) as container:
        for index, frame in enumerate(container.decode(video=0)):
            truth = np.minimum(RECIPE.light(index), 2.0**STEP)
            scores.append(psnr_t(_light(frame) / 2.0**STEP, truth / 2.0**STEP))
    assert len(scores) == COUNT
    assert min(scores) > 37, (int(np.argmin(scores)), min(scores))
    assert np.mean(scores) > 38


def _light(frame: av.VideoFrame) -> NDArray[np.float64]:
    """Radiance of a decoded HDR10 picture, 1.0 is white; chroma of the nearest sample."""
    codes = frame.to_ndarray().astype(np.float64)
    height, width = frame.height, frame.width
    cb, cr = codes[height:].reshape(2, height // 2, width // 2).repeat(2, 1).repeat(2, 2)
    ycc = np.stack([(codes[:height] - 64) / 876, (cb - 512) / 896, (cr - 512) / 896], axis=2)
    rgb = np.clip(ycc @ np.linalg.inv(ycbcr_matrix(BT2020)).T, 0, 1)
    light: NDArray[np.float64] = pq_decode(rgb) @ np.linalg.inv(BT709_TO_BT2020).T / WHITE_NITS
    return light
