"""Frames a second and peak resident memory of lrhdr-run, as a whole process.

python benchmarks/run_cost.py --size 640x360 --size 1280x720
python benchmarks/run_cost.py --size 160x96 --frames 50 --frames 500    # memory against length

The sample clip is scaled to each size and repeated to each length, written as a
lossless clip and run into the null sink. Python, the model and the clip are loaded in
every run: `fps` is lrhdr-run's own figure, from the first frame to the last.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "alternating_3ev.mov"
CYCLES = 12  # frames of the sample that are repeated, a whole number of cycles


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one run: outputs a second, peak resident memory in MB."""

    fps: float
    peak_mb: float


def write_clip(path: Path, width: int, height: int, frames: int) -> None:
    """The sample at another size and length, as lossless FFV1."""
    with av.open(str(SAMPLE)) as source:
        pictures = [f.to_ndarray(format="rgb24") for f in source.decode(video=0)][:CYCLES]
    scaled = [cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA) for p in pictures]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for i in range(frames):
            pixels = np.dstack([scaled[i % CYCLES][..., ::-1], np.zeros((height, width), np.uint8)])
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "bgra")
            container.mux(stream.encode(picture.reformat(format="bgr0")))
        container.mux(stream.encode(None))


def measure(clip: Path, options: list[str]) -> Cost:
    """Run the command once."""
    command = [sys.executable, "-c", "from lrhdr_engines.cli.run import main; main()"]
    command += [str(clip), "-o", "null", "--ev", "0,-3", "--json", "-", *options]
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        facts = json.load(out)
    if status:
        raise SystemExit(f"lrhdr-run failed: {facts.get('note')}")
    # Linux counts kilobytes, macOS bytes.
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return Cost(fps=facts["frames_per_second"], peak_mb=usage.ru_maxrss / unit)


def main() -> None:
    """Print a row for every size and length."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", action="append", help="WIDTHxHEIGHT (640x360)")
    parser.add_argument("--frames", action="append", type=int, help="length of the clip (24)")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--backend", default="auto")
    options = parser.parse_args()
    print("| size | frames | frames a second | peak memory, MB |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for size in options.size or ["640x360"]:
            width, height = map(int, size.split("x"))
            for frames in options.frames or [24]:
                clip = Path(folder) / f"{size}-{frames}.mkv"
                write_clip(clip, width, height, frames)
                cost = measure(clip, ["--model", options.model, "--backend", options.backend])
                clip.unlink()
                print(f"| {size} | {frames} | {cost.fps:.2f} | {cost.peak_mb:.0f} |", flush=True)


if __name__ == "__main__":
    main()
