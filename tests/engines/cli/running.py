"""What the tests of lrhdr-run share: clips, runs in this process and in others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, NamedTuple

import av
import cv2
import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

EV = (0.0, -3.0)


SIZE = (48, 64)


class Outcome(NamedTuple):
    code: int
    out: str
    lines: list[str]  # of stderr


Run = Callable[..., Outcome]


def scene(count: int, height: int, width: int, ev: tuple[float, ...] = EV) -> list[NDArray[Any]]:
    """A bright, smooth scene that drifts, shot at alternating exposures: (H, W, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    frames = []
    for index in range(count):
        waves = [1 + np.sin((x + 2 * index) / (5 + 2 * c) + y / (9 - c)) for c in range(3)]
        light = np.stack(waves, axis=2) ** 3 * (0.02 + 0.6 * x[..., None] / width)
        shot = np.clip(light * 2.0 ** ev[index % len(ev)], 0, 1) ** (1 / 2.2)
        frames.append(np.rint(shot * 255).astype(np.uint8))
    return frames


def write_video(path: Path, frames: list[NDArray[Any]], faststart: bool = False) -> Path:
    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=Fraction(24), options={"crf": "12", "g": "4"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))
    return path


def write_folder(folder: Path, frames: list[NDArray[Any]], exposures: str = "") -> Path:
    folder.mkdir()
    for index, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"shot_{index:03d}.png"), frame[..., ::-1])
    if exposures:
        (folder / "Exposures.txt").write_text(exposures)
    return folder


def decoded(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def read_exr(path: Path) -> NDArray[Any]:
    return np.asarray(oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT))


def process(
    *arguments: object, before: str = "", stdin: IO[bytes] | None = None
) -> subprocess.Popen[str]:
    code = before + "from lrhdr_engines.cli.run import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *(str(word) for word in arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# Says on stdout which frame it has encoded, and takes its time over each.
SLOW = """
import time
from lrhdr_engines.media.several import Sinks
write = Sinks.write
def slow(sinks, index, picture, shown):
    time.sleep(0.03)
    write(sinks, index, picture, shown)
    print(index, flush=True)
Sinks.write = slow
"""


def until(child: subprocess.Popen[str], frame: int) -> None:
    """Wait for a process begun with SLOW to have written a frame."""
    assert child.stdout is not None
    while child.stdout.readline() != f"{frame}\n":
        assert child.poll() is None, child.communicate()[1]
