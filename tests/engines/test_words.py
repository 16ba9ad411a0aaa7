"""What lrhdr-run says: one line of plan, what was done, and a command that goes on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from lrhdr_engines.cli.words import announcement, conclusion, say
from lrhdr_engines.findings import Findings
from lrhdr_engines.job import Job
from lrhdr_engines.media import ClipInfo
from lrhdr_engines.pipeline import Report
from lrhdr_engines.plan import Plan, Result
from lrhdr_engines.timeline import Segment, Timeline

CLIP = Path("a clip.mov")


def plan(job: Job, frames: int | None = 40) -> Plan:
    clip = ClipInfo(
        path=job.input,
        width=1920,
        height=1080,
        frame_rate=Fraction(25),
        frames=frames,
        bit_depth=8,
        kind="video",
        has_audio=False,
        codec="h264",
        pixel_format="yuv420p",
        colour="BT.709, limited range",
    )
    timeline = Timeline(
        segments=(Segment(start=0, stop=None, ev=(0.0, -3.0)),), note="0,-3 EV as given"
    )
    return Plan(
        job=job,
        clip=clip,
        timeline=timeline,
        transfer="gamma22",
        bundle="lite-2e",
        engine="fp32",
        backend="onnxruntime",
        device="CPU",
        first=0,
        frames=frames,
    )


def result(job: Job, **changes: Any) -> Result:
    given: dict[str, Any] = {
        "ending": "complete",
        "note": "",
        "next_frame": 10,
        "frames": 10,
        "outputs": [{"notes": []}],
        "seconds": 4.0,
        "busy_seconds": {},
    }
    pictures = changes.pop("pictures", {})
    return Result(plan=plan(job), report=Report(**given | changes), pictures=pictures)


def test_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("done")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "lrhdr-run: done\n")


def test_the_plan_is_one_line() -> None:
    assert announcement(plan(Job(input=CLIP))) == (
        "a clip.mov: 1920x1080, 40 frames, 0,-3 EV as given; codes read as gamma22; "
        "lite-2e fp32 by onnxruntime on the CPU"
    )
    assert "frames" not in announcement(plan(Job(input=CLIP), None))


def test_a_complete_run() -> None:
    job = Job(input=CLIP, out=("out.mp4",))
    assert list(conclusion(result(job))) == ["10 frames in out.mp4, 4.0 s, 2.5 fps"]


def test_several_outputs_are_named() -> None:
    job = Job(input=CLIP, out=("out.mp4", "exr:frames/", "null"))
    assert list(conclusion(result(job))) == ["10 frames in out.mp4, frames/, null, 4.0 s, 2.5 fps"]


def test_notes_findings_and_pictures_are_named() -> None:
    job = Job(input=CLIP, out=("out.mp4",))
    done = result(
        job,
        outputs=[{"notes": ["audio left out"]}],
        findings=Findings(concealed=[4]),
        pictures={"preview": "sheet.png", "report": None},
    )
    assert list(conclusion(done))[1:] == [
        "note: frame 4 damaged in the input, concealed by a neighbour",
        "note: audio left out",
        "preview in sheet.png",
    ]


def test_an_input_that_ended_early() -> None:
    done = result(Job(input=CLIP, out=("out.mp4",)), ending="incomplete", note="cut off")
    assert list(conclusion(done))[1:] == ["incomplete: cut off"]


def test_an_interrupted_run_says_how_to_go_on() -> None:
    job = Job(input=CLIP, out=("out.mp4",), ev="0,-3")
    done = result(job, ending="interrupted", note="stopped by Control-C")
    first, why, how = conclusion(done)
    assert first.startswith("10 frames in out.mp4")
    assert why == "interrupted: stopped by Control-C"
    assert how == "go on with: lrhdr-run 'a clip.mov' -o out.mp4 --ev 0,-3 --resume"


def test_a_run_without_frames_claims_none() -> None:
    job = Job(input=CLIP, out=("out.mp4",))
    done = result(job, frames=0, ending="interrupted", note="stopped", outputs=[])
    lines = list(conclusion(done))
    assert lines[0] == "interrupted: stopped"
    assert len(lines) == 2
