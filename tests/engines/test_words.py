"""What lrhdr-run says: one line of plan, what was done, and a command that goes on."""

from __future__ import annotations

import shlex
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from lrhdr_engines.cli.words import announcement, conclusion, resume, say
from lrhdr_engines.exposures import Exposures
from lrhdr_engines.job import Job, Plan, Result
from lrhdr_engines.media import ClipInfo
from lrhdr_engines.pipeline import Report

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
    ev = Exposures(ev=(0.0, -3.0), source="flag", confidence=None, note="0,-3 EV as given")
    return Plan(
        job=job,
        clip=clip,
        exposures=ev,
        bundle="lite-2e",
        engine="fp32",
        backend="onnxruntime",
        device="CPU",
        frames=frames,
    )


def result(job: Job, **changes: Any) -> Result:
    given: dict[str, Any] = {
        "ending": "complete",
        "note": "",
        "start": job.start_frame,
        "frames": 10,
        "facts": {"notes": []},
        "seconds": 4.0,
        "busy_seconds": {},
    }
    preview = changes.pop("preview", None)
    return Result(plan=plan(job), report=Report(**given | changes), preview=preview)


def options(command: str) -> dict[str, str]:
    """The options of a command line; the words before them under "" (joined)."""
    program, clip, *rest = shlex.split(command)
    return {"": f"{program} {clip}"} | dict(zip(rest[::2], rest[1::2], strict=True))


def test_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("done")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "lrhdr-run: done\n")


def test_the_plan_is_one_line() -> None:
    assert announcement(plan(Job(input=CLIP))) == (
        "a clip.mov: 1920x1080, 40 frames, 0,-3 EV as given; lite-2e fp32 by onnxruntime on the CPU"
    )
    assert "frames" not in announcement(plan(Job(input=CLIP), None))


def test_a_complete_run() -> None:
    job = Job(input=CLIP, out="out.mp4")
    assert list(conclusion(result(job))) == ["10 frames in out.mp4, 4.0 s, 2.5 fps"]


def test_notes_and_the_contact_sheet_are_named() -> None:
    job = Job(input=CLIP, out="out.mp4")
    done = result(job, facts={"notes": ["audio left out"]}, preview=Path("sheet.png"))
    assert list(conclusion(done))[1:] == ["note: audio left out", "contact sheet in sheet.png"]


def test_an_input_that_ended_early() -> None:
    done = result(Job(input=CLIP, out="out.mp4"), ending="incomplete", note="cut off")
    assert list(conclusion(done))[1:] == ["incomplete: cut off"]


def test_an_interrupted_run_says_how_to_go_on() -> None:
    job = Job(input=CLIP, out="out.mp4", ev="0,-3")
    done = result(job, ending="interrupted", note="stopped by Control-C")
    first, why, how = conclusion(done)
    assert first.startswith("10 frames in out.mp4")
    assert why == "interrupted: stopped by Control-C"
    assert how == f"go on with: {resume(job, 10)}"


def test_a_run_without_frames_claims_none() -> None:
    job = Job(input=CLIP, out="out.mp4")
    lines = list(conclusion(result(job, frames=0, ending="interrupted", note="stopped", facts={})))
    assert lines[0] == "interrupted: stopped"
    assert len(lines) == 2


def test_going_on_with_a_video_makes_another_file() -> None:
    job = Job(input=CLIP, out="out.mov", start_frame=5, max_frames=30, ev="-2,0,2", overwrite=True)
    assert options(resume(job, 10)) == {
        "": "lrhdr-run a clip.mov",
        "-o": "out.rest.mov",
        "--start-frame": "15",
        "--max-frames": "20",
        "--ev": "-2,0,2",
    }


def test_going_on_with_nothing_made_keeps_the_name() -> None:
    assert options(resume(Job(input=CLIP, out="out.mov"), 0))["-o"] == "out.mov"


@pytest.mark.parametrize("out", ["frames", "shot/f_%06d.exr", "null"])
def test_a_sequence_goes_on_in_its_folder(out: str) -> None:
    assert options(resume(Job(input=CLIP, out=out), 3))["-o"] == out


def test_every_option_that_was_given_is_given_again() -> None:
    job = Job(
        input=CLIP,
        out="out.mp4",
        engine="fp32",
        backend="openvino",
        model="other/bundle",
        ev="0,-3",
        white_nits=100.0,
        threads=3,
        preview=Path("sheet.png"),
    )
    found = options(resume(job, 1))
    assert found.keys() == {
        *("", "-o", "--start-frame", "--engine", "--backend", "--model", "--ev"),
        *("--white-nits", "--threads"),
    }
    assert found["--white-nits"] == "100.0"
    assert found["--threads"] == "3"
    assert found["--start-frame"] == "1"
