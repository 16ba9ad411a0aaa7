"""lrhdr-run: a clip whose exposure alternates in, HDR video out."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from lrhdr import __version__
from lrhdr.command import Interrupt, interruptible
from lrhdr.errors import IncompleteError, InputError, LrhdrError
from lrhdr_engines.allocator import keep_memory_flat
from lrhdr_engines.backends import BackendName
from lrhdr_engines.cli.options import (
    Ev,
    FrameRate,
    JsonTo,
    MatrixOption,
    Overwrite,
    RangeOption,
    Transfer,
    write_json,
)
from lrhdr_engines.cli.words import PROGRAM, announcement, conclusion, say
from lrhdr_engines.engine import EngineChoice
from lrhdr_engines.job import Fps, Job, parse_rate
from lrhdr_engines.media.hardware import DecoderChoice
from lrhdr_engines.media.light_in import AUTO
from lrhdr_engines.media.outputs import Format
from lrhdr_engines.media.sink import Encoder, Tone

if TYPE_CHECKING:
    from lrhdr_engines.plan import Plan, Result

# Set, what is no error of ours ends in its traceback.
_TRACEBACK = "LRHDR_TRACEBACK"
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
            help="A video, a folder of frames (those that img_list.txt names, else all images), "
            "or - for y4m on standard input.",
        ),
    ],
    out: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="[FORMAT:]NAME; give it again for further outputs of the same run. NAME.mp4, .mov "
            "or .mkv is HDR10; a folder or frame_%06d.exr is EXR. FORMAT is one of "
            f"{', '.join(get_args(Format))}. Default: INPUT.hdr10.mp4 beside the input.",
        ),
    ] = None,
    ev: Ev = "auto",
    transfer: Transfer = AUTO,
    matrix: MatrixOption = "auto",
    range_: RangeOption = "auto",
    frame_rate: FrameRate = None,
    start_frame: Annotated[
        int, typer.Option(min=0, help="First frame to make, counted from 0.")
    ] = 0,
    max_frames: Annotated[
        int | None, typer.Option(min=1, help="Make at most so many frames.")
    ] = None,
    fps: Annotated[
        Fps, typer.Option(help="full: a frame for every frame; half: for every second one.")
    ] = "full",
    model: Annotated[str, typer.Option(help="lite, or the folder of a bundle.")] = "lite",
    engine: Annotated[
        EngineChoice,
        typer.Option(
            help="Precision; auto is the fastest here: fp16 on a GPU, bf16 by OpenVINO on a CPU "
            "that has it, for frames below 4 megapixels, else fp32."
        ),
    ] = "auto",
    backend: Annotated[
        BackendName,
        typer.Option(
            help="What runs the model; auto is TensorRT-RTX or TensorRT on a GPU that has them, "
            "else OpenVINO where it is installed (x86), else ONNX Runtime."
        ),
    ] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads for the model.")] = None,
    decoder: Annotated[
        DecoderChoice, typer.Option(help="What decodes video; auto is NVDEC on a GPU that has it.")
    ] = "auto",
    encoder: Annotated[
        Encoder, typer.Option(help="What encodes video; auto is NVENC on a GPU that has it.")
    ] = "auto",
    preset: Annotated[
        str | None,
        typer.Option(help="The video encoder's speed by its own word, for instance ultrafast."),
    ] = None,
    crf: Annotated[
        int | None, typer.Option(min=0, max=63, help="Its quality: smaller is better and larger.")
    ] = None,
    white_nits: Annotated[
        float, typer.Option(help="Brightness in cd/m2 of what just clips at EV 0.")
    ] = 203.0,
    tone: Annotated[Tone, typer.Option(help="How sdr outputs are tone-mapped.")] = "bt2390",
    compression: Annotated[
        str, typer.Option(help="Of EXR files: none, rle, zip, zips, piz, dwaa, ...")
    ] = "zip",
    preview: Annotated[
        Path | None, typer.Option(metavar="F.png", help="Also draw a contact sheet.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="F.html", help="Also write a report to look at.")
    ] = None,
    json_to: JsonTo = None,
    overwrite: Overwrite = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the same run, whatever ended it.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Turn a clip whose exposure alternates from frame to frame into HDR video.

    Every frame of the clip becomes one HDR frame, at the same frame rate; audio is copied.

    \b
    Examples:
      lrhdr-run clip.mov
      lrhdr-run clip.mov -o hdr.mp4 --ev 0,-3 --preview sheet.png
      lrhdr-run clip.mov -o hdr.mp4 -o prores:master.mov -o exr:frames/ --report r.html
      lrhdr-run clip.mov -o frames/ --start-frame 100 --max-frames 50
      lrhdr-run slog.mp4 --transfer slog3 --ev 0,-4
      lrhdr-run scene/ -o scene_%06d.exr --ev -2,0,2
      lrhdr-run clip.mov -o hdr.mp4 --resume

    \b
    Exit codes:
      0 done   1 the input ended early   2 refused or failed   130 interrupted
    """  # noqa: D301 (click wants the character)
    try:
        rate = None if frame_rate is None else parse_rate(frame_rate)
    except LrhdrError as error:
        say(f"error: {error}")
        raise typer.Exit(error.exit_code) from None
    job = Job(
        input=clip,
        out=tuple(out or ()),
        engine=engine,
        backend=backend,
        model=model,
        ev=ev,
        transfer=transfer,
        matrix=matrix,
        range=range_,
        frame_rate=rate,
        decoder=decoder,
        start_frame=start_frame,
        max_frames=max_frames,
        fps=fps,
        white_nits=white_nits,
        preset=preset,
        crf=crf,
        tone=tone,
        compression=compression,
        encoder=encoder,
        preview=preview,
        report=report,
        overwrite=overwrite,
        resume=resume,
        threads=threads,
    )
    raise typer.Exit(_run(job, json_to))


def _run(job: Job, json_to: str | None) -> int:
    """Do the job, say what happened, and return the exit code."""
    stopping = interruptible("stopping after the frame in hand", "abandons the output")
    with stopping as interrupt, _notes():
        try:
            result = _done(job, json_to, interrupt)
            if json_to is not None:
                write_json(json_to, result.facts())
        except LrhdrError as error:
            return _failed(error, str(error), error.exit_code, json_to)
        except KeyboardInterrupt as stop:
            for line in ("abandoned", *getattr(stop, "__notes__", ())):
                say(line)
            return _INTERRUPTED
        except Exception as error:
            if os.environ.get(_TRACEBACK):
                raise
            name = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
            return _failed(error, f"{name}: {error} ({_TRACEBACK}=1 shows where)", 2, json_to)
        for line in conclusion(result):
            say(line)
        return _EXIT_CODES[result.report.ending]


def _done(job: Job, json_to: str | None, interrupt: Interrupt) -> Result:
    """Do the job, with its progress on the screen."""
    from lrhdr_engines.cli.progress import ProgressDisplay
    from lrhdr_engines.execute import execute
    from lrhdr_engines.job import check_new_file

    if json_to == "-" and any(target.path == "-" for target in job.targets()):
        raise InputError(
            "--json - and an output to standard output", expected="one of them at most"
        )
    if json_to is not None and json_to != "-":
        check_new_file(Path(json_to), overwrite=job.overwrite or job.resume)
    with ProgressDisplay() as progress:

        def started(plan: Plan) -> None:
            say(announcement(plan))
            progress.begin(plan.frames)

        return execute(
            job,
            looked=progress.look,
            started=started,
            advanced=progress.advance,
            interrupt=interrupt,
        )


def _failed(error: Exception, said: str, code: int, json_to: str | None) -> int:
    """Say in one line what went wrong, and how to go on where that is possible."""
    say(f"error: {said}")
    for note in getattr(error, "__notes__", ()):
        say(note)
    if json_to == "-":
        write_json(json_to, {"ending": "error", "note": said})
    return code


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    if arguments is None:  # the process is ours
        keep_memory_flat()
    try:
        app(args=arguments, prog_name=PROGRAM)
    finally:
        if arguments is None:  # the process ends: there is nothing left to stop
            signal.signal(signal.SIGINT, signal.SIG_IGN)
