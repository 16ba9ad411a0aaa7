"""Which scenes and frames of a test set are measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby

from lrhdr.contract import WINDOWS
from lrhdr.data.layouts import TestScene
from lrhdr.data.layouts.scene import measurable
from lrhdr.errors import InputError


def choose(scenes: Sequence[TestScene], wanted: str | None) -> list[TestScene]:
    """The first N scenes, or those named.

    Args:
        scenes: of the set, in its order.
        wanted: a number, names with commas between, or None for all.

    Raises:
        InputError: a name that the set does not have, or no scene at all.
    """
    if wanted is None:
        return list(scenes)
    if wanted.isdigit() and int(wanted):
        return list(scenes[: int(wanted)])
    by_name = {scene.name: scene for scene in scenes}
    names = [name.strip() for name in wanted.split(",")]
    unknown = [name for name in names if name not in by_name]
    if unknown:
        shown = ", ".join(list(by_name)[:8]) + (", ..." if len(by_name) > 8 else "")
        raise InputError(f"--scenes {unknown[0]!r}", expected=f"a number, or some of {shown}")
    return [by_name[name] for name in dict.fromkeys(names)]


def frames_of(scene: TestScene) -> Sequence[int]:
    """The frames to run: those that are measured; without a truth, as many as could be."""
    return scene.measured or measurable(len(scene), len(scene.ev))


def remembering(scene: TestScene) -> TestScene:
    """The same scene, with the pictures that the methods share read once.

    A window and its surroundings stay in memory, not the scene.
    """
    held = 2 * WINDOWS[len(scene.ev)].frames
    return replace(
        scene,
        read_frame=lru_cache(held)(scene.read_frame),
        read_truth=lru_cache(3)(scene.read_truth),
    )


def runs(indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Rising indices as (first, length) of the stretches in which they follow each other."""
    for _, group in groupby(enumerate(indices), key=lambda pair: pair[1] - pair[0]):
        stretch = [index for _, index in group]
        yield stretch[0], len(stretch)
