"""How good the result on the sample clip is, against its ground truth and the classical merges.

python benchmarks/sample_quality.py                  # the shipped model
python benchmarks/sample_quality.py --model my-2e    # a bundle of your own

PSNR_T in dB (and SSIM_T, where scikit-image is installed), by which exposure the
frame was shot at. Nothing is masked and no border is cut.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from lrhdr.baselines import BASELINES
from lrhdr.light import relative_exposures
from lrhdr.metrics import psnr_t, ssim_t
from lrhdr_engines import open_model
from lrhdr_engines.media import open_source
from lrhdr_engines.streaming import Output
from lrhdr_engines.window import context

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
EV = (0.0, -3.0)
NAMES = {
    "ours": "lrhdr",
    "ref": "the reference frame alone",
    "merge": "unaligned merge",
    "dis-mid": "DIS mid-frame merge",
    "dis": "DIS-aligned merge",
    "debevec": "Debevec's merge, unaligned",
}

Picture = NDArray[np.float32]


def truths() -> dict[int, Picture]:
    """Ground truth by frame number, (H, W, 3), linear, 1 where EV -3 clips."""
    found = {}
    for path in sorted((SAMPLES / "truth").glob("frame_*.exr")):
        pixels = np.asarray(oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT), np.float32)
        found[int(path.stem.removeprefix("frame_"))] = pixels * np.float32(2.0 ** min(EV))
    return found


def predictions(output: Output) -> Iterator[tuple[str, Picture]]:
    """Ours and every classical merge of the same window, in the scale of `truths`."""
    yield "ours", output.hdr * np.float32(2.0 ** min(EV))
    exposures = relative_exposures([EV[i % len(EV)] for i in output.window.slots])
    frames = [(frame / np.float32(255)).astype(np.float32) for frame in output.window.frames]
    for name, baseline in BASELINES.items():
        yield name, baseline(frames, exposures)


def measure(model: str) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """(PSNR_T, SSIM_T) of every frame that has a ground truth, by method and exposure."""
    figures: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    opened = open_model(model)
    with open_source(SAMPLES / "alternating_3ev.mov") as source:
        for index, truth in truths().items():
            first, _ = context(len(EV), index, None)
            frames = (frame.rgb for frame in source.frames(first))
            role = "bright" if EV[index % len(EV)] == max(EV) else "dark"
            for output in opened.stream(frames, EV, first=first, start=index, count=1):
                for name, picture in predictions(output):
                    ssim = ssim_t(picture, truth) if find_spec("skimage") else float("nan")
                    figures[name, role].append((psnr_t(picture, truth), ssim))
    return figures


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="lite", help="lite, or the folder of a bundle")
    figures = measure(parser.parse_args().model)
    with_ssim = find_spec("skimage") is not None
    measures = "PSNR_T / SSIM_T" if with_ssim else "PSNR_T"
    print(f"| {measures} | shot at EV 0 | shot at EV -3 | mean |")
    print("| --- | --- | --- | --- |")
    for name, words in NAMES.items():
        bright, dark = (np.mean(figures[name, role], axis=0) for role in ("bright", "dark"))
        cells = [
            f"{p:.2f} / {s:.3f}" if with_ssim else f"{p:.2f}"
            for p, s in (bright, dark, (bright + dark) / 2)
        ]
        print(f"| {words} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
