"""`lrhdr-eval`: measure models and classical methods on a test set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from lrhdr.command import run_command

_HELP = """Measure models and classical methods on a test set, side by side.

PSNR and SSIM in T (mu-law) and in PQ, by the exposure of the reference, by scene and overall;
flicker; quality by motion; how a model's fusion votes. ColorVideoVDP too where cvvdp is installed.
The best candidate of every pixel, the ceiling of fusion, is reported for checkpoints.

Examples:

  lrhdr-eval --data scenes/ --layout synthetic --model lite

  lrhdr-eval --data scenes/ --layout synthetic --model runs/first/weights.safetensors \\
      --against dis,dis-mid --json figures.json --html report.html

  lrhdr-eval --data benchmark/ --layout real --exposures 3 --model my-3e/ --scenes 4 \\
      --protocol masked

Exit codes: 0 done, 2 refused or failed, 130 interrupted.
"""

app = typer.Typer(add_completion=False)


@app.command(help=_HELP, no_args_is_help=True)
def evaluate(
    data: Annotated[Path, typer.Option(help="Folder of the test set.")],
    layout: Annotated[
        Literal["synthetic", "real", "kalantari13"],
        typer.Option(help="How it is laid out. kalantari13 has no truth: votes and pictures."),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="lite, the folder of a bundle, or a .safetensors file of lrhdr-train. "
            "May be given several times."
        ),
    ] = None,
    exposures: Annotated[int, typer.Option(min=2, max=3, help="Exposures in a cycle.")] = 2,
    against: Annotated[
        str,
        typer.Option(help="Classical methods: some of ref,merge,dis,dis-mid,debevec; '' for none."),
    ] = "ref,merge,dis",
    protocol: Annotated[
        Literal["raw", "masked", "both"],
        typer.Option(
            help="raw: the result as it is. masked: where the reference is well exposed, "
            "its own radiance instead."
        ),
    ] = "both",
    scenes: Annotated[
        str | None, typer.Option(help="The first N scenes, or names with commas between.")
    ] = None,
    hdrflow: Annotated[
        Path | None, typer.Option(help="Folder of a clone of HDRFlow, to run its network too.")
    ] = None,
    hdrflow_checkpoint: Annotated[
        Path | None, typer.Option(help="Its weights, if not those in the clone.")
    ] = None,
    hdrvdp2: Annotated[
        Path | None, typer.Option(help="Folder of HDR-VDP-2's MATLAB code, to run by Octave.")
    ] = None,
    json_to: Annotated[
        str | None,
        typer.Option("--json", metavar="F|-", help="Also write everything as JSON; - is stdout."),
    ] = None,
    html_to: Annotated[
        Path | None, typer.Option("--html", metavar="F", help="Also write a report with pictures.")
    ] = None,
) -> None:
    """Parse the options and carry them out."""
    from lrhdr_benchmarks.evaluate.measures import PROTOCOLS
    from lrhdr_benchmarks.evaluate.methods import MethodChoice
    from lrhdr_benchmarks.evaluate.session import Session

    Session(
        data=data,
        layout=layout,
        exposures=exposures,
        methods=MethodChoice(
            models=tuple(model or ()),
            against=against,
            hdrflow=hdrflow,
            hdrflow_checkpoint=hdrflow_checkpoint,
        ),
        protocols=tuple(PROTOCOLS) if protocol == "both" else (protocol,),
        scenes=scenes,
        hdrvdp2=hdrvdp2,
        json_to=json_to,
        html_to=html_to,
    ).run()


def main() -> None:
    """Run the command; our own errors are one line and exit code 2."""
    run_command(app, "lrhdr-eval", "eval")


if __name__ == "__main__":
    main()
