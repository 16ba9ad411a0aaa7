"""Renders the sample clip and its ground truth from one HDR photograph.

python samples/make.py esplanade.hdr     # samples/README.md says where it is from

A hand-held camera pans over the photograph while two cut-outs of it cross the
picture, one darker and one brighter. Every second frame is shot 3 EV darker, as
a Magic Lantern camera does it, in 8-bit H.264, BT.709, limited range.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.data.images import read_image
from lrhdr.data.scenes import Affine, Layer, Scene
from lrhdr.light import BT709, expose, ycbcr_matrix
from lrhdr_engines.media import OutputSettings, open_sink, parse_output

Floats = NDArray[np.float32]

WIDTH, HEIGHT, FRAMES, RATE = 640, 360, 60, Fraction(24)
EV = (0.0, -3.0)
TRUTH = (12, 13, 30, 31)  # frames whose ground truth is kept
# Of the brightest channel, as multiples of the photograph's median: what just clips at EV 0.
CLIPS_AT = 1.6
NOISE = 1.0e-3  # standard deviation in the linear light of each exposure, 1 at its white
CRF = 14


def _shift(x: float, y: float) -> Affine:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _turn(angle: float, x: float, y: float) -> Affine:
    cos, sin = np.cos(angle), np.sin(angle)
    spin = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    matrix: Affine = _shift(x, y) @ spin @ _shift(-x, -y)
    return matrix


def _ellipse(side: int, wide: float, high: float) -> Floats:
    mask = np.zeros((side, side), np.float32)
    axes = (int(wide * side / 2), int(high * side / 2))
    cv2.ellipse(mask, (side // 2, side // 2), axes, 0, 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.8), np.float32)


def scene(photo: Floats, rng: np.random.Generator) -> Scene:
    """The layers and their paths over `FRAMES` moments."""
    t = np.arange(FRAMES)
    pan = 60.0 + 2.6 * t + 14.0 * np.sin(t / 17.0)
    rise = 75.0 + 6.0 * np.sin(t / 11.0)
    shake = np.cumsum(rng.normal(0.0, 0.35, (FRAMES, 2)), axis=0)
    shake = 0.6 * (shake - cv2.blur(shake, (1, 9))) + rng.normal(0.0, 0.12, (FRAMES, 2))
    middle = (WIDTH / 2, WIDTH / 2)
    # The square of the scene is cropped to HEIGHT in the middle.
    offset = (WIDTH - HEIGHT) / 2
    camera = [
        _shift(pan[i] + shake[i, 0], rise[i] + shake[i, 1] - offset)
        @ _turn(0.012 * np.sin(i / 13.0), *middle)
        for i in t
    ]
    layers = [Layer(photo, None, camera)]
    # (size, from the photograph at, brightness, start, speed in pixels a frame, turn)
    things = (
        (150, (620, 250), 0.9, (-90.0, 190.0), (12.0, -0.9), 0.02),
        (110, (330, 90), 1.5, (640.0, 70.0), (-7.0, 1.6), -0.03),
    )
    for size, (left, top), gain, start, speed, turn in things:
        texture = np.ascontiguousarray(photo[top : top + size, left : left + size]) * gain
        paths = []
        for i in t:
            x = start[0] + speed[0] * i + shake[i, 0]
            y = offset + start[1] + speed[1] * i + 5.0 * np.sin(i / 6.0) + shake[i, 1]
            paths.append(_turn(turn * i, size / 2, size / 2) @ _shift(-x, -y))
        layers.append(Layer(texture.astype(np.float32), _ellipse(size, 0.8, 0.95), paths))
    return Scene(layers, WIDTH, WIDTH)


def encode(path: Path, frames: list[Floats]) -> None:
    """Gamma-space RGB frames as 8-bit 4:2:0 H.264."""
    matrix = ycbcr_matrix(BT709)
    with av.open(str(path), "w", format="mov") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": str(CRF), "preset": "veryslow"}
        context = stream.codec_context
        context.color_primaries = context.color_trc = context.colorspace = 1  # H.273: BT.709
        context.color_range = 1  # limited
        for frame in frames:
            y, cb, cr = np.moveaxis(frame @ matrix.T, 2, 0)
            # Chroma sits on every second column, between two rows (left siting).
            small = [
                cv2.sepFilter2D(c, -1, np.array([0.25, 0.5, 0.25]), np.array([0.0, 0.5, 0.5]))
                for c in (cb, cr)
            ]
            planes = [16.0 + 219.0 * y, *(128.0 + 224.0 * c[::2, ::2] for c in small)]
            codes = [np.clip(np.rint(p), 0, 255).astype(np.uint8).ravel() for p in planes]
            flat = np.concatenate(codes).reshape(-1, WIDTH)
            picture = av.VideoFrame.from_ndarray(flat, "yuv420p")
            picture.color_range, picture.colorspace = 1, 1
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def main() -> None:
    """Render the clip and its ground truth into the folder of this script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photo", type=Path, help="the HDR photograph (samples/README.md)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to fill")
    options = parser.parse_args()
    photo = read_image(options.photo)  # its median is 1
    rng = np.random.default_rng(4)
    rendered = scene(photo, rng)
    shortest = 2.0 ** min(EV)
    top = (WIDTH - HEIGHT) // 2
    settings = OutputSettings(width=WIDTH, height=HEIGHT, frame_rate=RATE, overwrite=True)
    truth = open_sink(parse_output(f"exr:{options.out / 'truth'}"), settings)
    frames = []
    for i in range(FRAMES):
        light = rendered.radiance(i)[top : top + HEIGHT] / np.float32(CLIPS_AT)
        # What the longest exposure clips first, the shortest clips at 1 / shortest.
        light = np.minimum(light, np.float32(1.0 / shortest))
        exposure = 2.0 ** EV[i % len(EV)]
        noise = rng.normal(0.0, NOISE / exposure, light.shape)
        frames.append(np.asarray(expose(light + noise, exposure), np.float32))
        if i in TRUTH:
            truth.write(i, light, i / RATE)
    truth.close()
    encode(options.out / "alternating_3ev.mov", frames)


if __name__ == "__main__":
    main()
