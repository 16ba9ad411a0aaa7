"""The interpolated frame against the one that optical flow makes, on a test set with truth.

lrhdr-scenes --data hdri --out scenes
python benchmarks/midframe_quality.py scenes

PSNR in dB, gamma space, at the exposure of the neighbours, against the true radiance exposed so.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrhdr.baselines import midframes
from lrhdr.contract import FILM, WINDOWS
from lrhdr.data.layouts import open_layout
from lrhdr.light import expose
from lrhdr.metrics import psnr
from lrhdr_engines.backends import open_backend
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.padding import crop, pad
from lrhdr_engines.reconstruct import normalised


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenes", type=Path, help="in the synthetic layout")
    parser.add_argument("--exposures", type=int, default=2)
    parser.add_argument("--model", default="lite")
    options = parser.parse_args()
    bundle = Bundle.open(options.model, options.exposures)
    multiple = bundle.manifest.multiple
    film = open_backend().load(bundle.graph(FILM, "fp32"), "fp32", None)
    window = WINDOWS[options.exposures]
    figures: dict[tuple[str, str], list[float]] = defaultdict(list)
    for scene in open_layout(options.scenes, "synthetic", options.exposures):
        for t in scene.measured:
            truth = scene.read_truth(t)
            frames = [scene.read_frame(t + offset) for offset in window.offsets]
            exposures = [scene.exposures[t + offset] for offset in window.offsets]
            if truth is None:
                continue
            flowed = midframes(frames, exposures)
            for step, by_flow in zip(window.interpolations, flowed, strict=True):
                e_reference, e = exposures[window.reference], exposures[step.a]
                planes = [pad(normalised(frames[k]), multiple) for k in (step.a, step.b)]
                feeds = {
                    "a": planes[0],
                    "b": planes[1],
                    "time": np.array([step.time], np.float32),
                    "reference": pad(normalised(frames[window.reference]), multiple),
                    "exposures": np.array([e_reference, e], np.float32),
                }
                found = crop(film.run(feeds)["interpolated"][0], *truth.shape[:2])
                target = expose(truth, e)
                side = "bright neighbours" if e > e_reference else "dark neighbours"
                average = (frames[step.a] + frames[step.b]) / 2
                pictures: dict[str, NDArray[np.float32]] = {
                    "average of the two": average.astype(np.float32),
                    "DIS mid-frame": expose(by_flow, e).astype(np.float32),
                    "interpolator": found.transpose(1, 2, 0),
                }
                for name, picture in pictures.items():
                    figures[name, side].append(psnr(picture, target))
    sides = sorted({side for _, side in figures})
    print(f"| | {' | '.join(sides)} |\n| --- |{' --- |' * len(sides)}")
    for name in dict.fromkeys(name for name, _ in figures):
        cells = " | ".join(f"{np.mean(figures[name, side]):.2f}" for side in sides)
        print(f"| {name} | {cells} |")


if __name__ == "__main__":
    main()
