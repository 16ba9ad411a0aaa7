"""`lrhdr-train`: train the network on HDR photographs and ordinary clips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from lrhdr.command import run_command

_HELP = """Train LRHDR on windows rendered from HDR photographs.

`lite` is trained in three stages: the interpolator, fusion on top of it, all together. `paper`
takes a trained FILM (lrhdr-export film-weights) and trains ACCR and APSWF on it. A run that was
stopped goes on where it was when called again in the same way.

Examples:

  lrhdr-train --data hdri/ --out runs/first --steps 300      # ten minutes on two cores

  lrhdr-train --data hdri/ --exposures 3 --start runs/2e/weights.safetensors \\
      --stage fusion --out runs/3e

  lrhdr-train --preset paper --start film.safetensors --data hdri/ --out runs/paper

  torchrun --nproc-per-node 4 -m lrhdr.training.cli --data hdri/ --out runs/four
"""

app = typer.Typer(help=_HELP, add_completion=False)

_RATES, _LOSSES = "Rates and batch", "Losses (Eqs. 11 to 22)"


def _option(text: str, panel: str | None = None, **more: Any) -> Any:
    return typer.Option(help=text, rich_help_panel=panel, **more)


@app.command(help=_HELP, no_args_is_help=True)
def train(
    data: Annotated[Path, _option("Folder of .hdr and .exr images.")],
    out: Annotated[Path, _option("Folder for checkpoints, logs and weights.")],
    preset: Annotated[str, _option("lite or paper.")] = "lite",
    exposures: Annotated[int, _option("Exposures in a cycle.", min=2, max=3)] = 2,
    stage: Annotated[
        str, _option("interpolator, fusion (FILM frozen), joint (FILM trained), or all in turn.")
    ] = "all",
    steps: Annotated[int | None, _option("Steps of all stages.", min=1)] = None,
    epochs: Annotated[int | None, _option("Instead of --steps: 3000 windows each.", min=1)] = None,
    start: Annotated[Path | None, _option("Weights to begin from.")] = None,
    teacher: Annotated[
        Path | None, _option("Weights whose large interpolator teaches the small one.")
    ] = None,
    video: Annotated[Path | None, _option("Folder of ordinary clips, for real motion.")] = None,
    video_share: Annotated[float, _option("Share of their windows.", min=0.0, max=1.0)] = 0.3,
    ablation: Annotated[
        str | None,
        _option(
            "A row of Tables 2 and 3: all, base, eic, rm, rm+accr-loss, no-accr-loss, no-vote, "
            "dense-fusion."
        ),
    ] = None,
    seed: Annotated[int, _option("Of the network and the data.", min=0)] = 1,
    every: Annotated[int, _option("Steps between checkpoints and validations.", min=1)] = 250,
    workers: Annotated[int, _option("Processes that render.", min=0)] = 1,
    bf16: Annotated[
        bool | None,
        _option("Convolutions in bfloat16.", show_default="where the GPU or CPU has it"),
    ] = None,
    side: Annotated[int | None, _option("Crop in pixels.", _RATES, min=64)] = None,
    batch: Annotated[int | None, _option("Items a step and process.", _RATES, min=1)] = None,
    rate: Annotated[float | None, _option("Peak rate of APSWF.", _RATES)] = None,
    accr_rate: Annotated[float | None, _option("Peak rate of ACCR.", _RATES)] = None,
    film_rate: Annotated[float | None, _option("Peak rate of FILM, alone.", _RATES)] = None,
    ema: Annotated[
        float, _option("Decay of the averaged weights.", _RATES, min=0.0, max=1.0)
    ] = 0.998,
    clip: Annotated[float, _option("Largest norm of the gradient.", _RATES)] = 1.0,
    recon_weight: Annotated[float | None, _option("lambda_1 of Eq. 22.", _LOSSES)] = None,
    accr_weight: Annotated[float | None, _option("lambda_2 of Eq. 22.", _LOSSES)] = None,
    vote_weight: Annotated[float | None, _option("lambda_3 of Eq. 22.", _LOSSES)] = None,
    accr_l1: Annotated[float | None, _option("lambda_L1 of Eq. 11.", _LOSSES)] = None,
    accr_gradient: Annotated[float | None, _option("lambda_grad of Eq. 11.", _LOSSES)] = None,
    eta: Annotated[float | None, _option("eta of Eq. 13.", _LOSSES)] = None,
    square_weight: Annotated[
        float | None, _option("Of the squared error, beside Eq. 21.", _LOSSES)
    ] = None,
    film_weight: Annotated[
        float | None, _option("Of the interpolated frame, where FILM is trained too.", _LOSSES)
    ] = None,
) -> None:
    """Parse the options, lay them over the preset's recipe, and run it."""
    from lrhdr.model import config as networks
    from lrhdr.training import precision
    from lrhdr.training.loop import LoopSettings
    from lrhdr.training.recipe import ABLATIONS, ITEMS_PER_EPOCH, ablate, recipe
    from lrhdr.training.run import run
    from lrhdr.training.stages import StageSettings

    _choice("--preset", preset, ("lite", "paper"))
    _choice("--stage", stage, ("all", "interpolator", "fusion", "joint"))
    if ablation is not None:
        _choice("--ablation", ablation, ABLATIONS)
    if steps and epochs:
        raise typer.BadParameter("give one of --steps and --epochs")
    plan = recipe(preset)  # type: ignore[arg-type]
    plan = _changed(plan, batch=batch, rate=rate, accr_rate=accr_rate, film_rate=film_rate)
    losses = _changed(
        plan.losses,
        recon=recon_weight,
        accr=accr_weight,
        vote=vote_weight,
        accr_l1=accr_l1,
        accr_gradient=accr_gradient,
        eta=eta,
        square=square_weight,
        film=film_weight,
    )
    config = networks.preset(preset, exposures)  # type: ignore[arg-type]
    if ablation is not None:
        config, losses = ablate(config, losses, ablation)  # type: ignore[arg-type]
    run(
        plan if stage == "all" else replace(plan, stages={stage: 1.0}),
        StageSettings(
            data=data,
            out=out,
            config=config,
            rates=(plan.film_rate, plan.accr_rate, plan.rate),
            seed=seed,
            windows=_changed(plan.windows, side=side),
            losses=losses,
            start=start,
            teacher=teacher,
            video=video,
            video_share=video_share,
        ),
        LoopSettings(
            steps=steps or (epochs * ITEMS_PER_EPOCH // plan.batch if epochs else plan.steps),
            batch=plan.batch,
            every=every,
            bf16=precision.native_bf16() if bf16 is None else bf16,
            workers=workers,
            ema=ema,
            clip=clip,
        ),
    )


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        expected = ", ".join(allowed)
        raise typer.BadParameter(f"{value!r}; expected one of {expected}", param_hint=name)


def _changed(settings: Any, **given: Any) -> Any:
    """Settings with those that were given on the command line in place of their defaults."""
    return replace(settings, **{k: v for k, v in given.items() if v is not None})


def main() -> None:
    """Run the command; our own errors are one line and exit code 2."""
    run_command(app, "lrhdr-train", "train")


if __name__ == "__main__":
    main()
