"""Frames a second and peak resident memory of lrhdr-run, as a whole process.

python benchmarks/run_cost.py --size 640x360 --size 1280x720
python benchmarks/run_cost.py --size 160x96 --frames 50 --frames 500    # memory against length

Frames of the sample clip are scaled to each size and repeated to each length, written as a
lossless clip and run into the null sink. Python, the model and the clip are loaded in
every run: frames a second are lrhdr-run's own figure, from the first frame to the last, and the
last column is its wall time over that of the slowest of decoding, inference and encoding.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.speed import clips
from lrhdr_benchmarks.speed.whole import run

EXPOSURES = 2


def main() -> None:
    """Print a row for every size and length."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", action="append", help="WIDTHxHEIGHT (640x360)")
    parser.add_argument("--frames", action="append", type=int, help="length of the clip (24)")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--backend", default="auto")
    options = parser.parse_args()
    words = ["--model", options.model, "--backend", options.backend]
    print("| size | frames | frames a second | peak memory, MB | wall to slowest worker |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for size in options.size or ["640x360"]:
            width, height = map(int, size.split("x"))
            for frames in options.frames or [24]:
                clip = Path(folder) / f"{size}-{frames}.mkv"
                clips.write(clip, width, height, EXPOSURES, frames)
                try:
                    cost = run(clip, "null", clips.ev(EXPOSURES), words)
                except LrhdrError as error:
                    sys.exit(str(error))
                clip.unlink()
                row = (
                    size,
                    frames,
                    f"{cost.fps:.2f}",
                    f"{cost.peak_mb:.0f}",
                    f"{cost.to_slowest:.3f}",
                )
                print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
