"""Clips made on the spot, with pictures that tell their own index."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture
def clips(tmp_path: Path) -> Clips:
    return Clips(folder=tmp_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clips:
    """Makes videos of grey pictures, and reads the index off a picture again."""

    folder: Path
    width: int = 96
    height: int = 64
    frames: int = 40
    rate: Fraction = Fraction(25)

    def make(
        self,
        name: str,
        *,
        frames: int | None = None,
        codec: str = "libx264",
        pixels: str = "yuv420p",
        options: dict[str, str] | None = None,
        container: dict[str, str] | None = None,
        rate: Fraction | None = None,
        audio: str | None = None,
        size: tuple[int, int] | None = None,
    ) -> Path:
        """A video file, with a tone that grows louder from frame to frame if `audio` is a codec."""
        path = self.folder / name
        rate = rate or self.rate
        with av.open(str(path), "w", options=container or {}) as out:
            stream: Any = out.add_stream(codec, rate=rate)
            stream.width, stream.height = size or (self.width, self.height)
            stream.pix_fmt = pixels
            stream.options = options or {}
            sound: Any = out.add_stream(audio, rate=48000, layout="mono") if audio else None
            for index in range(self.frames if frames is None else frames):
                grey = self.picture(index, stream.width, stream.height)
                frame = av.VideoFrame.from_ndarray(grey, "gray").reformat(format=pixels)
                out.mux(stream.encode(frame))
                if sound is not None:
                    out.mux(sound.encode(_tone(index, rate)))
            out.mux(stream.encode(None))
            if sound is not None:
                out.mux(sound.encode(None))
        return path

    def picture(self, index: int, width: int, height: int) -> NDArray[np.uint8]:
        """Noise, so that frames are large beside headers; its mean says which frame it is."""
        noise = np.random.default_rng(index).uniform(-20, 20, (height, width))
        grey: NDArray[np.uint8] = np.rint(32 + 4 * index + noise - noise.mean()).astype(np.uint8)
        return grey

    def index_of(self, rgb: NDArray[Any]) -> int:
        """The index that `picture` wrote."""
        return round((float(rgb.mean()) * 255 / np.iinfo(rgb.dtype).max - 32) / 4)

    def cut(self, path: Path, fraction: float) -> Path:
        """The first part of a file under a new name, as an interrupted copy leaves it."""
        data = path.read_bytes()
        short = path.with_name(f"cut_{path.name}")
        short.write_bytes(data[: int(len(data) * fraction)])
        return short


def _tone(index: int, rate: Fraction) -> av.AudioFrame:
    count = int(48000 / rate)
    time = (index * count + np.arange(count)) / 48000
    samples = (0.02 * (index + 1) * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
    frame.sample_rate = 48000
    frame.pts = index * count
    return frame
