"""lrhdr-run: a clip whose exposure alternates in, HDR video out."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrhdr import __version__
from lrhdr.command import interruptible
from lrhdr.errors import IncompleteError, LrhdrError
from lrhdr_engines.backends import BackendName
from lrhdr_engines.cli.words import PROGRAM, announcement, conclusion, say
from lrhdr_engines.engine import EngineChoice

if TYPE_CHECKING:
    from lrhdr_engines.job import Job, Plan

_INTERRUPTED = 130  # 128 + SIGINT, as shells count
_EXIT_CODES = {
    "complete": 0,
    "incomplete": IncompleteError.exit_code,
    "interrupted": _INTERRUPTED,
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.command()
def command(
    clip: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="A video, or a folder of frames (those that img_list.txt names, else all images).",
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="NAME.mp4, .mov or .mkv for HDR10; a folder or frame_%06d.exr for EXR; "
            "null to write nothing. Default: INPUT.hdr10.mp4 beside the input.",
        ),
    ] = None,
    ev: Annotated[
        str,
        typer.Option(
            help="Exposure values in stops, in cycle order from the first frame: 0,-3 or -2,0,2. "
            "auto reads Exposures.txt beside the clip, else estimates them from the pixels."
        ),
    ] = "auto",
    model: Annotated[str, typer.Option(help="lite, or the folder of a bundle.")] = "lite",
    engine: Annotated[
        EngineChoice, typer.Option(help="Precision; auto is the fastest here.")
    ] = "auto",
    backend: Annotated[
        BackendName,
        typer.Option(
            help="What runs the model; auto is TensorRT-RTX or TensorRT on a GPU that has them, "
            "else ONNX Runtime."
        ),
    ] = "auto",
    start_frame: Annotated[
        int, typer.Option(min=0, help="First frame to make, counted from 0.")
    ] = 0,
    max_frames: Annotated[
        int | None, typer.Option(min=1, help="Make at most so many frames.")
    ] = None,
    white_nits: Annotated[
        float, typer.Option(help="Brightness in cd/m2 of what just clips at EV 0.")
    ] = 203.0,
    preview: Annotated[
        Path | None, typer.Option(metavar="F.png", help="Also draw a contact sheet.")
    ] = None,
    json_to: Annotated[
        str | None,
        typer.Option("--json", metavar="F|-", help="Also write the facts as JSON; - is stdout."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.")
    ] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads for the model.")] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    r"""Turn a clip whose exposure alternates from frame to frame into HDR video.

    Every frame of the clip becomes one HDR frame, at the same frame rate; audio is copied.

    \b
    Examples:
      lrhdr-run clip.mov
      lrhdr-run clip.mov -o hdr.mp4 --ev 0,-3 --preview sheet.png
      lrhdr-run clip.mov -o frames/ --start-frame 100 --max-frames 50
      lrhdr-run scene/ -o scene_%06d.exr --ev -2,0,2

    \b
    Exit codes:
      0 done   1 the input ended early   2 refused or failed   130 interrupted
    """
    from lrhdr_engines.job import Job

    job = Job(
        input=clip,
        out=out,
        engine=engine,
        backend=backend,
        model=model,
        ev=ev,
        start_frame=start_frame,
        max_frames=max_frames,
        preview=preview,
        white_nits=white_nits,
        overwrite=overwrite,
        threads=threads,
    )
    raise typer.Exit(_run(job, json_to))


def _run(job: Job, json_to: str | None) -> int:
    """Do the job, say what happened, and return the exit code."""
    from lrhdr_engines.cli.progress import ProgressDisplay
    from lrhdr_engines.job import check_new_file, execute

    try:
        if json_to is not None and json_to != "-":
            check_new_file(Path(json_to), overwrite=job.overwrite)
        stopping = interruptible("stopping after the frame in hand", "abandons the output")
        with ProgressDisplay() as progress, _notes(), stopping as interrupt:

            def started(plan: Plan) -> None:
                say(announcement(plan))
                progress.begin(plan.frames)

            result = execute(job, started=started, advanced=progress.advance, interrupt=interrupt)
        if json_to is not None:
            _write_json(json_to, result.facts())
    except LrhdrError as error:
        say(f"error: {error}")
        if json_to == "-":
            _write_json(json_to, {"ending": "error", "note": str(error)})
        return error.exit_code
    except KeyboardInterrupt:
        say("abandoned; nothing was written")
        return _INTERRUPTED
    for line in conclusion(result):
        say(line)
    return _EXIT_CODES[result.report.ending]


@contextmanager
def _notes() -> Iterator[None]:
    """What the library logs goes to stderr, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{PROGRAM}: note: %(message)s"))
    logger = logging.getLogger("lrhdr_engines")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _write_json(target: str, facts: dict[str, Any]) -> None:
    text = json.dumps(facts, indent=2, default=str) + "\n"
    if target == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from lrhdr_engines.whole import write_whole

    write_whole(Path(target), text.encode())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    app(args=arguments, prog_name=PROGRAM)
