"""`lrhdr-scenes`: test scenes rendered from HDR photographs, for lrhdr-eval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lrhdr.command import run_command

_HELP = """Render test scenes from HDR photographs that training keeps apart.

Hand-held pans over a photograph with cut-outs of others moving in front, or static scenes;
EV 0/+3 for two exposures, 0/+2/+4 for three. They are written in the layout of the Cinematic Video
test set, which lrhdr-eval and the published methods read.

Examples:

  lrhdr-scenes --data hdri/ --out scenes/

  lrhdr-eval --data scenes/ --layout synthetic --model lite --against ref,merge,dis
"""

app = typer.Typer(add_completion=False)


@app.command(help=_HELP, no_args_is_help=True)
def scenes(
    data: Annotated[Path, typer.Option(help="Folder of .hdr and .exr images.")],
    out: Annotated[Path, typer.Option(help="Folder of the test set.")],
    exposures: Annotated[int, typer.Option(min=2, max=3, help="Exposures in a cycle.")] = 2,
    count: Annotated[int, typer.Option(min=1, help="Scenes.")] = 16,
    frames: Annotated[int, typer.Option(min=7, help="Frames of a scene.")] = 8,
    size: Annotated[str, typer.Option(help="Width x height.")] = "384x256",
    seed: Annotated[int, typer.Option(help="Of every draw.")] = 1,
    still: Annotated[bool, typer.Option("--still", help="Static scenes, for flicker.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Of all photographs, not those that are kept apart.")
    ] = False,
) -> None:
    """Render and write, scene by scene."""
    from rich.progress import track

    from lrhdr.data.images import list_images, load_images, split
    from lrhdr.data.layouts.writer import write_synthetic
    from lrhdr.data.testset import TestSet, render

    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit() and min(int(width), int(height)) >= 64):
        raise typer.BadParameter(f"{size!r}; expected 384x256, at least 64 each way")
    paths = list_images(data)
    photographs = load_images(paths if everything else split(paths)[1])
    wanted = TestSet(
        exposures=exposures,
        scenes=count,
        frames=frames,
        size=(int(height), int(width)),
        still=still,
        seed=seed,
    )
    write_synthetic(out, track(render(photographs, wanted), "rendering", count), exposures)
    typer.echo(f"wrote {count} scenes of {len(photographs)} photographs to {out}")


def main() -> None:
    """Run the command; our own errors are one line and exit code 2."""
    run_command(app, "lrhdr-scenes", "train")


if __name__ == "__main__":
    main()
