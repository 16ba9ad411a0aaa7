"""The clip of the injected runs, and what is done to its file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from lrhdr_benchmarks.faults.case import FRAME_RATE

EV = "0,-3"
HEIGHT, WIDTH = 48, 64


def make_clip(path: Path, frames: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """A scene that drifts, shot at two exposures, with noise: FFV1, each frame on its own."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float64)
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        options = {"level": "3", "g": "1", "slicecrc": "1"}
        stream = container.add_stream("ffv1", rate=Fraction(FRAME_RATE), options=options)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        for index in range(frames):
            waves = [1 + np.sin((x + 2 * index) / (5 + 2 * c) + y / (9 - c)) for c in range(3)]
            light = np.stack(waves, axis=2) ** 3 * (0.02 + 0.6 * x[..., None] / size[1])
            shot = np.clip(light * 2.0 ** (-3 * (index % 2)), 0, 1) ** (1 / 2.2)
            codes = np.rint(shot * 235 + rng.integers(0, 9, shot.shape)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(codes, "rgb24")))
        container.mux(stream.encode(None))
    return path


def damage(path: Path, frame: int) -> None:
    """Spoil one frame's packet: its end, where FFV1 says how long its slices are.

    Not its middle: there FFmpeg logs a wrong checksum, shows the picture before and says nothing.
    """
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    stop = data.index(packets[frame]) + len(packets[frame])
    data[stop - 8 : stop] = bytes(255 - byte for byte in data[stop - 8 : stop])
    path.write_bytes(data)
