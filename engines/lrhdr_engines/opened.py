"""Opens what a job names: its clip, the clip's exposures, its outputs."""

from __future__ import annotations

from collections.abc import Callable

from lrhdr_engines.exposures import resolve_timeline
from lrhdr_engines.job import Job
from lrhdr_engines.media import OutputSettings, Sink, Source, open_sink, open_source
from lrhdr_engines.media.files import ExistsError
from lrhdr_engines.media.light_in import LightIn
from lrhdr_engines.media.opening import STDIN
from lrhdr_engines.media.several import Sinks
from lrhdr_engines.timeline import Timeline

# Frames to find the exposures in, where fewer are to be made: at least so many in all, and so many
# beyond the last, where a cut or slip shows only later.
_LOOKED_AT, _BEYOND = 64, 12


def end_of(job: Job) -> int | None:
    """The frame at which the outputs that were asked for end; None for the clip's end."""
    return None if job.max_frames is None else job.start_frame + job.max_frames * job.step


def source_of(job: Job, light: LightIn) -> Source:
    """The clip, read by `light`. Raises as `open_source` does."""
    return open_source(job.input, job.frame_rate, light=light, decoder=job.decoder)


def timeline_of(job: Job, source: Source, looked: Callable[[int], None]) -> Timeline:
    """The clip's exposures, as far as the outputs go. Raises as `resolve_timeline` does."""
    end = end_of(job)
    stop = None if end is None else max(_LOOKED_AT, end + _BEYOND)
    return resolve_timeline(job.ev, source, stop=stop, advanced=looked)


def sinks_of(job: Job, source: Source) -> Sinks:
    """All outputs, each checked; none is left open where one cannot be. See `open_sink`."""
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
    there: list[ExistsError] = []
    try:
        for target in job.targets():
            try:
                opened.append(open_sink(target, settings))
            except ExistsError as error:
                there.append(error)
        # A run that was killed while it tidied up has finished those that have no state any more.
        if there and not (job.resume and any(sink.kept for sink in opened)):
            raise there[0]
    except BaseException:
        Sinks(opened).abort()
        raise
    return Sinks(opened)


def _timecode(timecode: str | None, step: int) -> str | None:
    """Of the clip's frame 0, in frames of the output."""
    if timecode is None or step == 1:
        return timecode
    return f"{timecode[:-2]}{int(timecode[-2:]) // step:02d}"
