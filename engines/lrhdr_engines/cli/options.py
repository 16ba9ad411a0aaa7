"""What lrhdr-run and lrhdr-probe share: options, and facts as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lrhdr.light import CAMERA_CURVES
from lrhdr_engines.media.light_in import Matrix, Range

Ev = Annotated[
    str,
    typer.Option(
        help="Exposure values in stops, in cycle order from the first frame: 0,-3 or -2,0,2. "
        "auto reads what lies beside the clip, else finds them from the pixels.",
    ),
]
Transfer = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help=f"How the camera coded light: {', '.join(CAMERA_CURVES)}, or a response curve "
        "(CSV, or a BaslerCRF.mat). auto is gamma22; where the clip's tones clearly fit srgb or "
        "bt709, lrhdr-run takes that and lrhdr-probe names it.",
    ),
]
MatrixOption = Annotated[Matrix, typer.Option(help="The clip's YUV matrix; auto goes by its tags.")]
RangeOption = Annotated[
    Range, typer.Option("--range", help="The clip's code range; auto goes by its tags.")
]
FrameRate = Annotated[
    str | None,
    typer.Option(metavar="N|N/M", help="Frames a second of a folder of images. Default: 24."),
]
JsonTo = Annotated[
    str | None,
    typer.Option("--json", metavar="F|-", help="Also write the facts as JSON; - is stdout."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]


def write_json(target: str, facts: dict[str, Any]) -> None:
    """Write facts to a file, or to standard output where `target` is "-".

    Raises:
        OutputError: the file cannot be written.
    """
    text = json.dumps(facts, indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from lrhdr_engines.whole import write_whole

    write_whole(Path(target), text.encode())
