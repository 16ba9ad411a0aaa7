"""What `lrhdr-run` is asked to do, checked as far as words alone can be."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from lrhdr import __version__
from lrhdr.errors import InputError, OutputError
from lrhdr_engines.backends import BackendName
from lrhdr_engines.engine import EngineChoice
from lrhdr_engines.media import Target, parse_output
from lrhdr_engines.media.hardware import DecoderChoice
from lrhdr_engines.media.light_in import AUTO, NETWORK, LightIn, Matrix, Range
from lrhdr_engines.media.opening import STDIN
from lrhdr_engines.media.sink import Encoder, Tone

Fps = Literal["full", "half"]

# Options that may differ between a run and the one that goes on with it.
_FREE = {"max_frames", "overwrite", "preview", "report", "resume", "threads", "decoder"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Every field is the option of `lrhdr-run` of that name.

    Attributes:
        input: a video, a folder of frames, or "-" for y4m on standard input.
        out: outputs as `parse_output` takes them; none puts `<name>.hdr10.mp4` beside the input.
        transfer: "auto" takes the clip for gamma 2.2, unless its tones clearly fit another curve.
        ev: "auto", or two or three values in cycle order from the clip's first frame.
        start_frame: index of the first output.
        max_frames: how many outputs; None for all.
        fps: "half" leaves out every second output.
        white_nits: cd/m2 that radiance 1.0, which just clips at EV 0, is shown at.
    """

    input: Path
    out: tuple[str, ...] = ()
    engine: EngineChoice = "auto"
    backend: BackendName = "auto"
    model: str = "lite"
    ev: str = "auto"
    transfer: str = AUTO
    matrix: Matrix = "auto"
    range: Range = "auto"
    frame_rate: Fraction | None = None
    decoder: DecoderChoice = "auto"
    start_frame: int = 0
    max_frames: int | None = None
    fps: Fps = "full"
    white_nits: float = 203.0
    preset: str | None = None
    crf: int | None = None
    tone: Tone = "bt2390"
    compression: str = "zip"
    encoder: Encoder = "auto"
    preview: Path | None = None
    report: Path | None = None
    overwrite: bool = False
    resume: bool = False
    threads: int | None = None

    @property
    def step(self) -> int:
        """From one output to the next, in frames of the clip."""
        return 2 if self.fps == "half" else 1

    def light(self, found: str | None = None) -> LightIn:
        """How the clip's codes mean light; `found` is the curve that its tones fit."""
        transfer = (found or NETWORK) if self.transfer == AUTO else self.transfer
        return LightIn(transfer=transfer, matrix=self.matrix, range=self.range)

    def targets(self) -> list[Target]:
        """OUT, or where it is by default.

        Raises:
            InputError: there is no default for standard input.
            OutputError: an output that cannot be understood.
        """
        if self.out:
            return [parse_output(text) for text in self.out]
        if self.input == STDIN:
            raise InputError(
                "no output was named for a clip from standard input",
                next_step="Name one, for instance -o hdr.mp4",
            )
        clip = self.input.resolve()
        name = f"{clip.name if clip.is_dir() else clip.stem}.hdr10.mp4"
        return [Target("hdr10", str(clip.with_name(name)))]

    def identity(self) -> dict[str, object]:
        """What a resumed run must have in common with the first, as JSON values."""
        asked: dict[str, object] = {
            f.name: str(getattr(self, f.name))
            for f in fields(self)
            if f.name not in _FREE and f.name not in ("input", "out")
        }
        clip = str(self.input.resolve())
        if self.input.is_file():  # a folder's time changes with what is written into it
            known = self.input.stat()
            clip += f", {known.st_size} bytes, {known.st_mtime_ns}"
        return {"lrhdr": __version__, "input": clip, **asked}

    def command(self) -> str:
        """The command line that asks for this job."""
        words = ["lrhdr-run", str(self.input)]
        for output in self.out:
            words += ["-o", output]
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("input", "out") or value == field.default:
                continue
            words.append(f"--{field.name.replace('_', '-')}")
            if value is not True:
                words.append(str(value))
        return shlex.join(words)

    def resumption(self) -> str:
        """The command line that goes on with this job after an interruption."""
        return replace(self, resume=True).command()

    def check(self) -> None:
        """Refuse what cannot be done, before anything is opened.

        Raises:
            InputError: a frame number, or --resume with standard input.
            OutputError: outputs that cannot be understood, are the input, or are named twice;
                or a preview or report that cannot be written.
        """
        if self.start_frame < 0:
            raise InputError(f"start frame {self.start_frame}", expected="0 or more")
        if self.max_frames is not None and self.max_frames < 1:
            raise InputError(f"at most {self.max_frames} frames", expected="1 or more")
        if self.resume and self.input == STDIN:
            raise InputError(
                "--resume with a clip from standard input", expected="a file or folder"
            )
        targets = self.targets()
        for number, target in enumerate(targets):
            path = Path(target.path)
            if target.path and path.exists() and self.input.exists() and path.samefile(self.input):
                raise OutputError(
                    f"the output {target.path} is the input itself",
                    next_step="Choose another name with -o",
                )
            if any(target.path and target.path == other.path for other in targets[:number]):
                raise OutputError(
                    f"{target.path} is named twice", expected="a place of its own for each output"
                )
        for picture, suffix in ((self.preview, ".png"), (self.report, ".html")):
            if picture is not None:
                if picture.suffix.lower() != suffix:
                    raise OutputError(f"{picture}", expected=f"a name that ends in {suffix}")
                check_new_file(picture, overwrite=self.overwrite or self.resume)


def parse_rate(text: str) -> Fraction:
    """Frames a second: 25, 23.976 or 24000/1001.

    Raises:
        InputError: it is no positive number.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise InputError(f"a frame rate of {text}", expected="a number such as 25 or 24000/1001")
    return rate


def check_new_file(path: Path, *, overwrite: bool) -> None:
    """See to it that a report or preview can be written later.

    Raises:
        OutputError: it exists and must not be overwritten, or its folder cannot be written.
    """
    from lrhdr_engines.media.files import check_target

    check_target(path, overwrite=overwrite)
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path} cannot be written", expected="a folder that can be written")
