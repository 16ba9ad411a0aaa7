"""One run, as `lrhdr-run` does it: from what was asked to what was done."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from lrhdr.errors import InputError, OutputError
from lrhdr_engines.api import open_model
from lrhdr_engines.backends import BackendName
from lrhdr_engines.engine import EngineChoice
from lrhdr_engines.pipeline import Report, run
from lrhdr_engines.streaming import Output

if TYPE_CHECKING:
    from lrhdr_engines.exposures import Exposures
    from lrhdr_engines.media import ClipInfo, Sink
    from lrhdr_engines.preview import ContactSheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What was asked; every field is the option of `lrhdr-run` of that name.

    Attributes:
        input: a video, or a folder of frames.
        out: a .mp4, .mov or .mkv, a folder or pattern for EXR, or "null"; None puts
            `<name>.hdr10.mp4` beside the input.
        ev: "auto", or two or three values in cycle order from the clip's first frame.
        start_frame: index of the first output.
        max_frames: how many outputs; None for all.
        white_nits: cd/m2 that radiance 1.0, which just clips at EV 0, is shown at.
    """

    input: Path
    out: str | None = None
    engine: EngineChoice = "auto"
    backend: BackendName = "auto"
    model: str = "lite"
    ev: str = "auto"
    start_frame: int = 0
    max_frames: int | None = None
    preview: Path | None = None
    white_nits: float = 203.0
    overwrite: bool = False
    threads: int | None = None

    @property
    def target(self) -> str:
        """OUT, or where it is by default."""
        if self.out is not None:
            return self.out
        clip = self.input.resolve()
        return str(clip.with_name(f"{clip.name if clip.is_dir() else clip.stem}.hdr10.mp4"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done, known before the first frame.

    Attributes:
        frames: outputs expected; None if the clip does not say its length.
    """

    job: Job
    clip: ClipInfo
    exposures: Exposures
    bundle: str
    engine: str
    backend: str
    device: str
    frames: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was done. `preview` is None if none was asked for or no frame came so far."""

    plan: Plan
    report: Report
    preview: Path | None

    def facts(self) -> dict[str, Any]:
        """All of it for --json."""
        plan, report = self.plan, self.report
        return {
            "ending": report.ending,
            "note": report.note,
            "input": {
                "path": str(plan.job.input),
                "width": plan.clip.width,
                "height": plan.clip.height,
                "frame_rate": str(plan.clip.frame_rate),
                "frames": plan.clip.frames,
            },
            "exposures": {
                "ev": list(plan.exposures.ev),
                "source": plan.exposures.source,
                "confidence": plan.exposures.confidence,
                "note": plan.exposures.note,
            },
            "model": {
                "bundle": plan.bundle,
                "engine": plan.engine,
                "backend": plan.backend,
                "device": plan.device,
            },
            "output": {"path": plan.job.target, **report.facts},
            "start_frame": report.start,
            "frames": report.frames,
            "preview": None if self.preview is None else str(self.preview),
            "seconds": round(report.seconds, 3),
            "frames_per_second": round(report.frames / report.seconds, 3),
            "busy_seconds": {k: round(v, 3) for k, v in report.busy_seconds.items()},
        }


def execute(
    job: Job,
    *,
    started: Callable[[Plan], None] = lambda _plan: None,
    advanced: Callable[[int], None] = lambda _done: None,
    interrupt: Event | None = None,
) -> Result:
    """Do a job.

    Everything that can be refused is refused before the first frame, and the cheapest checks come
    first. On an error, nothing is left under the output's name that was not there before.

    Args:
        job: what to do.
        started: called once, before the first frame; where the clip promises too few frames,
            not before it has given enough of them.
        advanced: called after every output with the number of outputs so far.
        interrupt: see `lrhdr_engines.pipeline.run`.

    Raises:
        LrhdrError: see its subclasses. An input that ends early is none: see `Report.ending`.
    """
    from lrhdr_engines.exposures import resolve_ev
    from lrhdr_engines.media import open_source

    _check_options(job)
    source = open_source(job.input)
    sink: Sink | None = None
    try:
        sink = _open_sink(job, source.info)
        exposures = resolve_ev(job.ev, job.input, lambda: (frame.rgb for frame in source.frames()))
        model = open_model(
            job.model,
            len(exposures.ev),
            engine=job.engine,
            backend=job.backend,
            threads=job.threads,
        )
        plan = Plan(
            job=job,
            clip=source.info,
            exposures=exposures,
            bundle=model.engine.manifest.name,
            engine=model.engine.precision,
            backend=model.engine.backend.name,
            device=model.engine.backend.device,
            frames=_expected(job, source.info.frames),
        )
        sheet = _contact_sheet(plan) if job.preview is not None else None
        announced = not _too_short(plan)
        if announced:
            started(plan)
    except BaseException:
        source.close()
        if sink is not None:
            sink.abort()
        raise

    def watch(output: Output) -> None:
        nonlocal announced
        if not announced:
            started(plan)
            announced = True
        if sheet is not None:
            sheet.add(output)
        advanced(output.index - job.start_frame + 1)

    with closing(model):
        report = run(
            model,
            source,
            sink,
            exposures.ev,
            start=job.start_frame,
            count=job.max_frames,
            masks=sheet.wants if sheet is not None else False,
            watch=watch,
            interrupt=interrupt,
        )
    preview = None
    if sheet is not None and job.preview is not None and len(sheet):
        sheet.save(job.preview)
        preview = job.preview
    return Result(plan=plan, report=report, preview=preview)


def _check_options(job: Job) -> None:
    if job.start_frame < 0:
        raise InputError(f"start frame {job.start_frame}", expected="0 or more")
    if job.max_frames is not None and job.max_frames < 1:
        raise InputError(f"at most {job.max_frames} frames", expected="1 or more")
    target = Path(job.target)
    if target.exists() and job.input.exists() and target.samefile(job.input):
        raise OutputError(
            f"the output {job.target} is the input itself", next_step="Choose another name with -o"
        )
    if job.preview is not None:
        if job.preview.suffix.lower() != ".png":
            raise OutputError(f"preview {job.preview}", expected="a name that ends in .png")
        check_new_file(job.preview, overwrite=job.overwrite)


def check_new_file(path: Path, *, overwrite: bool) -> None:
    """See to it that a report or preview can be written later.

    Raises:
        OutputError: it exists and must not be overwritten, or its folder cannot be written.
    """
    from lrhdr_engines.media.files import check_target

    check_target(path, overwrite=overwrite)
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path} cannot be written", expected="a folder that can be written")


def _open_sink(job: Job, clip: ClipInfo) -> Sink:
    from lrhdr_engines.media import OutputSettings, open_sink, parse_output

    settings = OutputSettings(
        width=clip.width,
        height=clip.height,
        frame_rate=clip.frame_rate,
        white_nits=job.white_nits,
        overwrite=job.overwrite,
        carry_from=job.input if clip.has_audio else None,
        first_index=job.start_frame,
        start=job.start_frame / clip.frame_rate,
    )
    return open_sink(parse_output(job.target), settings)


def _too_short(plan: Plan) -> bool:
    """Whether the clip says of itself that this cannot be done. Containers have been wrong."""
    promised = plan.clip.frames
    return promised is not None and promised <= max(
        plan.job.start_frame, len(plan.exposures.ev) - 1
    )


def _expected(job: Job, frames: int | None) -> int | None:
    if frames is None:
        return job.max_frames
    rest = max(0, frames - job.start_frame)
    return rest if job.max_frames is None else min(rest, job.max_frames)


def _contact_sheet(plan: Plan) -> ContactSheet:
    from lrhdr_engines.preview import ContactSheet, pick_rows

    title = f"{plan.job.input.name}   {plan.clip.width} × {plan.clip.height}   {plan.bundle}"
    rows = pick_rows(plan.job.start_frame, plan.frames, len(plan.exposures.ev))
    return ContactSheet(title, plan.exposures.ev, rows)
