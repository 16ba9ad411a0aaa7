"""Rendered frames as a clip in memory, and as x264 stores them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av

from exposure_clips import Pixels
from lrhdr_engines.media import ClipInfo, Frame, open_source


def write_h264(frames: Sequence[Pixels], path: Path, crf: int, rate: int = 25) -> None:
    """Store frames as x264 does (4:2:0, limited range, preset medium)."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf), "threads": "1"}
        for rgb in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        out.mux(stream.encode(None))


def compressed(frames: Sequence[Pixels], crf: int) -> list[Pixels]:
    """The frames as they come back from x264."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_h264(frames, path, crf)
        with open_source(path) as source:
            return [frame.rgb for frame in source.frames()]


class Held:
    """Frames in memory as a clip. See `lrhdr_engines.media.Source`."""

    def __init__(self, frames: Sequence[Pixels], path: Path = Path("clip.mov")) -> None:
        self._frames = frames
        self.info = ClipInfo(
            path=path,
            width=frames[0].shape[1] if frames else 0,
            height=frames[0].shape[0] if frames else 0,
            frame_rate=Fraction(25),
            frames=len(frames),
            bit_depth=8,
            kind="video",
            has_audio=False,
            codec="none",
            pixel_format="rgb24",
            colour="RGB, full range",
        )

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Frames from `start` on."""
        for index in range(start, len(self._frames)):
            yield Frame(index, self._frames[index], index / self.info.frame_rate)

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
