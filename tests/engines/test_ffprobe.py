"""What another program reads in the result: ffprobe, where it is installed (CI installs it)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lrhdr_engines.execute import execute
from lrhdr_engines.job import Job

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "alternating_3ev.mov"
FRAMES = 4


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """ffprobe's reading of the first frames of the sample, made by the shipped model."""
    program = shutil.which("ffprobe")
    if program is None:
        pytest.skip("ffprobe is not installed")
    out = tmp_path_factory.mktemp("probe") / "out.mp4"
    execute(Job(input=SAMPLE, out=(str(out),), max_frames=FRAMES))
    command = [program, "-v", "error", "-count_frames", "-show_streams", "-show_frames"]
    command += ["-select_streams", "v", "-of", "json", str(out)]
    found: dict[str, Any] = json.loads(subprocess.check_output(command, timeout=60))
    return found


def test_the_stream_is_hdr10(probed: dict[str, Any]) -> None:
    (stream,) = probed["streams"]
    wanted = {
        "codec_name": "hevc",
        "codec_tag_string": "hvc1",
        "profile": "Main 10",
        "pix_fmt": "yuv420p10le",
        "color_range": "tv",
        "color_space": "bt2020nc",
        "color_transfer": "smpte2084",
        "color_primaries": "bt2020",
        "nb_read_frames": str(FRAMES),
        "r_frame_rate": "24/1",
    }
    assert wanted.items() <= stream.items()


def test_the_light_levels_are_there(probed: dict[str, Any]) -> None:
    sides = {side["side_data_type"]: side for side in probed["frames"][0]["side_data_list"]}
    light = sides["Content light level metadata"]
    # 8 times the white of 203 cd/m2 is what EV -3 can hold.
    assert 203 < light["max_content"] <= 1624
    assert 0 < light["max_average"] < light["max_content"]
    assert sides["Mastering display metadata"]["max_luminance"] == "40000000/10000"
