"""Scenes written in the layout of the synthetic test set, so that every loader of it reads them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import WINDOWS
from lrhdr.data.layouts.lists import check_cycle, read_names
from lrhdr.data.layouts.scene import Picture, measurable
from lrhdr.data.layouts.synthetic import IMAGES, scene_folder, scene_list
from lrhdr.errors import InputError, OutputError
from lrhdr.light import relative_exposures

SceneToWrite = tuple[str, Sequence[float], Iterable[Picture], Iterable[Picture | None]]
"""(name, EVs of one cycle, frames, truths). Frames: (H, W, 3) in gamma space, [0, 1]. Truths, one
a frame: (H, W, 3) linear in [0, 1], or None for a frame that is not measured."""


def write_synthetic(root: Path, scenes: Iterable[SceneToWrite], exposures: int) -> None:
    """Write scenes that `open_layout(root, "synthetic", exposures)` reads back.

    Frames are stored to 1/65535, truths as RGBE (to 1/128 of a pixel's largest channel).
    A scene is in the set once it is complete: an interrupted call leaves those before it.
    Scenes are added to those that `root` holds already.

    Args:
        root: of the set; made where it does not exist.
        scenes: taken one by one, and their pictures too.
        exposures: in a cycle, 2 or 3.

    Raises:
        InputError: a scene is not of the form above, or too short to measure a frame of it.
        OutputError: a scene of that name exists, or the disk does not take it.
    """
    if exposures not in WINDOWS:
        raise InputError(f"{exposures} exposures", expected="2 or 3")
    for name, ev, frames, truths in scenes:
        if not name.isprintable() or name != name.strip() or not name or Path(name).name != name:
            raise InputError(f"the scene {name!r}", expected="the name of a folder")
        cycle = check_cycle(ev, exposures, f"the scene {name}")
        folder = root / IMAGES / scene_folder(name, exposures)
        if folder.exists():
            raise OutputError(f"{folder} exists", next_step="Choose another name, or remove it")
        part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
        try:
            part.mkdir(parents=True)
            _write_scene(part, name, cycle, frames, truths)
            part.replace(folder)
            _add_line(root / scene_list(exposures), folder.name)
        except OSError as error:
            raise OutputError(f"{folder} cannot be written ({error.strerror})") from None
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _write_scene(
    folder: Path,
    name: str,
    ev: tuple[float, ...],
    frames: Iterable[Picture],
    truths: Iterable[Picture | None],
) -> None:
    cycle = relative_exposures(ev)
    size: tuple[int, ...] | None = None
    stems: list[str] = []
    known: dict[int, str] = {}
    rest = iter(truths)
    for index, frame in enumerate(frames):
        stem = f"{index:04}"
        size = size or frame.shape
        _check(frame, size, f"frame {index} of {name}")
        _write(folder / f"{stem}.tif", np.rint(frame * 65535.0).astype(np.uint16))
        truth = next(rest, None)
        if truth is not None:
            _check(truth, size, f"truth {index} of {name}")
            _write(folder / f"{stem}.hdr", truth.astype(np.float32))
            known[index] = f"{stem}.hdr {cycle[index % len(cycle)]:f}"
        stems.append(stem)
    needed = measurable(len(stems), len(ev))
    surplus = sum(1 for _ in rest)
    if not needed or surplus or not known.keys() >= set(needed):
        raise InputError(
            f"the scene {name} has {len(stems)} frames and {len(known) + surplus} truths",
            expected=f"at least {2 * len(ev) + 1} frames, and a truth for each "
            f"but, if need be, the first and last {len(ev)}",
        )
    _write_lines(folder / "img_list.txt", stems)
    _write_lines(folder / "Exposures.txt", map(repr, ev))
    _write_lines(folder / "hdr_expos.txt", known.values())


def _check(picture: Picture, size: tuple[int, ...], origin: str) -> None:
    if picture.shape != size or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise InputError(
            f"{origin} has the shape {picture.shape}", expected="one shape (H, W, 3) throughout"
        )
    if not (picture.min() >= 0.0 and picture.max() <= 1.0):  # false for NaN too
        raise InputError(
            f"{origin} has values from {picture.min():g} to {picture.max():g}", expected="0 to 1"
        )


def _write(path: Path, pixels: NDArray[Any]) -> None:
    # By way of memory: OpenCV does not say why it could not write a file, the system does.
    _, encoded = cv2.imencode(path.suffix, np.ascontiguousarray(pixels[..., ::-1]))
    path.write_bytes(encoded.tobytes())


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _add_line(path: Path, line: str) -> None:
    """The file with one more line, complete at any moment."""
    lines = read_names(path, "scenes") if path.exists() else []
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    _write_lines(part, dict.fromkeys((*lines, line)))
    part.replace(path)
