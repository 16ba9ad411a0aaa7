"""One run, as `lrhdr-run` does it: from what was asked to what was done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from lrhdr.errors import LrhdrError
from lrhdr_engines.api import open_model
from lrhdr_engines.backends import open_backend
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.engine import Engine
from lrhdr_engines.findings import Findings
from lrhdr_engines.guard import Guard
from lrhdr_engines.job import Job
from lrhdr_engines.media.light_in import AUTO
from lrhdr_engines.media.opening import STDIN
from lrhdr_engines.pipeline import Report, nothing_left, run
from lrhdr_engines.request import Request
from lrhdr_engines.streaming import Output, StreamingModel
from lrhdr_engines.timeline import Timeline
from lrhdr_engines.watchers import Watchers

if TYPE_CHECKING:
    from lrhdr_engines.media import ClipInfo, Sink, Source
    from lrhdr_engines.media.light_in import LightIn
    from lrhdr_engines.media.several import Sinks


# Frames to find the exposures in, where fewer are to be made: at least so many in all, and so many
# beyond the last, where a cut or slip shows only later.
_LOOKED_AT, _BEYOND = 64, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done, known before the first frame.

    Attributes:
        transfer: the curve that the clip's codes are read by.
        first: index of the first output; where a run goes on, of the first that is left.
        frames: outputs to make; None if the clip does not say its length.
    """

    job: Job
    clip: ClipInfo
    timeline: Timeline
    transfer: str
    bundle: str
    engine: str
    backend: str
    device: str
    first: int
    frames: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was done. `pictures` are the preview and report that were asked for and drawn."""

    plan: Plan
    report: Report
    pictures: dict[str, str | None]

    def facts(self) -> dict[str, Any]:
        """All of it for --json."""
        plan, report = self.plan, self.report
        timeline = plan.timeline
        return {
            "ending": report.ending,
            "note": report.note,
            "input": {
                "path": str(plan.job.input),
                "width": plan.clip.width,
                "height": plan.clip.height,
                "frame_rate": str(plan.clip.frame_rate),
                "frames": plan.clip.frames,
                "transfer": plan.transfer,
            },
            "exposures": {
                "ev": list(timeline.ev),
                "source": timeline.source,
                "confidence": timeline.confidence,
                "cuts": list(timeline.cuts),
                "slips": [{"frame": slip.frame, "kind": slip.kind} for slip in timeline.slips],
                "note": timeline.note,
            },
            "model": {
                "bundle": plan.bundle,
                "engine": plan.engine,
                "backend": plan.backend,
                "device": plan.device,
            },
            "outputs": report.outputs,
            "start_frame": plan.first,
            "frames": report.frames,
            "findings": report.findings.facts(),
            **self.pictures,
            "seconds": round(report.seconds, 3),
            "frames_per_second": round(report.frames / report.seconds, 3),
            "busy_seconds": {k: round(v, 3) for k, v in report.busy_seconds.items()},
        }


def execute(
    job: Job,
    *,
    looked: Callable[[int], None] = lambda _frames: None,
    started: Callable[[Plan], None] = lambda _plan: None,
    advanced: Callable[[int], None] = lambda _done: None,
    interrupt: Event | None = None,
) -> Result:
    """Do a job.

    Everything that can be refused is refused before the first frame, and the cheapest checks come
    first.

    Args:
        job: what to do.
        looked: called while the clip's exposures are looked for, with the frames read so far.
        started: called once, before the first frame; where the clip promises too few frames,
            not before it has given enough of them.
        advanced: called after every output with the number of outputs so far.
        interrupt: see `lrhdr_engines.pipeline.run`.

    Raises:
        LrhdrError: see its subclasses. An input that ends early is none: see `Report.ending`.
            Where finished frames are kept, a note of the error says how to go on.
    """
    job.check()
    light = job.light()
    source = _open_source(job, light)
    sinks: Sinks | None = None
    try:
        sinks = _open_sinks(job, source)
        timeline = _timeline(job, source, looked)
        if job.transfer == AUTO and timeline.transfer is not None:
            source.close()
            light = job.light(timeline.transfer)
            source = _open_source(job, light)
            timeline = _timeline(job, source, looked)
        model = open_model(
            job.model,
            len(timeline.ev),
            engine=job.engine,
            backend=job.backend,
            threads=job.threads,
        )
    except BaseException:
        source.close()
        if sinks is not None:
            sinks.abort()
        raise
    first = _aligned(sinks.next_index, job)
    plan = Plan(
        job=job,
        clip=source.info,
        timeline=timeline,
        transfer=light.transfer,
        bundle=model.engine.manifest.name,
        engine=model.engine.precision,
        backend=model.engine.backend.name,
        device=model.engine.backend.device,
        first=first,
        frames=_expected(job, first, source.info.frames),
    )
    watchers = Watchers(plan)
    with closing(model):
        try:
            report = _run(plan, model, source, sinks, watchers, started, advanced, interrupt)
        except LrhdrError as error:
            if sinks.next_index > first:
                error.add_note(f"finished frames are kept; go on with: {job.resumption()}")
            raise
    return Result(plan=plan, report=report, pictures=watchers.save(report))


def _open_source(job: Job, light: LightIn) -> Source:
    from lrhdr_engines.media.opening import open_source

    return open_source(job.input, job.frame_rate, light=light, decoder=job.decoder)


def _timeline(job: Job, source: Source, looked: Callable[[int], None]) -> Timeline:
    from lrhdr_engines.exposures import resolve_timeline

    end = _end(job)
    stop = None if end is None else max(_LOOKED_AT, end + _BEYOND)
    return resolve_timeline(job.ev, source, stop=stop, advanced=looked)


def _open_sinks(job: Job, source: Source) -> Sinks:
    from lrhdr_engines.media import OutputSettings, open_sink
    from lrhdr_engines.media.several import Sinks

    clip = source.info
    start = job.start_frame / clip.frame_rate
    if clip.variable_rate and job.start_frame:  # only its decoding tells
        start = next((frame.time for frame in source.frames(job.start_frame)), start)
    settings = OutputSettings(
        width=clip.width,
        height=clip.height,
        frame_rate=clip.frame_rate / job.step,
        first_index=job.start_frame,
        start=start,
        variable_rate=clip.variable_rate,
        rotation=clip.rotation,
        timecode=_timecode(clip.timecode, job.step),
        carry_from=job.input if clip.kind == "video" and job.input != STDIN else None,
        white_nits=job.white_nits,
        overwrite=job.overwrite,
        resume=job.resume,
        job=job.identity(),
        preset=job.preset,
        crf=job.crf,
        tone=job.tone,
        compression=job.compression,
        encoder=job.encoder,
    )
    opened: list[Sink] = []
    try:
        for target in job.targets():
            opened.append(open_sink(target, settings))  # noqa: PERF401 (those open are needed below)
    except BaseException:
        Sinks(opened).abort()
        raise
    return Sinks(opened)


def _timecode(timecode: str | None, step: int) -> str | None:
    """Of the clip's frame 0, in frames of the output."""
    if timecode is None or step == 1:
        return timecode
    return f"{timecode[:-2]}{int(timecode[-2:]) // step:02d}"


def _run(
    plan: Plan,
    model: StreamingModel,
    source: Source,
    sinks: Sinks,
    watchers: Watchers,
    started: Callable[[Plan], None],
    advanced: Callable[[int], None],
    interrupt: Event | None,
) -> Report:
    job, timeline = plan.job, plan.timeline
    if plan.frames == 0 and plan.first > job.start_frame:  # all that is left is to finish
        source.close()
        started(plan)
        return nothing_left(plan.first, sinks.close())
    announced = not _too_short(plan)
    if announced:
        started(plan)

    def watch(output: Output) -> None:
        nonlocal announced
        if not announced:
            started(plan)
            announced = True
        watchers.add(output)
        advanced((output.index - plan.first) // job.step + 1)

    findings = Findings()
    return run(
        model,
        source,
        sinks,
        timeline,
        Request(
            start=plan.first,
            stop=_end(job),
            step=job.step,
            masks=watchers.wants,
            pq_white_nits=job.white_nits if sinks.takes_pq else None,
        ),
        findings=findings,
        guard=Guard(timeline, findings, again=_better(job, model)),
        watch=watch,
        interrupt=interrupt,
    )


def _better(job: Job, model: StreamingModel) -> Callable[[], Engine] | None:
    """Loads FP32 by ONNX Runtime on the CPU; None where that is what runs already."""
    runs = model.engine
    if runs.precision == "fp32" and runs.backend.name == "onnxruntime":
        return None
    exposures = model.exposures
    return lambda: Engine(
        Bundle.open(job.model, exposures), open_backend("onnxruntime"), "fp32", threads=job.threads
    )


def _end(job: Job) -> int | None:
    """The frame at which the outputs that were asked for end; None for the clip's end."""
    return None if job.max_frames is None else job.start_frame + job.max_frames * job.step


def _aligned(index: int, job: Job) -> int:
    """The first output at or after a frame."""
    return index + (job.start_frame - index) % job.step


def _too_short(plan: Plan) -> bool:
    """Whether the clip says of itself that this cannot be done. Containers have been wrong."""
    promised = plan.clip.frames
    return promised is not None and promised <= max(plan.first, len(plan.timeline.ev) - 1)


def _expected(job: Job, first: int, frames: int | None) -> int | None:
    """How many outputs there will be from `first` on."""
    ends = [] if frames is None else [frames]
    if (end := _end(job)) is not None:
        ends.append(end)
    return len(range(first, min(ends), job.step)) if ends else None
