"""What is in an output, frame by frame, to compare it with that of an uninterrupted run."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import av

from lrhdr_benchmarks.faults.case import PIPES

_FILES = {"hdr10": "hdr10.mp4", "ffv1": "ffv1.mkv", "prores": "prores.mov", "y4m": "flat.y4m"}
EXACT = ("ffv1", "exr", "y4m", *PIPES)


@dataclass(frozen=True, slots=True)
class Reference:
    """An uninterrupted run: by output, the frames' digests; and that of the whole, if it is one."""

    frames: dict[str, dict[int, str]]
    whole: dict[str, str]


def place(name: str, folder: Path) -> Path:
    """The file or folder of an output."""
    return folder / _FILES.get(name, name)


def frames_of(name: str, folder: Path) -> dict[int, str]:
    """Digest of each frame by its number, as far as the output can be read. {} if it is not there.

    A video's number is the frame's time in frames, so that one that is missing or there twice
    shows. Raises what the decoder raises.
    """
    path = place(name, folder)
    if name == "exr":
        files = sorted(path.glob("frame_*.exr")) if path.is_dir() else []
        return {int(file.stem[-6:]): _digest(file.read_bytes()) for file in files}
    if not path.exists():
        return {}
    found: dict[int, str] = {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate
        if rate is None or stream.time_base is None:
            raise ValueError(f"{path} says no rate")
        for frame in container.decode(stream):
            if frame.pts is None:
                raise ValueError(f"a frame of {path} has no time")
            number = round(frame.pts * stream.time_base * rate)
            if number in found:
                raise ValueError(f"frame {number} is there twice")
            exact = name in EXACT
            found[number] = _digest(frame.to_ndarray().tobytes()) if exact else "there"
    return found


def whole_of(name: str, folder: Path, piped: bytes) -> str | None:
    """Digest of all bytes of an output that is one file or stream and the same in every run."""
    if name in PIPES:
        return _digest(piped)
    if name in ("ffv1", "y4m"):
        return _digest(place(name, folder).read_bytes())
    return None


def faults_of(
    name: str, folder: Path, reference: Reference, *, but: Collection[int] = (), upto: int | None
) -> list[str]:
    """What is wrong with a finished output.

    Args:
        name: of the output.
        folder: where it is.
        reference: what it should be.
        but: frames that may differ.
        upto: where it may end early: it holds a beginning, of which so many frames are exact.
    """
    try:
        found = frames_of(name, folder)
    except Exception as error:  # noqa: BLE001 (whatever a decoder says, it is a finding)
        return [f"{name} cannot be read: {error}"]
    wanted = reference.frames[name]
    if upto is not None:
        wanted = {index: wanted[index] for index in range(len(found))}
    wrong = []
    if missing := sorted(set(wanted) - set(found)):
        wrong.append(f"{name} lacks frames {missing}")
    if extra := sorted(set(found) - set(wanted)):
        wrong.append(f"{name} has frames {extra} too many")
    exact = [i for i in wanted if i in found and i not in but and (upto is None or i < upto)]
    if other := [index for index in exact if found[index] != wanted[index]]:
        wrong.append(f"{name} differs in frames {other}")
    return wrong


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
