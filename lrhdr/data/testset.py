"""Test scenes rendered from photographs, in the measure of the literature's synthetic test set.

What is measured on them, nothing may be trained on: take photographs apart
(`lrhdr.data.images.split`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lrhdr.contract import WINDOWS
from lrhdr.data.camera import record
from lrhdr.data.draw import MotionSettings, draw_scene
from lrhdr.data.images import Image
from lrhdr.data.scenes import Floats

EV = {2: (0.0, 3.0), 3: (0.0, 2.0, 4.0)}  # the literature's
_PERCENTILE = 99.5  # of the first frame: where the shortest exposure saturates
_MOTION = MotionSettings(
    speed=10.0, shake=0.8, blurred=0.0, defocused=0.1, scale=(1.0, 1.5), acceleration=0.1
)
_STILL = MotionSettings(
    speed=0.0, turn=0.0, zoom=0.0, acceleration=0.0, shake=0.0, blurred=0.0, bent=0.0, cutouts=2
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSet:
    """What to render.

    Attributes:
        exposures: Ne, at the steps of `EV`.
        scenes: how many.
        frames: of each scene; the first and last 2 (2E) or 3 (3E) are not measured.
        size: (H, W).
        noise: range of the standard deviation of linear noise in all but the longest exposure.
        still: static scenes, on which flicker is measured.
        seed: of everything.
    """

    __test__ = False  # not a test class, whatever pytest makes of the name

    exposures: int
    scenes: int = 16
    frames: int = 8
    size: tuple[int, int] = (256, 384)
    noise: tuple[float, float] = (1e-3, 3e-3)
    still: bool = False
    seed: int = 1


Rendered = tuple[str, tuple[float, ...], list[Floats], list[Floats]]


def render(photographs: Sequence[Image], wanted: TestSet) -> Iterator[Rendered]:
    """(name, EV cycle, frames, truths) of every scene; scenes start with each exposure in turn.

    Frames (H, W, 3) are in gamma space, [0, 1], of 16 bits; truths linear, [0, 1].
    """
    count = WINDOWS[wanted.exposures].exposures
    for index in range(wanted.scenes):
        rng = np.random.default_rng((wanted.seed, index))
        moments = [float(t - wanted.frames // 2) for t in range(wanted.frames)]
        shuffled = [photographs[i] for i in rng.permutation(len(photographs))]
        motion = _STILL if wanted.still else _MOTION
        scene = draw_scene(rng, shuffled, moments, wanted.size, motion)
        light = [scene.radiance(i) for i in range(wanted.frames)]
        peak = max(float(np.percentile(light[0], _PERCENTILE)), 1e-6)
        truths = [np.clip(frame / peak, 0.0, 1.0).astype(np.float32) for frame in light]
        turn = index % count
        cycle = (*EV[count][turn:], *EV[count][:turn])
        sigma = float(rng.uniform(*wanted.noise))
        frames = []
        for i, truth in enumerate(truths):
            ev = cycle[i % count]
            noise = sigma if ev < max(cycle) else 0.0
            frames.append(record(rng, truth, 2.0 ** (ev - min(cycle)), noise, 65536))
        yield f"{index:03}_{'still' if wanted.still else 'moving'}", cycle, frames, truths
