"""Folders of ordinary footage: clips, and runs of numbered pictures such as Vimeo-90K's septuplets.

Whatever it is, it is read as a run of frames; `has_cut` says whether one shot fills the run.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from lrhdr.data.clips import SUFFIXES, Codes, open_clip
from lrhdr.errors import TrainingError

PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff")
VIMEO_LIST = "sep_trainlist.txt"  # names of the septuplets in sequences/ to train on

_THUMBNAIL = (16, 9)
_FAINT = 0.01  # of the range; less contrast than this is noise
# Change of the picture from one frame to the next. Measured: up to 0.30 within shots at 12 frames
# a second with cars going by; from 0.44 on between 99 of 100 pairs of different photographs.
_CUT = 0.4


class Footage(Protocol):
    """Frames in the order they were taken."""

    @property
    def path(self) -> Path:
        """The file or folder, to name it by."""
        ...

    def __len__(self) -> int:
        """How many there are."""
        ...

    def read(self, first: int, count: int) -> list[Codes]:
        """Frames `first` to `first + count - 1`, each (H, W, 3), 8 bits; or a TrainingError."""
        ...


@dataclass(frozen=True, slots=True)
class PictureRun:
    """Pictures of one folder, numbered without a gap."""

    path: Path
    names: tuple[str, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def read(self, first: int, count: int) -> list[Codes]:
        """See `Footage`."""
        frames: list[Codes] = []
        for name in self.names[first : first + count]:
            picture = cv2.imread(str(self.path / name), cv2.IMREAD_COLOR)
            if picture is None:
                raise TrainingError(f"{self.path / name} cannot be read as a picture")
            if frames and picture.shape != frames[0].shape:
                raise TrainingError(f"{self.path / name} is not as large as the one before it")
            frames.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
        return frames


def find_footage(root: Path, shortest: int) -> list[Footage]:
    """Everything below `root` that has `shortest` frames or more, in a fixed order.

    Clips that cannot be read or are too short are named in a warning and left out, and
    so are folders in Vimeo-90K's list that hold no such run.

    Raises:
        TrainingError: nothing is left.
    """
    found: list[Footage] = []
    for source in _sources(root, shortest):
        try:
            footage = open_clip(source) if isinstance(source, Path) else source
            if len(footage) < shortest:
                raise TrainingError(
                    f"{footage.path} has {len(footage)} frames in a row",
                    expected=f"{shortest} or more",
                )
            found.append(footage)
        except TrainingError as error:
            warnings.warn(f"left out: {error}", stacklevel=2)
    if not found:
        raise TrainingError(
            f"{root} holds no footage of {shortest} frames or more",
            expected=f"{', '.join(SUFFIXES)} files, or folders of numbered pictures",
        )
    return found


def _sources(root: Path, shortest: int) -> Iterator[Path | PictureRun]:
    """Clips and runs, unopened. Short runs are given only where a list promises a long one."""
    chosen = root / VIMEO_LIST
    if chosen.is_file():
        for line in filter(None, map(str.strip, chosen.read_text().splitlines())):
            folder = root / "sequences" / line
            names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
            yield max(_runs(folder, names), key=len, default=PictureRun(folder, ()))
        return
    for place, folders, names in os.walk(root):
        folders.sort()
        yield from (Path(place, n) for n in sorted(names) if Path(n).suffix.lower() in SUFFIXES)
        yield from (run for run in _runs(Path(place), names) if len(run) >= shortest)


def _runs(folder: Path, names: Iterable[str]) -> Iterator[PictureRun]:
    """The pictures of a folder, split where the number does not go up by one."""
    numbered = []
    for name in names:
        path = Path(name)
        match = re.fullmatch(r"(.*?)(\d+)", path.stem)
        if match and path.suffix.lower() in PICTURES:
            numbered.append((match[1], path.suffix, int(match[2]), name))
    run: list[str] = []
    before: tuple[str, str, int] | None = None
    for prefix, suffix, number, name in sorted(numbered):
        if run and before != (prefix, suffix, number - 1):
            yield PictureRun(folder, tuple(run))
            run = []
        run.append(name)
        before = (prefix, suffix, number)
    if run:
        yield PictureRun(folder, tuple(run))


def has_cut(frames: Sequence[Codes]) -> bool:
    """Whether the picture becomes another one somewhere: a hard cut or a flash, not a dissolve.

    Between thumbnails a and b of successive frames the change is
    mean((a - b)^2) / (var(a) + var(b) + faint^2): 0 for equal pictures, about 1 for
    unrelated ones, whatever their contrast.
    """
    small = [
        cv2.resize(f, _THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float64) / 255.0
        for f in frames
    ]
    return any(
        ((a - b) ** 2).mean() > _CUT * (a.var() + b.var() + _FAINT**2) for a, b in pairwise(small)
    )
