"""`lrhdr-export`: bundles from weights, engines from bundles."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lrhdr.command import run_command
from lrhdr.errors import BundleError

_HELP = """Turn trained weights into a bundle that lrhdr-run can use, and a bundle into GPU engines.

Examples:

  lrhdr-export onnx --checkpoint runs/2e/weights.safetensors -o my-2e

  lrhdr-export verify my-2e

  lrhdr-run clip.mov --model my-2e

  lrhdr-export engine lite-2e --size 1920x1080 --sm 86,89,120
"""

app = typer.Typer(help=_HELP, add_completion=False, no_args_is_help=True)

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what exists.")]


@app.command()
def onnx(
    model: Annotated[str, typer.Option(help="lite or paper.")] = "lite",
    exposures: Annotated[int, typer.Option(min=2, max=3, help="2 or 3 in a cycle.")] = 2,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights of lrhdr-train; default: those that ship.")
    ] = None,
    film: Annotated[
        Path | None, typer.Option(help="FILM of `lrhdr-export film-weights`, for --model paper.")
    ] = None,
    untrained: Annotated[
        bool, typer.Option(help="Random weights: to try the graphs, not the picture.")
    ] = False,
    share: Annotated[
        Path | None, typer.Option(help="A bundle beside OUT whose equal files are not repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The bundle's folder. Default: MODEL-2e.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a bundle: ONNX graphs in FP32 and FP16, manifest, goldens, weights."""
    if model not in ("lite", "paper"):
        raise typer.BadParameter(f"{model!r}; expected lite or paper", param_hint="--model")
    import torch

    from lrhdr.model.config import preset
    from lrhdr.model.network import Network
    from lrhdr.model.weights import load_weights, read_notes
    from lrhdr_export.film_weights import adopt_official_film
    from lrhdr_export.shipped import shipped_weights
    from lrhdr_export.write import write_bundle

    notes: dict[str, object] = {"untrained": True}
    if untrained:
        torch.manual_seed(0)
        network = Network(preset(model, exposures))  # type: ignore[arg-type]
    else:
        source = checkpoint or shipped_weights(model, exposures)
        network, notes = load_weights(source), read_notes(source)
        found = (network.config.preset, network.config.exposures)
        if found != (model, exposures):
            raise BundleError(
                f"{source} holds {found[0]} for {found[1]} exposures",
                expected=f"{model} for {exposures}",
                next_step=f"Add --model {found[0]} --exposures {found[1]}",
            )
    if film is not None:
        adopt_official_film(network, film)
    folder = out or Path(f"{model}-{exposures}e")

    write_bundle(network, folder, notes=notes, shared=share, overwrite=overwrite, report=_report)
    print(folder)


@app.command()
def verify(bundle: Annotated[Path, typer.Argument(help="The bundle's folder.")]) -> None:
    """Measure every graph against the float64 model; exit code 1 on a breach."""
    from lrhdr_export.verify import verify_bundle

    breaches = 0
    for measurement in verify_bundle(bundle):
        print(measurement, flush=True)
        breaches += not measurement.passed
    if breaches:
        print(f"lrhdr-export: {breaches} graphs are out of tolerance.", file=sys.stderr)
        raise SystemExit(1)


@app.command("film-weights")
def film_weights(
    source: Annotated[Path, typer.Argument(help="film_net_fp32.pt or film_net_fp16.pt.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")] = Path(
        "film.safetensors"
    ),
    overwrite: Overwrite = False,
) -> None:
    """Convert FILM's official TorchScript weights. Runs code from that file: trust its source."""
    from lrhdr_export.film_weights import convert_film

    count = convert_film(source, out, overwrite=overwrite)
    print(f"{out}: {count:,} parameters")


@app.command()
def plugin(
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The folder. Default: the cache.")
    ] = None,
    sm: Annotated[
        str | None, typer.Option(help="Compute capabilities, 75,86,89. Default: all.")
    ] = None,
) -> None:
    """Build the TensorRT plugin library with nvcc and CMake."""
    from lrhdr_engines.plugin import make_plugin

    print(make_plugin(out, sm, _report).path)


@app.command()
def engine(
    bundle: Annotated[str, typer.Argument(help="The bundle's folder, or lite-2e, lite-3e.")],
    size: Annotated[str | None, typer.Option(help="Of the frames, as in 1920x1080.")] = None,
    precision: Annotated[str, typer.Option(help="fp16 or fp32.")] = "fp16",
    backend: Annotated[
        str, typer.Option(help="tensorrt (for the GPU at hand), or tensorrt-rtx.")
    ] = "tensorrt-rtx",
    sm: Annotated[
        str | None,
        typer.Option(help="For tensorrt-rtx: compute capabilities. Default: 8.0 and newer."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Instead of --size: sizes MIN,OPT,MAX. Slower engines.")
    ] = None,
    optimisation_level: Annotated[
        int | None, typer.Option(help="0 (quick to build) to 5.", show_default="TensorRT's")
    ] = None,
    workspace_mb: Annotated[
        int | None, typer.Option(help="Most MiB of scratch memory a layer.", show_default="none")
    ] = None,
    timing_cache: Annotated[
        Path | None, typer.Option(help="File that keeps TensorRT's measurements.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder. Default: the cache, where lrhdr-run looks."),
    ] = None,
) -> None:
    """Build a bundle's engines ahead of time; tensorrt-rtx needs no GPU for it."""
    if backend not in ("tensorrt", "tensorrt-rtx"):
        raise typer.BadParameter(
            f"{backend!r}; expected tensorrt or tensorrt-rtx", param_hint="--backend"
        )
    from lrhdr_engines.build import export_engines

    export_engines(
        bundle,
        size=size,
        precision=precision,  # type: ignore[arg-type]
        builder=backend,  # type: ignore[arg-type]
        sms=sm,
        profile=profile,
        optimisation_level=optimisation_level,
        workspace_mb=workspace_mb,
        timing_cache=timing_cache,
        out=out,
        report=_report,
    )


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Run the command; our own errors are one line and exit code 2."""
    run_command(app, "lrhdr-export", "export")


if __name__ == "__main__":
    main()
