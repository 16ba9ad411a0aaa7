"""Which methods an evaluation compares, by what the command line names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrhdr.baselines import BASELINES
from lrhdr.errors import InputError
from lrhdr_benchmarks.evaluate.bundle import BundleMethod
from lrhdr_benchmarks.evaluate.method import Method
from lrhdr_benchmarks.evaluate.windowed import Windowed

_CHECKPOINT = ".safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodChoice:
    """What to compare.

    Attributes:
        models: shipped models, folders of bundles, or .safetensors files.
        against: names of `lrhdr.baselines.BASELINES` with commas between; may be empty.
        hdrflow: a clone of HDRFlow, or None.
        hdrflow_checkpoint: its weights; None for those in the clone.
    """

    models: Sequence[str] = ()
    against: str = ""
    hdrflow: Path | None = None
    hdrflow_checkpoint: Path | None = None


def open_methods(choice: MethodChoice, exposures: int) -> list[Method]:
    """The models first, then HDRFlow, then the classical methods, each in the order given.

    Raises:
        InputError: a classical method that does not exist, two of one name, or none at all.
        BundleError: a model cannot be opened.
    """
    classical = [name.strip() for name in choice.against.split(",") if name.strip()]
    for name in classical:
        if name not in BASELINES:
            raise InputError(f"the method {name!r}", expected=f"some of {', '.join(BASELINES)}")
    if choice.hdrflow_checkpoint and not choice.hdrflow:
        raise InputError("a checkpoint of HDRFlow without a clone", next_step="Give --hdrflow")
    methods: list[Method] = [_open_model(model, exposures) for model in choice.models]
    if choice.hdrflow:
        methods.append(_open_hdrflow(choice.hdrflow, choice.hdrflow_checkpoint, exposures))
    methods += [_open_classical(name) for name in classical]
    names = [method.name for method in methods]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two methods named {name!r}", expected="each name once")
    if not methods:
        raise InputError("nothing to measure", expected="a --model, or a method --against")
    return methods


def _open_model(model: str, exposures: int) -> Method:
    path = Path(model)
    if path.suffix != _CHECKPOINT:
        return BundleMethod(model, exposures, path.resolve().name)
    from lrhdr_benchmarks.evaluate.checkpoint import CheckpointMethod

    # lrhdr-train names every file weights.safetensors; its folder tells runs apart.
    name = path.resolve().parent.name if path.stem == "weights" else path.stem
    return CheckpointMethod(path, exposures, name)


def _open_hdrflow(clone: Path, checkpoint: Path | None, exposures: int) -> Method:
    from lrhdr_benchmarks.evaluate.hdrflow import HdrFlow, own_checkpoint

    weights = checkpoint or own_checkpoint(clone, exposures)
    network = HdrFlow(clone, weights, exposures)
    about = f"HDRFlow, {weights}"
    return Windowed(name="hdrflow", about=about, merge=network.reconstruct)


def _open_classical(name: str) -> Method:
    merge = BASELINES[name]
    about = (merge.__doc__ or "").partition("\n")[0]
    return Windowed(name=name, about=about, merge=merge)
