"""A whole training: a recipe's stages, each from the weights of the one before."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from lrhdr.data.video import VideoItems
from lrhdr.errors import TrainingError
from lrhdr.training import distributed
from lrhdr.training.loop import LoopSettings
from lrhdr.training.recipe import Recipe
from lrhdr.training.stages import StageSettings, train_stage


def run(plan: Recipe, stage: StageSettings, settings: LoopSettings) -> dict[str, float]:
    """Train and say what each stage brought; the last one's figures.

    Args:
        plan: its stages share `settings.steps`.
        stage: `out` gets a folder for each stage and `weights.safetensors`, the last one's.
        settings: of every stage but for the steps.

    Raises:
        TrainingError: the paper's network without a trained FILM, or crops that do not fit the
            network; see also `train_stage`.
    """
    _check(plan, stage)
    with distributed.group():
        return _run(plan, stage, settings)


def _run(plan: Recipe, stage: StageSettings, settings: LoopSettings) -> dict[str, float]:
    figures: dict[str, float] = {}
    out, start = stage.out, stage.start
    for name, share in plan.stages.items():
        steps = max(1, round(share * settings.steps))
        factor = plan.joint_rate if name == "joint" else 1.0
        film, accr, apswf = (factor * rate for rate in stage.rates)
        figures = train_stage(
            name,
            replace(stage, out=out / name, start=start, rates=(film, accr, apswf)),
            replace(settings, steps=steps, warmup=min(settings.warmup, steps // 10)),
        )
        start = out / name / "weights.safetensors"
        if distributed.rank() == 0:
            print(_said(name, figures), flush=True)
    if distributed.rank() == 0 and start is not None:
        _keep(start, out / start.name)
    return figures


def _check(plan: Recipe, stage: StageSettings) -> None:
    """Refuse what no stage could do, and now what one would refuse after hours of another."""
    if stage.config.preset == "paper" and stage.start is None and "interpolator" not in plan.stages:
        raise TrainingError(
            "the paper's network takes a trained FILM, and --start is not given",
            next_step="Make one with lrhdr-export film-weights, or run --stage interpolator first",
        )
    multiple = stage.config.film.multiple
    if stage.windows.side % multiple:
        raise TrainingError(
            f"crops of {stage.windows.side} pixels",
            expected=f"a multiple of {multiple}",
            next_step="Change --side",
        )
    if stage.video is not None and "interpolator" in plan.stages:
        exposures = stage.config.exposures
        VideoItems(stage.video, stage.windows, exposures=exposures, length=1, seed=stage.seed)


def _said(name: str, figures: dict[str, float]) -> str:
    """What a stage has brought, in words."""
    if "ours" not in figures:
        pairs = [
            f"{figures[f'film_{role}']:.2f} dB where the neighbours are {role} "
            f"({figures[f'average_{role}']:.2f} for their average)"
            for role in ("bright", "dark")
            if f"film_{role}" in figures
        ]
        return f"{name}: the interpolated frame has {', '.join(pairs)}"
    ours = figures["ours"]
    return (
        f"{name}: PSNR_T {ours:.2f} dB on scenes it never saw, {ours - figures['merge']:+.2f} dB "
        f"over the unaligned merge, {ours - figures['dis']:+.2f} dB over the DIS-aligned merge"
    )


def _keep(found: Path, target: Path) -> None:
    temporary = target.with_name(target.name + ".part")
    shutil.copyfile(found, temporary)
    temporary.replace(target)
    print(f"wrote {target}", flush=True)
