"""Every video format, as ffprobe reads it and as a second decoder shows it."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lrhdr.errors import OutputError
from lrhdr.light import pq_encode
from lrhdr_engines.media import OutputSettings, open_sink, parse_output
from lrhdr_engines.media.video_formats import VIDEO_FORMATS, coded_size

W, H, FRAMES = 66, 50, 23
RATE = Fraction(5)  # segments of ten frames
LOSSY = 4  # 10-bit codes that an encoder may be off where the light jumps from frame to frame
NITS = [400 * (index + 1) / FRAMES for index in range(FRAMES)]

PQ = {"color_space": "bt2020nc", "color_transfer": "smpte2084", "color_primaries": "bt2020"}
HLG = PQ | {"color_transfer": "arib-std-b67"}
SDR = {"color_space": "bt709", "color_transfer": "bt709", "color_primaries": "bt709"}
HEVC = {"codec_name": "hevc", "profile": "Main 10", "pix_fmt": "yuv420p10le"}
AV1 = {"codec_name": "av1", "profile": "Main", "pix_fmt": "yuv420p10le"}
PRORES = {"codec_name": "prores", "profile": "HQ", "pix_fmt": "yuv422p10le"}
AVC = {"codec_name": "h264", "profile": "High", "pix_fmt": "yuv420p"}
HVC1 = {"codec_tag_string": "hvc1"}
EXPECTED: dict[str, dict[str, str]] = {
    "hdr10:a.mp4": HEVC | PQ | HVC1,
    "hdr10:a.mov": HEVC | PQ | HVC1,
    "hdr10:a.mkv": HEVC | PQ,
    "hlg:a.mp4": HEVC | HLG | HVC1,
    "hlg:a.mkv": HEVC | HLG,
    "av1:a.mp4": AV1 | PQ | {"codec_tag_string": "av01"},
    "av1:a.mkv": AV1 | PQ,
    "prores:a.mov": PRORES | PQ | {"codec_tag_string": "apch"},
    "prores:a.mkv": PRORES | PQ | {"codec_tag_string": "apch"},
    # FFmpeg decodes 4444 to 12 bits whatever it was made from.
    "prores4444:a.mov": PQ
    | {
        "codec_name": "prores",
        "profile": "4444",
        "pix_fmt": "yuv444p12le",
        "codec_tag_string": "ap4h",
    },
    "ffv1:a.mkv": PQ | {"codec_name": "ffv1", "pix_fmt": "yuv444p16le"},
    "sdr:a.mp4": AVC | SDR | {"codec_tag_string": "avc1"},
    "sdr:a.mkv": AVC | SDR,
}


def write(folder: Path, output: str, count: int = FRAMES, **changes: Any) -> tuple[Path, Any]:
    format_, _, name = output.partition(":")
    given: dict[str, Any] = {"width": W, "height": H, "frame_rate": RATE, "white_nits": 400.0}
    sink = open_sink(parse_output(f"{format_}:{folder / name}"), OutputSettings(**given | changes))
    shape = (changes.get("height", H), changes.get("width", W), 3)
    for index in range(count):
        sink.write(index, np.full(shape, NITS[index] / 400, np.float32), index / RATE)
    return folder / name, sink.close()


def probe(path: Path) -> Any:
    program = shutil.which("ffprobe")
    if program is None:
        pytest.skip("ffprobe is not installed")
    command = [program, "-v", "error", "-count_frames", "-show_streams", "-show_frames"]
    command += ["-select_streams", "v", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert done.stderr == b""
    return json.loads(done.stdout)


def decoded(path: Path) -> list[bytes]:
    """The planes of every frame, as PyAV decodes them."""
    frames = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            planes = b""
            for plane, part in zip(frame.planes, frame.format.components, strict=True):
                size = 1 if part.bits == 8 else 2
                rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
                planes += rows[: plane.height, : plane.width * size].tobytes()
            frames.append(planes)
    return frames


@pytest.mark.parametrize("output", EXPECTED)
def test_another_program_reads_it(tmp_path: Path, output: str) -> None:
    path, facts = write(tmp_path, output)
    assert facts["frames"] == FRAMES
    found = probe(path)
    (stream,) = found["streams"]
    assert EXPECTED[output].items() <= stream.items()
    width, height = coded_size(W, H, VIDEO_FORMATS[output.split(":")[0]].chroma)
    assert (stream["width"], stream["height"]) == (width, height)
    assert (stream["r_frame_rate"], stream["nb_read_frames"]) == ("5/1", str(FRAMES))
    assert stream["color_range"] == "tv"
    times = [float(frame["pts_time"]) for frame in found["frames"]]
    assert times == pytest.approx([index / 5 for index in range(FRAMES)], abs=1e-3)
    assert found["frames"][0]["key_frame"] == 1


@pytest.mark.parametrize("output", EXPECTED)
def test_light_levels_are_where_there_is_pq(tmp_path: Path, output: str) -> None:
    path, facts = write(tmp_path, output)
    found = probe(path)
    of_stream = {s["side_data_type"]: s for s in found["streams"][0].get("side_data_list", [])}
    of_frame = {s["side_data_type"]: s for s in found["frames"][0].get("side_data_list", [])}
    light, mastering = "Content light level metadata", "Mastering display metadata"
    if EXPECTED[output]["color_transfer"] != "smpte2084":
        assert not {light, mastering} & {*of_stream, *of_frame}
        assert "max_cll" not in facts
        return
    assert (facts["max_cll"], facts["max_fall"]) == (400, 400)
    places = [of_stream]
    if output.startswith(("hdr10", "av1")):
        places.append(of_frame)  # in the stream of frames, too
    for place in places:
        assert (place[light]["max_content"], place[light]["max_average"]) == (400, 400)
        assert Fraction(place[mastering]["max_luminance"]) == 1000
        assert float(Fraction(place[mastering]["min_luminance"])) == pytest.approx(0.005, rel=1e-2)
        assert float(Fraction(place[mastering]["red_x"])) == pytest.approx(0.68, abs=1e-4)


@pytest.mark.parametrize("output", EXPECTED)
def test_two_decoders_show_the_same(tmp_path: Path, output: str) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("ffmpeg is not installed")
    path, _ = write(tmp_path, output, 12)
    command = [program, "-v", "error", "-i", str(path), "-f", "rawvideo"]
    command += ["-pix_fmt", EXPECTED[output]["pix_fmt"], "-"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert done.stderr == b""
    frames = decoded(path)
    assert len(frames) == 12
    assert done.stdout == b"".join(frames)


@pytest.mark.parametrize("output", [k for k, v in EXPECTED.items() if PQ.items() <= v.items()])
def test_the_picture_has_the_light_it_was_given(tmp_path: Path, output: str) -> None:
    path, _ = write(tmp_path, output)
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    for frame, nits in zip(frames, NITS, strict=True):
        scale = 2 ** (frame.format.components[0].bits - 10)
        plane = frame.planes[0]
        luma = np.frombuffer(memoryview(plane), np.uint16).reshape(-1, plane.line_size // 2)
        code = luma[: plane.height, : plane.width].mean(keepdims=True, dtype=np.float64) / scale
        expected = 64 + 876 * float(pq_encode(np.array([nits]))[0])
        assert float(code[0, 0]) == pytest.approx(expected, abs=1 if "ffv1" in output else LOSSY)


@pytest.mark.parametrize("name", VIDEO_FORMATS)
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("size", [(17, 19), (33, 70)])
def test_odd_sizes_and_few_frames(
    tmp_path: Path, name: str, count: int, size: tuple[int, int]
) -> None:
    height, width = size
    suffix = VIDEO_FORMATS[name].suffixes[-1]
    path, facts = write(tmp_path, f"{name}:a{suffix}", count, width=width, height=height)
    coded = coded_size(width, height, VIDEO_FORMATS[name].chroma)
    assert (facts["width"], facts["height"]) == coded
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        packets = container.streams.video[0]
        assert (packets.width, packets.height) == coded
    assert len(frames) == count
    times = [float(frame.time or 0) for frame in frames]
    assert times == pytest.approx([index / 5 for index in range(count)], abs=1e-3)


@pytest.mark.parametrize("name", VIDEO_FORMATS)
def test_the_smallest_frames(tmp_path: Path, name: str) -> None:
    spec = VIDEO_FORMATS[name]
    least = spec.least_size
    output = f"{name}:a{spec.suffixes[0]}"
    path, _ = write(tmp_path, output, 2, width=least, height=least)
    assert len(decoded(path)) == 2
    if least > 1:
        with pytest.raises(OutputError, match=f"expected at least {least}x{least}"):
            write(tmp_path, f"{name}:b{spec.suffixes[0]}", 2, width=least - 1, height=least)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("av1:a.mov", r"a\.mov cannot hold av1; expected a name that ends in \.mp4 or \.mkv"),
        ("ffv1:a.mp4", r"a\.mp4 cannot hold ffv1; expected a name that ends in \.mkv"),
        ("prores:a.mp4", r"a\.mp4 cannot hold prores; expected .*\.mov or \.mkv"),
        ("hdr10:a.avi", r"a\.avi cannot hold hdr10"),
    ],
)
def test_containers_that_cannot_hold_it(tmp_path: Path, output: str, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        write(tmp_path, output)
    assert list(tmp_path.iterdir()) == []
