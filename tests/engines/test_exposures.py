"""Exposures as given, as listed in a file, and which of them counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from exposure_errors import render
from lrhdr.errors import ExposureError, IncompleteError
from lrhdr_engines.exposures import WIDEST, parse_ev, read_exposures_txt, resolve_ev

Frames = list[NDArray[np.uint8] | NDArray[np.uint16]]


def unread() -> Frames:
    raise AssertionError("the pixels were asked although the exposures were given")


def one_line(caught: pytest.ExceptionInfo[ExposureError]) -> str:
    message = str(caught.value)
    assert "\n" not in message
    assert "--ev 0,-3" in message
    assert caught.value.exit_code == 2
    return message


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


@pytest.mark.parametrize(
    ("text", "ev"),
    [
        ("0,-3", (0.0, -3.0)),
        ("-3,0", (-3.0, 0.0)),
        (" 0 , -3 ", (0.0, -3.0)),
        ("-2,0,2", (-2.0, 0.0, 2.0)),
        ("1.5,-1.25", (1.5, -1.25)),
        ("+2,0e0,-2", (2.0, 0.0, -2.0)),
        (f"0,{WIDEST:g}", (0.0, WIDEST)),
    ],
)
def test_evs_as_text(text: str, ev: tuple[float, ...]) -> None:
    assert parse_ev(text) == ev


@given(
    st.lists(st.floats(-WIDEST / 2, WIDEST / 2), min_size=2, max_size=3, unique=True).map(tuple),
    st.sampled_from(["{}", " {}", "{} "]),
)
def test_formatted_evs_are_read_back(ev: tuple[float, ...], form: str) -> None:
    assert parse_ev(",".join(form.format(value) for value in ev)) == ev


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "'' is no exposure"),
        ("0", "1 exposure;"),
        ("0,1,2,3", "4 exposures"),
        ("0,,-3", "'' is no exposure"),
        ("0;-3", "'0;-3' is no exposure"),
        ("0,three", "'three' is no exposure"),
        ("0,nan", "'nan' is no exposure"),
        ("0,-inf", "'-inf' is no exposure"),
        ("0,0", "the same exposure twice"),
        ("0,-2,-0", "the same exposure twice"),
        (f"0,{WIDEST + 0.5:g}", "12.5 EV from the darkest"),
        ("-8,0,8", "16 EV from the darkest"),
    ],
)
def test_text_that_is_no_cycle(text: str, fault: str) -> None:
    with pytest.raises(ExposureError) as caught:
        parse_ev(text)
    assert fault in one_line(caught)


@given(st.text(max_size=12))
def test_any_text_is_a_cycle_or_refused(text: str) -> None:
    try:
        ev = parse_ev(text)
    except ExposureError:
        return
    assert len(set(ev)) == len(ev)
    assert len(ev) in (2, 3)
    assert max(ev) - min(ev) <= WIDEST


@pytest.mark.parametrize(
    ("text", "ev"),
    [
        ("0\n-3\n", (0.0, -3.0)),
        ("0 -3", (0.0, -3.0)),
        ("0,-3", (0.0, -3.0)),
        ("-2.0,\t0.0,\r\n2.0\r\n", (-2.0, 0.0, 2.0)),
        ("# EV of\n0 # long, 1/50 s\n-3 # short\n\n", (0.0, -3.0)),
        ("\ufeff0\n-3\n", (0.0, -3.0)),
        ("0\n-3\n" * 10, (0.0, -3.0)),
        ("0\n-3\n" * 10 + "0\n", (0.0, -3.0)),
        ("-2 0 2 " * 5 + "-2", (-2.0, 0.0, 2.0)),
    ],
)
def test_files(tmp_path: Path, text: str, ev: tuple[float, ...]) -> None:
    assert read_exposures_txt(write(tmp_path / "Exposures.txt", text)) == ev


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "0 exposures"),
        ("# nothing yet\n", "0 exposures"),
        ("0\n", "1 exposure;"),
        ("0\nnan\n", "'nan' is no exposure"),
        ("0 -3 inf", "'inf' is no exposure"),
        ("1/50 1/400", "'1/50' is no exposure"),
        ("0 -3 0 -3 -3", "5 exposures that do not repeat"),
        ("0 -1 -2 -3 0 -1 -2 -3", "8 exposures that do not repeat"),
        ("0 0 0 0 0", "the same exposure twice"),
        ("0 -20", "20 EV from the darkest"),
    ],
)
def test_files_that_hold_no_cycle(tmp_path: Path, text: str, fault: str) -> None:
    path = write(tmp_path / "Exposures.txt", text)
    with pytest.raises(ExposureError) as caught:
        read_exposures_txt(path)
    message = one_line(caught)
    assert fault in message
    assert str(path) in message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "Exposures.txt"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ExposureError, match="not a text file") as caught:
        read_exposures_txt(path)
    assert str(path) in one_line(caught)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ExposureError, match="No such file") as caught:
        read_exposures_txt(tmp_path / "Exposures.txt")
    one_line(caught)


def test_the_option_wins_over_every_file(tmp_path: Path) -> None:
    write(tmp_path / "a.Exposures.txt", "0 -2")
    write(tmp_path / "Exposures.txt", "0 -4")
    found = resolve_ev("0,-3", tmp_path / "a.mov", unread)
    assert (found.ev, found.source, found.confidence) == ((0.0, -3.0), "flag", None)
    assert "0,-3 EV as given" in found.note


@pytest.mark.parametrize("option", ["auto", " Auto "])
def test_the_clips_own_file_wins_over_the_folders(tmp_path: Path, option: str) -> None:
    clip = tmp_path / "a.mov"
    write(tmp_path / "Exposures.txt", "0 -4")
    found = resolve_ev(option, clip, unread)
    assert (found.ev, found.source) == ((0.0, -4.0), "Exposures.txt")
    write(tmp_path / "a.Exposures.txt", "0 -2")
    found = resolve_ev(option, clip, unread)
    assert (found.ev, found.confidence) == ((0.0, -2.0), None)
    assert "a.Exposures.txt" in found.note
    # Another clip of the same folder keeps the folder's.
    assert resolve_ev(option, tmp_path / "b.mov", unread).ev == (0.0, -4.0)


def test_a_folder_of_frames_holds_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "shot"
    folder.mkdir()
    write(tmp_path / "Exposures.txt", "0 -4")
    write(folder / "Exposures.txt", "-2 0 2")
    assert resolve_ev("auto", folder, unread).ev == (-2.0, 0.0, 2.0)


def test_a_broken_file_is_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.Exposures.txt", "soon")
    write(tmp_path / "Exposures.txt", "0 -4")
    with pytest.raises(ExposureError, match="'soon' is no exposure"):
        resolve_ev("auto", tmp_path / "a.mov", unread)


def test_without_a_file_the_pixels_tell(tmp_path: Path) -> None:
    frames: Frames = render((0.0, -3.0), 12)
    found = resolve_ev("auto", tmp_path / "a.mov", lambda: frames)
    assert (found.ev, found.source) == ((0.0, -3.0), "estimate")
    assert found.confidence is not None
    assert found.confidence >= 0.5
    assert "estimated from pixels" in found.note
    assert "--ev overrides" in found.note


def test_a_clip_that_breaks_off_is_estimated_from_what_is_there(tmp_path: Path) -> None:
    def broken() -> Iterator[Any]:
        yield from render((0.0, -3.0), 12)
        raise IncompleteError("cut off")

    assert resolve_ev("auto", tmp_path / "a.mov", broken).ev == (0.0, -3.0)


def test_a_refusal_names_the_clip(tmp_path: Path) -> None:
    still: Frames = render((0.0, 0.0), 12)
    with pytest.raises(ExposureError, match=r"^a\.mov: .*cannot be told from the pixels") as caught:
        resolve_ev("auto", tmp_path / "a.mov", lambda: still)
    one_line(caught)
