"""What a run will do, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrhdr_engines.job import Job
from lrhdr_engines.pipeline import Report
from lrhdr_engines.timeline import Timeline

if TYPE_CHECKING:
    from lrhdr_engines.media import ClipInfo


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
