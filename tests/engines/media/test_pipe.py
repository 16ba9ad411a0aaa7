"""y4m and raw frames for other programs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr.errors import OutputError
from lrhdr_engines.media import OutputSettings, Sink, open_sink, parse_output
from lrhdr_engines.media.signal import SignalEncoder

W, H = 36, 20


def settings(**changes: Any) -> OutputSettings:
    given: dict[str, Any] = {"width": W, "height": H, "frame_rate": Fraction(30000, 1001)}
    return OutputSettings(**given | changes)


def frame(seed: int, width: int = W, height: int = H) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def write(sink: Sink, *seeds: int, width: int = W, height: int = H) -> dict[str, object]:
    for seed in seeds:
        sink.write(seed, frame(seed, width, height), Fraction(seed, 25))
    return sink.close()


@pytest.mark.parametrize(("width", "height"), [(W, H), (35, 19)])
def test_ffmpeg_reads_y4m(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "a.y4m"
    given = settings(width=width, height=height)
    facts = write(open_sink(parse_output(str(path)), given), 0, 1, width=width, height=height)
    assert (facts["kind"], facts["frames"], facts["path"]) == ("y4m", 2, str(path))
    encoder = SignalEncoder("pq", chroma="420", bits=10, white_nits=203.0)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(30000, 1001)
        for seed, picture in enumerate(container.decode(stream)):
            assert picture.format.name == "yuv420p10le"
            assert picture.color_range == 1  # limited
            expected = encoder.planes(frame(seed, width, height), given)
            got = picture.to_ndarray()
            np.testing.assert_array_equal(got[: len(expected[0])], expected[0])
            chroma = np.concatenate([plane.ravel() for plane in expected[1:]])
            np.testing.assert_array_equal(got[len(expected[0]) :].ravel(), chroma)
    assert seed == 1
    assert facts["max_cll"] == encoder.meter.max_cll


def test_ffmpeg_reads_raw(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    facts = write(open_sink(parse_output(f"raw:{path}"), settings()), 0, 1)
    assert "max_cll" not in facts
    options = {"pixel_format": "gbrpf32le", "video_size": f"{W}x{H}", "framerate": "25"}
    with av.open(str(path), format="rawvideo", options=options) as container:
        pictures = [picture.to_ndarray() for picture in container.decode(video=0)]
    assert len(pictures) == 2
    for seed, picture in enumerate(pictures):
        np.testing.assert_array_equal(picture, frame(seed))


def test_a_fifo_gets_every_frame_at_once(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no FIFOs on this system")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got: list[bytes] = []
    first = threading.Event()

    def read() -> None:
        with path.open("rb") as file:
            got.append(file.read(4 * W * H * 3))
            first.set()
            got.append(file.read())

    reader = threading.Thread(target=read)
    reader.start()
    sink = open_sink(parse_output(f"raw:{path}"), settings())
    sink.write(0, frame(0), Fraction(0))
    assert first.wait(20)
    assert write(sink, 1)["frames"] == 2
    reader.join(20)
    assert [len(part) for part in got] == [4 * W * H * 3] * 2


def test_a_reader_that_goes_away_is_one_error(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no FIFOs on this system")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: path.open("rb").close())
    reader.start()
    sink = open_sink(parse_output(f"y4m:{path}"), settings())
    reader.join(20)
    with pytest.raises(OutputError, match="the reader went away after 0 frames"):
        sink.write(0, frame(0), Fraction(0))
    sink.abort()
    sink.abort()
    assert path.exists()


PIPED = """
import sys
from fractions import Fraction
import numpy as np
from lrhdr.errors import LrhdrError
from lrhdr_engines.media import OutputSettings, open_sink, parse_output
try:
    given = OutputSettings(width=36, height=20, frame_rate=Fraction(25))
    sink = open_sink(parse_output("raw:-"), given)
    for index in range(int(sys.argv[1])):
        sink.write(index, np.full((20, 36, 3), index, np.float32), Fraction(index, 25))
    sink.close()
except LrhdrError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("frames", [3, 1000])
def test_standard_output(frames: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", PIPED, str(frames)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert child.stdout is not None
    assert child.stderr is not None
    planes = np.frombuffer(child.stdout.read(3 * 4 * W * H * 3), "<f4").reshape(3, -1)
    np.testing.assert_array_equal(planes, np.repeat([[0.0], [1.0], [2.0]], 3 * W * H, axis=1))
    rest = child.stdout.read() if frames == 3 else b""
    child.stdout.close()
    said = child.stderr.read().decode()
    child.stderr.close()
    code = child.wait(60)
    if frames == 3:
        assert (code, rest, said) == (0, b"", "")
    else:
        assert code == 2
        assert said.startswith("standard output: the reader went away after ")
        assert said.count("\n") == 1


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.y4m"
    sink = open_sink(parse_output(str(path)), settings())
    sink.write(0, frame(0), Fraction(0))
    assert not path.exists()
    sink.abort()
    assert list(tmp_path.iterdir()) == []
    assert open_sink(parse_output(str(path)), settings()).close()["path"] is None
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        open_sink(parse_output(str(path)), settings())
    write(open_sink(parse_output(str(path)), settings(overwrite=True)), 0)
    assert path.read_bytes().startswith(b"YUV4MPEG2 W36 H20 F30000:1001 ")


def test_variable_rate_is_noted(tmp_path: Path) -> None:
    sink = open_sink(parse_output(str(tmp_path / "a.y4m")), settings(variable_rate=True))
    assert "holds no times" in str(write(sink, 0)["notes"])


@pytest.mark.parametrize("text", ["-", "exr:-", "hdr10:-", "ultrahdr:-"])
def test_what_cannot_be_piped(text: str) -> None:
    with pytest.raises(OutputError, match="expected y4m:- or raw:-"):
        parse_output(text)
