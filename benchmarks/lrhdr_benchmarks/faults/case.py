"""What one injected run is: drawn from its seed, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Fault = Literal[
    "disk full",
    "file size limit",
    "read error",
    "clip truncated",
    "decoder raises",
    "encoder fails",
    "inference fails",
    "worker raises",
    "damaged frame",
    "not finite",
    "black",
    "blown",
    "slow source",
    "slow sink",
    "SIGINT",
    "SIGINT twice",
    "SIGTERM",
    "SIGKILL",
    "SIGKILL twice",
    "pipe closed",
]
SIGNALS: tuple[Fault, ...] = ("SIGINT", "SIGINT twice", "SIGTERM", "SIGKILL", "SIGKILL twice")
GUARDED: tuple[Fault, ...] = ("not finite", "black", "blown")
HARMLESS: tuple[Fault, ...] = ("damaged frame", *GUARDED, "slow source", "slow sink")
# They wait for the next read, encode, ...: the reader is many frames ahead of what is written.
_EARLY: tuple[Fault, ...] = (
    "read error",
    "clip truncated",
    "decoder raises",
    "encoder fails",
    "inference fails",
    "worker raises",
    "slow source",
    "slow sink",
)
# Name: what follows -o; {} is the folder.
OUTPUTS = {
    "hdr10": "{}/hdr10.mp4",
    "ffv1": "ffv1:{}/ffv1.mkv",
    "exr": "{}/exr/",
    "prores": "prores:{}/prores.mov",
    "y4m": "{}/flat.y4m",
    "y4m:-": "y4m:-",
    "raw:-": "raw:-",
}
PIPES = ("y4m:-", "raw:-")
VIDEOS = ("hdr10", "ffv1", "prores")  # which are put on the disk segment by segment
FRAME_RATE = 4
SEGMENT = 2 * FRAME_RATE  # frames: a video's are put on the disk every two seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run with one fault.

    Attributes:
        seed: all else follows from it, and from the length of the clip.
        fault: what happens.
        outputs: keys of OUTPUTS.
        frame: it happens once this output is written; -1 before the first.
        event: it happens at this file operation in the output's folder instead; None: at `frame`.
        amount: in [0, 1), what else the fault leaves open: how much, how long, in which worker.
        engine: --engine.
        again: the same of the second kill.
    """

    seed: int
    fault: Fault
    outputs: tuple[str, ...]
    frame: int
    event: int | None
    amount: float
    engine: Literal["fp32", "fp16"] = "fp32"
    again: tuple[int, int | None] = (0, None)

    @property
    def piped(self) -> str | None:
        """The output that goes to standard output."""
        return next((name for name in self.outputs if name in PIPES), None)


def draw(seed: int, frames: int, faults: Sequence[Fault]) -> Case:
    """The case of a seed. Seeds in a row go through all of `faults`."""
    rng = random.Random(seed)
    fault = faults[seed % len(faults)]
    files = ["hdr10", "ffv1", "exr", "prores", "y4m"]
    count = rng.choice([1, 1, 2, 3])
    outputs = rng.sample(files, count)
    if fault == "pipe closed":
        outputs = [rng.choice(PIPES), *rng.sample(files[:3], count - 1)]
    if fault == "encoder fails" and not {*VIDEOS, "exr"} & set(outputs):
        outputs = ["hdr10", *outputs]
    if fault in HARMLESS and not {"ffv1", "exr"} & set(outputs):
        outputs = [rng.choice(["ffv1", "exr"]), *outputs]

    def point() -> tuple[int, int | None]:
        return rng.randrange(-1, frames), rng.randrange(_operations(outputs, frames))

    (frame, event), again = point(), point()
    by_event = fault in SIGNALS and rng.random() < 0.5
    if fault in _EARLY:
        frame = rng.randrange(-1, frames // 3)
    if fault == "damaged frame":  # at the clip's end it would be one that is cut off
        frame = min(frame, frames - 2)
    return Case(
        seed=seed,
        fault=fault,
        outputs=tuple(outputs),
        frame=max(frame, 0) if fault in (*HARMLESS, "clip truncated") else frame,
        event=event if by_event else None,
        amount=rng.random(),
        engine="fp16" if fault in GUARDED and rng.random() < 0.3 else "fp32",
        again=again if rng.random() < 0.5 else (again[0], None),
    )


def _operations(outputs: Sequence[str], frames: int) -> int:
    """What a whole run does to files, as counted, so that every moment is as likely."""
    videos = len(set(VIDEOS) & set(outputs))
    images, flat = outputs.count("exr"), outputs.count("y4m")
    return videos * (11 + 4 * -(-frames // SEGMENT)) + images * (5 + frames) + 3 * flat + 1
