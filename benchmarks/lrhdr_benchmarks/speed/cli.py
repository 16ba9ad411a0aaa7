"""`lrhdr-bench`: how fast each engine is at each resolution on this machine, and why."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrhdr.command import run_command
from lrhdr.contract import WINDOWS
from lrhdr.errors import InputError
from lrhdr_engines.cli.options import JsonTo, Overwrite, write_json

if TYPE_CHECKING:
    from lrhdr_benchmarks.speed.plan import Options
    from lrhdr_benchmarks.speed.quality import Quality
    from lrhdr_benchmarks.speed.record import Result

PROGRAM = "lrhdr-bench"
_STDOUT = "-"
_INTERRUPTED = 130  # 128 + SIGINT, as shells count
_ROUNDS, _QUICK_ROUNDS = 20, 6
_SECONDS = 900.0  # a size of which more than a quarter of an hour is wanted is asked for

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def command(
    size: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WxH",
            help="May be given several times. Default: 640x360, 960x540, 1280x720, 1920x1080, "
            "2560x1440, 3840x2160.",
        ),
    ] = None,
    exposures: Annotated[
        int | None, typer.Option(min=2, max=3, help="In a cycle. Default: 2, then 3.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="lite, paper (by PyTorch alone, with random weights) or the folder of a bundle. "
            "May be given several times. Default: lite."
        ),
    ] = None,
    subject: Annotated[
        list[str] | None,
        typer.Option(
            help='What is timed: "BACKEND PRECISION", as "onnxruntime fp32", or "pytorch eager", '
            '"pytorch compiled", "hdrflow eager", "merge dis", "merge debevec". May be given '
            "several times. Default: every engine that opens here, PyTorch where it is installed, "
            "and HDRFlow with --hdrflow."
        ),
    ] = None,
    hdrflow: Annotated[
        Path | None, typer.Option(metavar="CLONE", help="Folder of a clone of HDRFlow.")
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"Timed outputs of each subject at each size. Default: {_ROUNDS}; "
            f"{_QUICK_ROUNDS} with --quick.",
        ),
    ] = None,
    warm_up: Annotated[int, typer.Option(min=1, help="Outputs before them.")] = 2,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of each subject, and of the ceilings.")
    ] = None,
    pin: Annotated[
        str | None, typer.Option(metavar="CPUS", help="Run on these processors only: 0,2 or 0-3.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="640x360 unless --size says else, and few rounds.")
    ] = False,
    seconds: Annotated[
        float,
        typer.Option(
            min=1.0,
            help="About the most for one size: fewer rounds, and what is too slow by what it took "
            "at a smaller size is left out and named.",
        ),
    ] = _SECONDS,
    whole: Annotated[
        bool, typer.Option(help="Also whole runs of lrhdr-run, into nothing and into HDR10.")
    ] = True,
    entmax: Annotated[bool, typer.Option(help="Also entmax alone, in several ways.")] = True,
    quality: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="F",
            help="What lrhdr-eval --json wrote, for a plot of speed against quality; once for two "
            "exposures, once for three.",
        ),
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="F",
            help="Time nothing: tables and page of what --json wrote earlier.",
        ),
    ] = None,
    json_to: JsonTo = None,
    html_to: Annotated[
        Path | None, typer.Option("--html", metavar="F", help="Also write a page with plots.")
    ] = None,
    markdown_to: Annotated[
        str | None,
        typer.Option(
            "--markdown",
            metavar="F|-",
            help="Where the tables go. Default: stdout, or stderr beside --json -.",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Time engines and their rivals at each resolution, beside what this machine can do at most.

    Subjects are timed in turn, so that drift cancels in their ratios. Nothing else should run.

    \b
    Examples:
      lrhdr-bench --quick
      lrhdr-bench --json speed.json --html speed.html
      lrhdr-bench --size 1920x1080 --exposures 2 --subject "openvino fp32" --subject "merge dis"
      lrhdr-bench --threads 2 --pin 0,1 --rounds 50 --no-whole
      lrhdr-bench --from speed.json --html speed.html --quality eval-2e.json

    \b
    Exit codes:
      0 done   2 refused or failed   130 interrupted; what was timed by then is written
    """  # noqa: D301 (click wants the character)
    from lrhdr_benchmarks.speed.document import load
    from lrhdr_benchmarks.speed.plan import SIZES, Options, parse_cpus
    from lrhdr_benchmarks.speed.quality import read_quality
    from lrhdr_engines.build.sizes import Size

    _check_targets(json_to, html_to, markdown_to, overwrite=overwrite)
    known = read_quality(quality or [])
    if from_file is not None:
        _write(load(from_file), known, json_to, html_to, markdown_to)
        return
    sizes = size or (SIZES[:1] if quick else SIZES)
    options = Options(
        sizes=tuple(map(Size.parse, sizes)),
        exposures=(exposures,) if exposures else tuple(WINDOWS),
        models=tuple(model or ("lite",)),
        subjects=tuple(dict.fromkeys(subject or ())),
        hdrflow=hdrflow,
        rounds=rounds or (_QUICK_ROUNDS if quick else _ROUNDS),
        warm_up=warm_up,
        threads=threads,
        cpus=parse_cpus(pin) if pin else (),
        seconds=seconds,
        whole=whole,
        entmax=entmax,
    )
    result, complete = _measured(options)
    if result is not None:
        _write(result, known, json_to, html_to, markdown_to)
    if not complete:
        raise typer.Exit(_INTERRUPTED)


def _measured(options: Options) -> tuple[Result | None, bool]:
    """With progress on stderr. Whether it came to its end."""
    from lrhdr_benchmarks.speed.plan import planned
    from lrhdr_benchmarks.speed.progress import Display
    from lrhdr_benchmarks.speed.run import Bench

    plan = planned(options)
    with Display() as display:
        bench = Bench(plan, shlex.join([PROGRAM, *sys.argv[1:]]), display.report, display.step)
        display.begin(bench.steps)
        complete = bench.run()
    if not complete:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
    return bench.result, complete


def _check_targets(
    json_to: str | None, html_to: Path | None, markdown_to: str | None, *, overwrite: bool
) -> None:
    from lrhdr_engines.job import check_new_file

    if json_to == markdown_to == _STDOUT:
        raise InputError("--json - and --markdown -", expected="one of them to standard output")
    files = [Path(name) for name in (json_to, markdown_to) if name and name != _STDOUT]
    files += [html_to] if html_to else []
    for file in files:
        if files.count(file) > 1:
            raise InputError(f"{file} is named twice", expected="a file of its own for each")
        check_new_file(file, overwrite=overwrite)


def _write(
    result: Result,
    quality: Quality,
    json_to: str | None,
    html_to: Path | None,
    markdown_to: str | None,
) -> None:
    from lrhdr_benchmarks.speed.document import facts
    from lrhdr_benchmarks.speed.page import page
    from lrhdr_benchmarks.speed.tables import tables
    from lrhdr_benchmarks.speed.words import markdown
    from lrhdr_engines.whole import write_whole

    if json_to is not None:
        write_json(json_to, facts(result))
    if html_to is not None:
        write_whole(html_to, page(result, quality).encode())
    text = markdown(PROGRAM, tables(result))
    if markdown_to is not None and markdown_to != _STDOUT:
        write_whole(Path(markdown_to), text.encode())
    else:
        beside_json = markdown_to is None and json_to == _STDOUT
        print(text, end="", file=sys.stderr if beside_json else sys.stdout)


def main() -> None:
    """Run the command; our own errors are one line and exit code 2."""
    run_command(lambda: app(prog_name=PROGRAM), PROGRAM, "export")


if __name__ == "__main__":
    main()
