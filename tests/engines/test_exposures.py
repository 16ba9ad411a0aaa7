"""Exposures as given, as listed in a file, and which of them counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure_clips import Pixels, render
from exposure_held import Held
from lrhdr.errors import ExposureError, IncompleteError
from lrhdr_engines.exposures import WIDEST, parse_ev, read_exposures_txt, resolve_timeline
from lrhdr_engines.media import Frame
from lrhdr_engines.timeline import Slip, Timeline

Frames = list[Pixels]
STILL: Frames = render((0.0, 0.0), 10)


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


LOG = "Movie log\nHDR video : ISO 100/800 (3.0 EV)\n"


def resolve(option: str, clip: Path, frames: Frames | None = None) -> Timeline:
    return resolve_timeline(option, Held(STILL if frames is None else frames, clip))


def test_the_option_wins_over_every_file(tmp_path: Path) -> None:
    write(tmp_path / "a.Exposures.txt", "0 -2")
    write(tmp_path / "Exposures.txt", "0 -4")
    found = resolve("0,-3", tmp_path / "a.mov")
    assert (found.ev, found.source, found.confidence) == ((0.0, -3.0), "flag", None)
    assert "0,-3 EV as given" in found.note


@pytest.mark.parametrize("option", ["auto", " Auto "])
def test_the_clips_own_file_wins_over_the_folders(tmp_path: Path, option: str) -> None:
    clip = tmp_path / "a.mov"
    write(tmp_path / "Exposures.txt", "0 -4")
    write(tmp_path / "a.csv", "frame,exposure_time\n0,8\n1,1\n2,8\n3,1\n")
    found = resolve(option, clip)
    assert (found.ev, found.source) == ((0.0, -4.0), "Exposures.txt")
    write(tmp_path / "a.Exposures.txt", "0 -2")
    found = resolve(option, clip)
    assert (found.ev, found.confidence) == ((0.0, -2.0), None)
    assert "a.Exposures.txt" in found.note
    # Another clip of the same folder keeps the folder's.
    assert resolve(option, tmp_path / "b.mov").ev == (0.0, -4.0)


def test_a_folder_of_frames_holds_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "shot"
    folder.mkdir()
    write(tmp_path / "Exposures.txt", "0 -4")
    write(folder / "Exposures.txt", "-2 0 2")
    assert resolve("auto", folder).ev == (-2.0, 0.0, 2.0)


def test_a_broken_file_is_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.Exposures.txt", "soon")
    write(tmp_path / "Exposures.txt", "0 -4")
    with pytest.raises(ExposureError, match="'soon' is no exposure"):
        resolve("auto", tmp_path / "a.mov")


def test_without_a_file_the_pixels_tell(tmp_path: Path) -> None:
    found = resolve("auto", tmp_path / "a.mov", render((0.0, -3.0), 12))
    assert (found.ev, found.source) == ((0.0, -3.0), "estimate")
    assert found.confidence is not None
    assert found.confidence >= 0.5
    assert "estimated from pixels" in found.note
    assert "--ev overrides" in found.note


def test_a_clip_that_breaks_off_is_estimated_from_what_is_there(tmp_path: Path) -> None:
    class Broken(Held):
        def frames(self, start: int = 0) -> Iterator[Frame]:
            yield from super().frames(start)
            raise IncompleteError("cut off")

    source = Broken(render((0.0, -3.0), 12), tmp_path / "a.mov")
    assert resolve_timeline("auto", source).ev == (0.0, -3.0)


def test_a_refusal_names_the_clip(tmp_path: Path) -> None:
    with pytest.raises(ExposureError, match=r"^a\.mov: .*cannot be told from the pixels") as caught:
        resolve("auto", tmp_path / "a.mov")
    one_line(caught)


def test_slips_are_found_in_a_given_cycle(tmp_path: Path) -> None:
    frames = render((-3.0, 0.0), 40, dropped=(23,))
    found = resolve("-3,0", tmp_path / "a.mov", frames)
    assert found.slips == (Slip(frame=23, kind="dropped"),)
    assert [(s.start, s.ev) for s in found.segments] == [(0, (-3.0, 0.0)), (23, (-3.0, 0.0))]


@pytest.mark.parametrize("ev", ["0,-3", "-6,0,6", "0,-1"])
def test_a_given_cycle_that_the_pixels_do_not_show_is_taken_whole(tmp_path: Path, ev: str) -> None:
    frames = render((-3.0, 0.0), 40, dropped=(23,))
    found = resolve(ev, tmp_path / "a.mov", frames)
    assert [(s.start, s.stop, s.ev) for s in found.segments] == [(0, None, parse_ev(ev))]
    assert found.slips == ()


def test_a_list_of_every_frame_says_where_it_slips(tmp_path: Path) -> None:
    write(tmp_path / "Exposures.txt", "0 -3 " * 5 + "-3 0 " * 5)
    found = resolve("auto", tmp_path / "a.mov", render((0.0, 0.0), 20))
    assert [(s.start, s.stop, s.ev) for s in found.segments] == [
        (0, 10, (0.0, -3.0)),
        (10, None, (-3.0, 0.0)),
    ]
    assert found.slips == (Slip(frame=10, kind="dropped"),)
    assert found.source == "Exposures.txt"


def test_a_list_without_a_rhythm_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "Exposures.txt", "0 -3 -3 0 0 0 -3 -3 0 -3 -3")
    with pytest.raises(ExposureError, match=r"from Exposures\.txt: .* do not repeat"):
        resolve("auto", tmp_path / "a.mov")


def test_a_camera_table_gives_times_and_gains(tmp_path: Path) -> None:
    # 8 ms at 0 dB, then 1 ms at 6.02 dB: 2 EV apart; a frame lost before frame 5.
    rows = ["long", "short", "long", "short", "long", "long", "short", "long", "short", "long"]
    values = {"long": "8.0,0", "short": "1.0,6.0206"}
    table = "".join(f"{i},{values[row]},x\n" for i, row in enumerate(rows))
    write(tmp_path / "a.csv", "frame,exposure_time,gain,note\n" + table)
    found = resolve("auto", tmp_path / "a.mov")
    assert found.source == "metadata"
    assert found.ev == pytest.approx((0.0, -2.0), abs=1e-4)
    assert [slip.frame for slip in found.slips] == [5]


@pytest.mark.parametrize("row", ["0,soon", "0,-1", "0", "0,inf"])
def test_a_camera_table_with_a_bad_row_is_refused(tmp_path: Path, row: str) -> None:
    write(tmp_path / "a.csv", f"frame,exposure_time\n{row}\n")
    with pytest.raises(ExposureError, match="line 2"):
        resolve("auto", tmp_path / "a.mov")


def test_exposures_too_far_apart_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "Exposures.txt", "0 -20 " * 4)
    with pytest.raises(ExposureError, match="20 EV from the darkest"):
        resolve("auto", tmp_path / "a.mov")


def test_other_tables_and_texts_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "code,light\n0,0\n255,1\n")
    write(tmp_path / "a.txt", "notes of the day")
    assert resolve("auto", tmp_path / "a.mov", render((0.0, -3.0), 12)).source == "estimate"


@pytest.mark.parametrize("name", ["a.LOG", "a.log", "a.txt"])
@pytest.mark.parametrize("ev", [(0.0, -3.0), (-3.0, 0.0)])
def test_a_magic_lantern_log_says_how_far_and_the_pixels_which(
    tmp_path: Path, name: str, ev: tuple[float, ...]
) -> None:
    write(tmp_path / name, LOG)
    found = resolve("auto", tmp_path / "a.mov", render(ev, 16))
    assert (found.ev, found.source) == (ev, "log")
    assert name in found.note


def test_a_log_that_the_pixels_do_not_bear_out_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.LOG", LOG)
    with pytest.raises(ExposureError, match=r"from a\.LOG: .* alternate by 3 EV"):
        resolve("auto", tmp_path / "a.mov")


def test_a_log_without_a_difference_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.LOG", "HDR video : ISO 800/800 (0.0 EV)")
    with pytest.raises(ExposureError, match="two different ISOs"):
        resolve("auto", tmp_path / "a.mov")
