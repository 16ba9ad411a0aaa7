"""What the tests of resumed runs share. Their child processes import it, too."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from lrhdr_engines.media import OutputSettings
from lrhdr_engines.media.video_formats import VIDEO_FORMATS
from lrhdr_engines.media.video_sink import VideoSink

W, H = 64, 48
RATE = Fraction(5)  # segments of ten frames
FRAMES = 47


def light(index: int) -> NDArray[np.float32]:
    """Noise, an eighth brighter from frame to frame."""
    noise = np.random.default_rng(index).random((H, W, 3))
    return (0.02 * 1.125**index * (1 + noise)).astype(np.float32)


def open_sink(target: Path, name: str = "ffv1", **changes: Any) -> VideoSink:
    given: dict[str, Any] = {"width": W, "height": H, "frame_rate": RATE, "job": {"engine": "x"}}
    return VideoSink(target, VIDEO_FORMATS[name], OutputSettings(**given | changes))


def write(sink: VideoSink, stop: int = FRAMES) -> None:
    for index in range(sink.next_index, stop):
        sink.write(index, light(index), index / RATE)


def once(target: Path, name: str = "ffv1", **changes: Any) -> bytes:
    """The file of an uninterrupted run."""
    sink = open_sink(target, name, **changes)
    write(sink)
    sink.close()
    return target.read_bytes()


def shown(path: Path) -> list[tuple[float, bytes]]:
    """Times and luma of all frames."""
    with av.open(str(path)) as container:
        return [(frame.time or 0.0, luma(frame)) for frame in container.decode(video=0)]


def luma(frame: av.VideoFrame) -> bytes:
    plane = frame.planes[0]
    used = plane.width * (1 if frame.format.components[0].bits == 8 else 2)
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, :used].tobytes()


def level(codes: bytes, name: str) -> float:
    """The mean code."""
    return float(np.frombuffer(codes, np.uint8 if name == "sdr" else np.uint16).mean())


def times(path: Path) -> list[float]:
    return [round(at, 3) for at, _ in shown(path)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def parts(target: Path) -> Path:
    return target.with_name(f".{target.name}.parts")


def interrupted(target: Path, stop: int = 35, **changes: Any) -> Path:
    sink = open_sink(target, **changes)
    write(sink, stop)
    sink.abort()
    return parts(target)
