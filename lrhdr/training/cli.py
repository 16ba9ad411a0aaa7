"""`lrhdr-train`: train the network on HDR photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lrhdr.command import run_command

_HELP = """Train LRHDR on windows rendered from HDR photographs, stage by stage.

Interrupted runs go on where they stopped when called again with the same --out.

Examples:

  lrhdr-train interpolator --data hdri/ --out runs/film --steps 5000

  lrhdr-train fusion --exposures 2 --data hdri/ --start runs/film/weights.safetensors --out runs/2e
"""

app = typer.Typer(help=_HELP, add_completion=False, no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder of .hdr and .exr images.")]
Out = Annotated[Path, typer.Option(help="Folder for checkpoints, log and weights.")]
Steps = Annotated[int, typer.Option(min=1, help="Length of the run.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Items a step.")]
Rate = Annotated[float, typer.Option(help="Peak learning rate.")]
Model = Annotated[str, typer.Option(help="lite or paper.")]
Start = Annotated[Path | None, typer.Option(help="Weights to begin from.")]
Seed = Annotated[int, typer.Option(help="Seed of the network and the data.")]
Every = Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")]
Bf16 = Annotated[
    bool | None,
    typer.Option(
        "--bf16/--no-bf16",
        help="Convolutions in bfloat16.",
        show_default="where the CPU has it",
    ),
]


def _model(name: str) -> str:
    if name not in ("lite", "paper"):
        raise typer.BadParameter(f"{name!r}; expected lite or paper")
    return name


@app.command()
def interpolator(
    data: Data,
    out: Out,
    steps: Steps = 5000,
    batch: BatchSize = 8,
    rate: Rate = 1e-3,
    model: Model = "lite",
    start: Start = None,
    seed: Seed = 1,
    every: Every = 500,
    bf16: Bf16 = None,
) -> None:
    """Stage 1: FILM alone, with the flow that the renderer knows."""
    from lrhdr.training.loop import LoopSettings, native_bf16
    from lrhdr.training.stages import StageSettings, train_interpolator

    stage = StageSettings(data=data, out=out, model=_model(model), seed=seed, start=start)  # type: ignore[arg-type]
    bf16 = native_bf16() if bf16 is None else bf16
    train_interpolator(
        stage, LoopSettings(steps=steps, batch=batch, rate=rate, every=every, bf16=bf16)
    )


@app.command()
def fusion(
    data: Data,
    out: Out,
    start: Annotated[Path, typer.Option(help="Weights whose interpolator is used.")],
    exposures: Annotated[int, typer.Option(min=2, max=3, help="2 or 3.")] = 2,
    steps: Steps = 3000,
    batch: BatchSize = 8,
    rate: Rate = 1e-3,
    model: Model = "lite",
    seed: Seed = 1,
    every: Every = 500,
    bf16: Bf16 = None,
    accr_weight: Annotated[float, typer.Option(help="lambda_2 of Eq. 22.")] = 0.3,
    vote_weight: Annotated[float, typer.Option(help="lambda_3 of Eq. 22.")] = 0.05,
) -> None:
    """Stage 2: ACCR and APSWF, the interpolator frozen."""
    from lrhdr.losses import LossWeights
    from lrhdr.training.loop import LoopSettings, native_bf16
    from lrhdr.training.stages import StageSettings, train_fusion

    stage = StageSettings(
        data=data,
        out=out,
        model=_model(model),  # type: ignore[arg-type]
        exposures=exposures,
        seed=seed,
        start=start,
    )
    bf16 = native_bf16() if bf16 is None else bf16
    train_fusion(
        stage,
        LoopSettings(steps=steps, batch=batch, rate=rate, every=every, bf16=bf16),
        LossWeights(accr=accr_weight, vote=vote_weight),
    )


def main() -> None:
    """Run the command; our own errors are one line and exit code 2."""
    run_command(app, "lrhdr-train", "train")


if __name__ == "__main__":
    main()
