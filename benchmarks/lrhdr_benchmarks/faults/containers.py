"""Damaged containers: reading one gives its frames or an LrhdrError, in bounded time and memory.

python -m lrhdr_benchmarks.faults.containers --seeds 300

Every case is one seed: a small clip, damaged as the seed says, read to its end by a process of its
own with limits on time and memory, since FFmpeg itself may crash.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np

from lrhdr.errors import IncompleteError, LrhdrError
from lrhdr_engines.media import open_source

Ending = Literal["whole", "concealed", "incomplete", "refused", "crash", "hang", "traceback"]
BAD: tuple[Ending, ...] = ("crash", "hang", "traceback")

SECONDS = 30.0
MEMORY_BYTES = 4 << 30  # of address space: libraries and their threads take one or two of it
_PRELOADED = ("lrhdr_engines.media.video",)
_HEAD = 64 << 10
_FRAMES = 24
_H264 = {"g": "8", "bf": "2", "x264-params": "scenecut=0"}
# Name: encoder, pixel format, options of the encoder, options of the container.
_CLIPS: dict[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    "h264.mov": ("libx264", "yuv420p", _H264, {}),
    "fast.mp4": ("libx264", "yuv420p", _H264, {"movflags": "+faststart"}),
    "parts.mp4": ("libx264", "yuv420p", _H264, {"movflags": "+frag_keyframe+empty_moov"}),
    "h264.mkv": ("libx264", "yuv420p", _H264, {}),
    "h264.avi": ("libx264", "yuv420p", _H264, {}),
    "h264.ts": ("libx264", "yuv420p", _H264, {}),
    "hevc.mp4": ("libx265", "yuv420p10le", {"x265-params": "keyint=8:log-level=none"}, {}),
    "mjpeg.avi": ("mjpeg", "yuvj420p", {}, {}),
    "prores.mov": ("prores_ks", "yuv422p10le", {}, {"movflags": "+faststart"}),
    "ffv1.mkv": ("ffv1", "yuv420p", {"level": "3"}, {}),
    "raw.y4m": ("wrapped_avframe", "yuv420p", {}, {}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one case ended: `note` is the error's line, the signal or the traceback."""

    seed: int
    clip: str
    damage: str
    ending: Ending
    frames: int = 0
    peak_mib: int = 0
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether it ended in frames or an error of ours."""
        return self.ending not in BAD


def make_clips(folder: Path) -> list[Path]:
    """The clips that are damaged: 24 frames each, in every container and codec that is common."""
    clips = []
    for name, (codec, pixels, options, container) in _CLIPS.items():
        path = folder / name
        muxer = "yuv4mpegpipe" if name.endswith(".y4m") else None
        with av.open(str(path), "w", format=muxer, options=container) as out:
            stream: Any = out.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
            stream.options = options
            for index in range(_FRAMES):
                noise = np.random.default_rng(index).integers(0, 60, (64, 96))
                grey = (noise + (60 if index % 2 else 160)).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(grey, "gray").reformat(format=pixels)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        clips.append(path)
    return clips


def damaged(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    """A file's bytes with damage that `rng` chooses, and what was done."""
    kind = rng.choice(["flips", "zeros", "noise", "cut", "lost", "twice"])
    # Headers are worth as many tries as all the rest.
    size = min(_HEAD, len(data)) if rng.random() < 0.3 else len(data)
    size = min(size, 1024) if rng.random() < 0.3 else size
    start = rng.randrange(size)
    stop = min(len(data), start + int(2 ** rng.uniform(0, 14)))
    if kind == "flips":
        changed = bytearray(data)
        count = int(2 ** rng.uniform(0, 7))
        for _ in range(count):
            changed[rng.randrange(size)] ^= 1 << rng.randrange(8)
        return bytes(changed), f"{count} bits flipped in the first {size} bytes"
    block = {
        "zeros": bytes(stop - start),
        "noise": rng.randbytes(stop - start),
        "cut": b"",
        "lost": b"",
        "twice": 2 * data[start:stop],
    }[kind]
    rest = b"" if kind == "cut" else data[stop:]
    return data[:start] + block + rest, f"{kind} from byte {start} to {stop}"


def run(seed: int, clips: list[Path], seconds: float = SECONDS) -> Outcome:
    """One case: the same seed and clips damage the same bytes."""
    rng = random.Random(seed)
    clip = rng.choice(clips)
    data, what = damaged(clip.read_bytes(), rng)
    with tempfile.TemporaryDirectory() as folder:
        broken = Path(folder) / clip.name
        broken.write_bytes(data)
        ending, frames, peak, note = _in_a_child(broken, seconds)
    return Outcome(
        seed=seed,
        clip=clip.name,
        damage=what,
        ending=ending,
        frames=frames,
        peak_mib=peak,
        note=note,
    )


def campaign(
    seeds: Iterable[int], clips: list[Path], report: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """Every seed's outcome; `report` sees each as it comes."""
    outcomes = []
    for seed in seeds:
        outcomes.append(run(seed, clips))
        if report is not None:
            report(outcomes[-1])
    return outcomes


def _in_a_child(path: Path, seconds: float) -> tuple[Ending, int, int, str]:
    # From a server that has only imported this: a fork of a process with threads may lock up.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lrhdr_benchmarks.faults.containers", *_PRELOADED])
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_read, args=(path, sender))
    child.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            return "hang", 0, 0, f"nothing after {seconds:g} s"
        result: tuple[Ending, int, int, str] = receiver.recv()
    except EOFError:
        child.join()
        return "crash", 0, 0, f"exit code {child.exitcode}"
    else:
        child.join(seconds)  # a crash or a hang while it lets go counts as well
        if child.is_alive():
            return "hang", *result[1:3], "did not end after reading"
        return result if child.exitcode == 0 else ("crash", 0, 0, f"exit code {child.exitcode}")
    finally:
        child.kill()
        child.join()
        receiver.close()


def _read(path: Path, sender: Connection) -> None:
    """Read a clip to its end under a limit of memory, and send how that ended."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    frames = 0
    lost = 0
    ending: Ending
    try:
        with open_source(path) as source:
            for frame in source.frames():
                frames += 1
                lost += frame.damaged
        ending, note = ("concealed" if lost else "whole"), f"{lost} frames concealed"
    except IncompleteError as error:
        ending, note = "incomplete", str(error)
    except LrhdrError as error:
        ending, note = "refused", str(error)
    except BaseException:  # noqa: BLE001 (it is what is looked for)
        ending, note = "traceback", traceback.format_exc()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sender.send((ending, frames, peak, note))
    sender.close()


def main() -> int:
    """A campaign on the screen; exit code 1 if any case ended badly."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=300, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()

    def report(outcome: Outcome) -> None:
        if not outcome.good:
            print(outcome, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        seeds = range(options.first, options.first + options.seeds)
        outcomes = campaign(seeds, make_clips(Path(folder)), report)
    print(f"seeds {seeds.start} to {seeds.stop - 1}; at most {SECONDS:g} s a case")
    for ending, count in Counter(outcome.ending for outcome in outcomes).most_common():
        print(f"{ending:>11} {count}")
    print(f"peak memory {max(outcome.peak_mib for outcome in outcomes)} MiB")
    return int(not all(outcome.good for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
