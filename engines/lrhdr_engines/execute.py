"""One run, as `lrhdr-run` does it: from what was asked to what was done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from lrhdr.command import Interrupt
from lrhdr_engines.api import open_model
from lrhdr_engines.backends import open_backend
from lrhdr_engines.backends.registry import check_backend
from lrhdr_engines.bundle import Bundle, check_model
from lrhdr_engines.engine import Engine
from lrhdr_engines.findings import Findings
from lrhdr_engines.guard import Guard
from lrhdr_engines.job import Job
from lrhdr_engines.media.light_in import AUTO
from lrhdr_engines.opened import end_of, sinks_of, source_of, timeline_of
from lrhdr_engines.pipeline import Report, nothing_left, run
from lrhdr_engines.plan import Plan, Result
from lrhdr_engines.request import Request
from lrhdr_engines.streaming import Output, StreamingModel
from lrhdr_engines.watchers import Watchers

if TYPE_CHECKING:
    from lrhdr_engines.media import Source
    from lrhdr_engines.media.several import Sinks


def execute(
    job: Job,
    *,
    looked: Callable[[int], None] = lambda _frames: None,
    started: Callable[[Plan], None] = lambda _plan: None,
    advanced: Callable[[int], None] = lambda _done: None,
    interrupt: Interrupt | None = None,
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
    check_model(job.model)
    check_backend(job.backend)
    light = job.light()
    source = source_of(job, light)
    sinks: Sinks | None = None
    try:
        sinks = sinks_of(job, source)
        timeline = timeline_of(job, source, looked)
        if job.transfer == AUTO and timeline.transfer is not None:
            source.close()
            light = job.light(timeline.transfer)
            source = source_of(job, light)
            timeline = timeline_of(job, source, looked)
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
        engine=model.engine.precision_at(source.info.width * source.info.height),
        backend=model.engine.backend.name,
        device=model.engine.backend.device,
        first=first,
        frames=_expected(job, first, source.info.frames),
    )
    watchers = Watchers(plan)
    with closing(model):
        try:
            report = _run(plan, model, source, sinks, watchers, started, advanced, interrupt)
            if interrupt is not None:  # what is done is not undone by a Ctrl-C that comes late
                interrupt.over = True
            pictures = watchers.save(report)
        except BaseException as error:
            if sinks.kept:
                error.add_note(f"finished frames are kept; go on with: {job.resumption()}")
            raise
    return Result(plan=plan, report=report, pictures=pictures)


def _run(
    plan: Plan,
    model: StreamingModel,
    source: Source,
    sinks: Sinks,
    watchers: Watchers,
    started: Callable[[Plan], None],
    advanced: Callable[[int], None],
    interrupt: Interrupt | None,
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
            stop=end_of(job),
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
    if (end := end_of(job)) is not None:
        ends.append(end)
    return len(range(first, min(ends), job.step)) if ends else None
