"""The clip and its uninterrupted runs, made once for all cases."""

from __future__ import annotations

from pathlib import Path

from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.faults.case import OUTPUTS
from lrhdr_benchmarks.faults.child import run_child
from lrhdr_benchmarks.faults.clips import EV, make_clip
from lrhdr_benchmarks.faults.result import Reference, frames_of, whole_of
from lrhdr_benchmarks.faults.trial import Lab
from lrhdr_benchmarks.faults.trigger import Plan

_ENGINES = ("fp32", "fp16")


class UnfitError(LrhdrError):
    """The run without a fault fails already, so that faults would tell nothing."""


def make_lab(folder: Path, frames: int, *, stand_in: bool = False) -> Lab:
    """Make them in `folder`.

    Raises:
        UnfitError: a run fails though nothing is injected.
    """
    clip = make_clip(folder / "clip.mkv", frames)
    references = {}
    for engine in _ENGINES:
        references[engine] = _reference(folder / engine, clip, engine, stand_in=stand_in)
        if stand_in:  # the same for both
            references = dict.fromkeys(_ENGINES, references[engine])
            break
    return Lab(folder=folder, clip=clip, frames=frames, references=references, stand_in=stand_in)


def _reference(folder: Path, clip: Path, engine: str, *, stand_in: bool) -> Reference:
    folder.mkdir()
    frames: dict[str, dict[int, str]] = {}
    whole: dict[str, str] = {}
    for pipe in ("y4m:-", "raw:-"):
        names = [pipe] + ([name for name in OUTPUTS if not name.endswith("-")] * (not frames))
        words = [str(clip), "--ev", EV, "--threads", "1", "--engine", engine]
        for name in names:
            words += ["-o", OUTPUTS[name].format(folder)]
        ended = run_child(Plan(fault=None, stand_in=stand_in), words, folder.parent)
        if ended.code != 0:
            said = ended.lines[-1] if ended.lines else "nothing"
            raise UnfitError(f"a run without a fault ended with {ended.code}: {said}")
        for name in names:
            frames[name] = frames_of(name, folder)
            if (digest := whole_of(name, folder, ended.output)) is not None:
                whole[name] = digest
    return Reference(frames, whole)
