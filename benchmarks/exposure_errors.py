"""How far the exposures that `--ev auto` reads from pixels are from the true ones.

    python -m benchmarks.exposure_errors

Clips with known exposures are rendered: a textured HDR picture pans, is exposed, gets gamma 2.2.
Each is estimated as it is, with sensor noise and after x264. Prints the table of
docs/exposures.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.errors import ExposureError
from lrhdr.light import expose
from lrhdr_engines import estimate
from lrhdr_engines.media import open_source

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

_FRAMES = 24
_SIDES = (320, 192)  # width, height
_SCENES = 3
_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)  # EV between neighbouring levels
_PAN = 1.5  # pixels a frame


def scene(seed: int, width: int, height: int) -> NDArray[np.float32]:
    """A textured HDR picture (height, width, 3), median about 1, some 12 stops wide."""
    rng = np.random.default_rng(seed)
    stops = np.zeros((height, width, 3), np.float32)
    for blur, weight in ((height / 4, 2.0), (height / 16, 1.0), (2.0, 0.5)):
        noise = rng.normal(size=(height, width, 1)).astype(np.float32)
        tint = 0.3 * rng.normal(size=(height, width, 3)).astype(np.float32)
        smooth = cv2.GaussianBlur(noise + tint, (0, 0), blur)
        stops += weight * smooth / smooth.std()
    picture: NDArray[np.float32] = np.exp2(stops - np.median(stops)).astype(np.float32)
    return picture


def render(
    ev: Sequence[float],
    count: int,
    *,
    seed: int = 0,
    size: tuple[int, int] = (96, 64),
    pan: float = _PAN,
    noise: float = 1.0,
    dtype: type[np.uint8] | type[np.uint16] = np.uint8,
    middle: float = 0.2,
) -> list[Pixels]:
    """Frames (H, W, 3) of a slow pan whose frame i has the exposure `ev[i % len(ev)]`.

    Args:
        ev: EVs in cycle order; only their differences matter.
        count: frames.
        seed: of the picture and the noise.
        size: width, height.
        pan: pixels a frame, to the right.
        noise: 1 for read noise of 1/2000 of white and shot noise of 1.4 % at white; 0 for none.
        dtype: uint8 or uint16 codes.
        middle: where the mean of the levels puts the picture's median, linear, of white.
    """
    width, height = size
    picture = scene(seed, width + int(pan * count) + 2, height)
    rng = np.random.default_rng(seed + 1)
    anchor = (min(ev) + max(ev)) / 2
    white = np.iinfo(dtype).max
    frames: list[Pixels] = []
    for index in range(count):
        shift = np.array([[1.0, 0.0, pan * index], [0.0, 1.0, 0.0]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        seen = cv2.warpAffine(picture, shift, size, flags=flags)
        light = seen * np.float32(middle * 2.0 ** (ev[index % len(ev)] - anchor))
        sigma = noise * np.sqrt(0.0005**2 + 0.0002 * np.minimum(light, 1.0))
        light = light + sigma * rng.normal(size=light.shape)
        codes = np.rint(expose(light, 1.0) * white)
        frames.append(codes.astype(np.uint8) if dtype is np.uint8 else codes.astype(np.uint16))
    return frames


def compressed(frames: Sequence[Pixels], crf: int) -> list[Pixels]:
    """The frames as x264 stores them (4:2:0, limited range, preset medium)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w") as out:
            stream: Any = out.add_stream("libx264", rate=25)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            stream.options = {"crf": str(crf), "threads": "1"}
            for rgb in frames:
                out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
            out.mux(stream.encode(None))
        with open_source(path) as source:
            return [frame.rgb for frame in source.frames()]


@dataclass(slots=True)
class Tally:
    """What became of the clips of one row."""

    raw: list[float] = field(default_factory=list)  # EV, measured step minus true step
    final: list[float] = field(default_factory=list)  # EV, |stated step minus true step|
    confidence: list[float] = field(default_factory=list)
    refused: int = 0
    wrong: int = 0  # period or phase

    def add(self, frames: Sequence[Pixels], ev: Sequence[float]) -> None:
        """Estimate a clip whose EVs are known."""
        try:
            found = estimate.estimate_exposures(frames)
            with mock.patch.object(estimate, "GRIDS", ()):  # as measured, before rounding
                measured = estimate.estimate_exposures(frames).ev
        except ExposureError:
            self.refused += 1
            return
        if found.period != len(ev) or found.phase != int(np.argmax(ev)):
            self.wrong += 1
            return
        order = np.argsort(ev)
        truth = np.diff(np.asarray(ev)[order])
        self.raw += list(np.diff(np.asarray(measured)[order]) - truth)
        self.final += list(abs(np.diff(np.asarray(found.ev)[order]) - truth))
        self.confidence.append(found.confidence)

    def row(self, name: str, period: int) -> str:
        """A line of the table."""
        clips = len(self.confidence) + self.refused + self.wrong
        start = f"| {name} | {period} | {clips} | {self.refused} | {self.wrong} |"
        if not self.raw:
            return start + " | | | |"
        raw = np.array(self.raw)
        figures = f" {np.median(raw):+.3f} | {abs(raw).max():.3f} | {max(self.final):.3f} |"
        return start + figures + f" {min(self.confidence):.2f} |"


def cycles(period: int) -> Iterator[tuple[float, ...]]:
    """Every step at every phase, in EV."""
    for step in _STEPS:
        levels = [step * k for k in range(period)]
        for phase in range(period):
            yield tuple(levels[phase:] + levels[:phase])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--scenes", type=int, default=_SCENES, help="pictures (default %(default)s)"
    )
    scenes = parser.parse_args().scenes
    print(
        "| frames | cycle | clips | refused | wrong period or phase "
        "| median shift, EV | worst, EV | worst as stated, EV | least confidence |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    plain: dict[str, dict[str, Any]] = {
        "16 bit, no noise": {"noise": 0.0, "dtype": np.uint16},
        "8 bit, no noise": {"noise": 0.0},
        "8 bit, noise": {},
    }
    for period in (2, 3):
        tallies: dict[str, Tally] = {}
        for seed in range(scenes):
            for ev in cycles(period):
                made = {
                    name: render(ev, _FRAMES, seed=seed, size=_SIDES, **how)
                    for name, how in plain.items()
                }
                for crf in (18, 23, 28):
                    made[f"8 bit, noise, x264 crf {crf}"] = compressed(made["8 bit, noise"], crf)
                for name, frames in made.items():
                    tallies.setdefault(name, Tally()).add(frames, ev)
        for name, tally in tallies.items():
            print(tally.row(name, period), flush=True)


if __name__ == "__main__":
    main()
