"""A job is checked by its words alone, and gives the command line that asks for it."""

from __future__ import annotations

import shlex
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from lrhdr.errors import InputError, OutputError
from lrhdr_engines.cli.run import app
from lrhdr_engines.job import Job, parse_rate
from lrhdr_engines.media import Target
from lrhdr_engines.media.opening import STDIN

CLIP = Path("a clip.mov")


def test_by_default_an_output_lies_beside_its_input(tmp_path: Path) -> None:
    (tmp_path / "shot").mkdir()
    assert Job(input=tmp_path / "clip.mov").targets() == [
        Target("hdr10", str(tmp_path / "clip.hdr10.mp4"))
    ]
    assert Job(input=tmp_path / "shot").targets() == [
        Target("hdr10", str(tmp_path / "shot.hdr10.mp4"))
    ]


def test_standard_input_has_no_place_beside_it() -> None:
    with pytest.raises(InputError, match="no output was named"):
        Job(input=STDIN).check()


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "out": st.lists(st.sampled_from(["a b.mp4", "exr:f/", "null"]), unique=True).map(tuple),
        "engine": st.sampled_from(["fp16", "fp32"]),
        "ev": st.just("0,-3"),
        "model": st.just("other/bundle"),
        "transfer": st.just("slog3"),
        "frame_rate": st.just(Fraction(24000, 1001)),
        "start_frame": st.integers(1, 9),
        "max_frames": st.integers(1, 9),
        "fps": st.just("half"),
        "white_nits": st.just(100.0),
        "crf": st.integers(0, 40),
        "preview": st.just(Path("s.png")),
        "report": st.just(Path("r.html")),
        "overwrite": st.just(True),
        "resume": st.just(True),
        "threads": st.integers(1, 9),
    },
)


@given(given=OPTIONS)
def test_the_command_line_asks_for_the_same_job(given: dict[str, Any]) -> None:
    """What `command` prints is parsed by lrhdr-run to what the job holds."""
    job = Job(input=CLIP, **given)
    program, *words = shlex.split(job.command())
    assert program == "lrhdr-run"
    parsed = get_command(app).make_context("lrhdr-run", list(words)).params
    assert parsed["clip"] == CLIP
    for field in fields(Job):
        name = {"input": "clip", "range": "range_"}.get(field.name, field.name)
        value, expected = parsed[name], getattr(job, field.name)
        if field.name == "out":
            value = tuple(value or ())
        if field.name == "frame_rate" and value is not None:
            value = parse_rate(value)
        assert value == expected, field.name


def test_going_on_asks_for_the_same() -> None:
    job = Job(input=CLIP, out=("a.mp4",), ev="0,-3", overwrite=True)
    assert job.resumption() == "lrhdr-run 'a clip.mov' -o a.mp4 --ev 0,-3 --overwrite --resume"


def test_the_identity_is_what_the_picture_depends_on(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mov"
    clip.write_bytes(b"1")
    job = Job(input=clip)
    same = Job(input=clip, threads=1, overwrite=True, resume=True, max_frames=3)
    assert job.identity() == same.identity()
    assert job.identity() != Job(input=clip, ev="0,-3").identity()
    before = job.identity()
    clip.write_bytes(b"12")
    assert job.identity() != before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_frame": -1}, "start frame -1"),
        ({"max_frames": 0}, "at most 0"),
        ({"out": ("a.mp4", "hlg:a.mp4")}, "named twice"),
        ({"out": ("a.webm",)}, "ends in .webm"),
        ({"preview": Path("a.jpg")}, "ends in .png"),
        ({"report": Path("a.pdf")}, "ends in .html"),
        ({"input": STDIN, "out": ("a.mp4",), "resume": True}, "standard input"),
    ],
)
def test_what_cannot_be_done_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((InputError, OutputError), match=message):
        Job(**{"input": CLIP} | options).check()


def test_the_input_is_no_output(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mov"
    clip.touch()
    (tmp_path / "link.mov").symlink_to(clip)
    for out in ("clip.mov", "link.mov"):
        with pytest.raises(OutputError, match="the input itself"):
            Job(input=clip, out=(str(tmp_path / out),), overwrite=True).check()


@pytest.mark.parametrize(("text", "rate"), [("25", 25), ("24000/1001", Fraction(24000, 1001))])
def test_rates(text: str, rate: Any) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["0", "-1", "a", "1/0", ""])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(InputError, match="a frame rate of"):
        parse_rate(text)
