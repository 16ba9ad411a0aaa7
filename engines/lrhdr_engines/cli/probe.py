"""lrhdr-probe: what a clip is, and how its exposures alternate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from lrhdr.errors import IncompleteError, InputError, LrhdrError, OutputError
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
from lrhdr_engines.media.light_in import AUTO, NETWORK, LightIn

PROGRAM = "lrhdr-probe"
_INTERRUPTED = 130  # 128 + SIGINT, as shells count

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def command(
    clip: Annotated[
        Path,
        typer.Argument(metavar="CLIP", help="A video, or a folder of frames."),
    ],
    ev: Ev = "auto",
    max_frames: Annotated[
        int | None, typer.Option(min=1, help="Read at most so many frames.")
    ] = None,
    frame_rate: FrameRate = None,
    transfer: Transfer = AUTO,
    matrix: MatrixOption = "auto",
    range_: RangeOption = "auto",
    calibrate: Annotated[
        Path | None,
        typer.Option(
            metavar="F.csv",
            help="Estimate the camera's response from a clip where nothing moves, and write it as "
            "a curve for --transfer. Needs --ev.",
        ),
    ] = None,
    json_to: JsonTo = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="F.png", help="Also draw the luma of every frame, by exposure."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Say what a clip is and how its exposures alternate: period, phase, EVs, cuts and slips.

    The clip is read once, from end to end. lrhdr-run does the same by itself.

    \b
    Examples:
      lrhdr-probe clip.mov
      lrhdr-probe clip.mov --plot clip.png
      lrhdr-probe clip.mov --json - --max-frames 200
      lrhdr-probe scene/ --ev -2,0,2
      lrhdr-probe still.mov --ev 0,-3 --calibrate camera.csv

    \b
    Exit codes:
      0 done   1 the clip ended early   2 refused or failed   130 interrupted
    """  # noqa: D301 (click wants the character)
    try:
        light = LightIn(NETWORK if transfer == AUTO else transfer, matrix, range_)
        if calibrate is not None:
            code = _calibrate(clip, ev, frame_rate, light, calibrate, overwrite)
        else:
            code = _probe(clip, ev, max_frames, frame_rate, light, json_to, plot, overwrite)
    except LrhdrError as error:
        _say(f"error: {error}")
        if json_to == "-":
            write_json("-", {"error": str(error)})
        code = error.exit_code
    except KeyboardInterrupt:
        _say("interrupted")
        code = _INTERRUPTED
    raise typer.Exit(code)


def _probe(
    clip: Path,
    ev: str,
    max_frames: int | None,
    frame_rate: str | None,
    light: LightIn,
    json_to: str | None,
    plot: Path | None,
    overwrite: bool,
) -> int:
    from lrhdr_engines.cli.progress import ProgressDisplay
    from lrhdr_engines.exposures import find_given
    from lrhdr_engines.media import open_source
    from lrhdr_engines.probe.answer import answer
    from lrhdr_engines.probe.clip import read
    from lrhdr_engines.probe.words import clip_lines, exposure_lines, facts

    _check_targets(json_to, plot, overwrite)
    rate = _rate(frame_rate)
    out = sys.stderr if json_to == "-" else sys.stdout
    with open_source(clip, rate, light) as source, ProgressDisplay() as progress:
        for line in clip_lines(source.info):
            print(line, file=out)
        given = find_given(ev, clip)
        progress.begin(_expected(source.info.frames, max_frames))
        reading = read(source, max_frames, progress.advance)
    answered, refused = None, None
    try:
        answered = answer(given, reading, clip)
    except LrhdrError as error:
        refused = error
    if plot is not None:  # of a clip that is refused too: it may show why
        from lrhdr_engines.probe.plot import draw, save

        title = f"{clip.name}   {source.info.width} × {source.info.height}"
        save(draw(title, reading, answered.timeline if answered else None), plot)
    if answered is None:
        raise refused or LrhdrError("no answer")
    for line in exposure_lines(reading, answered):
        print(line, file=out)
    if json_to is not None:
        write_json(json_to, facts(source.info, reading, answered))
    if reading.figures.broken:
        _say(reading.figures.broken)
        return IncompleteError.exit_code
    return 0


def _calibrate(
    clip: Path, ev: str, frame_rate: str | None, light: LightIn, target: Path, overwrite: bool
) -> int:
    """Estimate the response of the camera and write it."""
    from lrhdr_engines.exposures import parse_ev
    from lrhdr_engines.job import check_new_file
    from lrhdr_engines.media import open_source
    from lrhdr_engines.probe.calibrate import calibrate

    if ev == AUTO:
        raise InputError(
            "--calibrate without exposures",
            expected="--ev: exposures found from the pixels would presuppose the response",
        )
    if target.suffix.lower() != ".csv":
        raise OutputError(f"response {target}", expected="a name that ends in .csv")
    check_new_file(target, overwrite=overwrite)
    with open_source(clip, _rate(frame_rate), light) as source:
        print(calibrate((frame.rgb for frame in source.frames()), parse_ev(ev), target))
    print(f"use it with: lrhdr-run {clip} --transfer {target}")
    return 0


def _rate(text: str | None) -> Fraction | None:
    from lrhdr_engines.job import parse_rate

    return None if text is None else parse_rate(text)


def _expected(promised: int | None, most: int | None) -> int | None:
    known = [count for count in (promised, most) if count is not None]
    return min(known, default=None)


def _check_targets(json_to: str | None, plot: Path | None, overwrite: bool) -> None:
    from lrhdr_engines.job import check_new_file

    if plot is not None:
        if plot.suffix.lower() != ".png":
            raise OutputError(f"plot {plot}", expected="a name that ends in .png")
        check_new_file(plot, overwrite=overwrite)
    if json_to is not None and json_to != "-":
        check_new_file(Path(json_to), overwrite=overwrite)


def _say(line: str) -> None:
    print(f"{PROGRAM}: {line}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    app(args=arguments, prog_name=PROGRAM)
