"""HEVC's light-level messages: the bits, and the correction of a finished file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_engines.media import sei

levels = st.integers(1, 10000)


def unescape(data: bytes) -> bytes:
    """Drop emulation prevention bytes (H.265, 7.3.1.1)."""
    out = bytearray()
    zeros = 0
    for byte in data:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        zeros = zeros + 1 if byte == 0 else 0
        out.append(byte)
    return bytes(out)


def test_content_light_message_by_hand() -> None:
    # NAL header 4e 01, type 144, 4 bytes: 1000 and 400, stop bit.
    assert sei.content_light_message(1000, 400).hex(" ") == "4e 01 90 04 03 e8 01 90 80"


def test_emulation_is_prevented() -> None:
    assert sei.content_light_message(256, 3).hex(" ") == "4e 01 90 04 01 00 00 03 03 80"


@given(levels, levels)
def test_messages_hold_what_they_were_given(cll: int, fall: int) -> None:
    message = sei.content_light_message(cll, fall)
    for start in range(2, len(message) - 2):
        assert not (message[start : start + 2] == b"\0\0" and message[start + 2] < 3)
    payload = unescape(message)[4:-1]
    assert (int.from_bytes(payload[:2]), int.from_bytes(payload[2:])) == (cll, fall)


def test_mastering_message_is_p3_d65() -> None:
    payload = unescape(sei.mastering_message(4000))[4:-1]
    numbers = [int.from_bytes(payload[k : k + 2]) for k in range(0, 16, 2)]
    assert numbers == [13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450]
    assert int.from_bytes(payload[16:20]) == 4000 * 10000
    assert int.from_bytes(payload[20:24]) == 50


def test_mastering_messages_have_one_length() -> None:
    assert len({len(sei.mastering_message(peak)) for peak in sei.MASTERING_PEAKS_NITS}) == 1


@pytest.mark.parametrize(("cll", "peak"), [(1, 1000), (1000, 1000), (1001, 4000), (9999, 10000)])
def test_mastering_peak_holds_the_content(cll: int, peak: int) -> None:
    assert sei.mastering_peak(cll) == peak


@given(cll=levels, fall=levels)
def test_correction_moves_nothing(
    tmp_path_factory: pytest.TempPathFactory, cll: int, fall: int
) -> None:
    path = tmp_path_factory.mktemp("sei") / "stream"
    old = sei.mastering_message(1000) + sei.content_light_message(*sei.PLACEHOLDER)
    path.write_bytes(b"head" + old + b"middle" + old + b"tail")
    with path.open("r+b") as file:
        written = sei.correct(file, cll, fall)
    assert written is not None
    assert cll <= written[0] <= cll + (cll % 256 == 0)
    new = sei.mastering_message(written[1]) + sei.content_light_message(written[0], fall)
    assert path.read_bytes() == b"head" + new + b"middle" + new + b"tail"


def test_nothing_to_correct(tmp_path: Path) -> None:
    path = tmp_path / "stream"
    path.write_bytes(b"no message in here")
    with path.open("r+b") as file:
        assert sei.correct(file, 100, 50) is None
    assert path.read_bytes() == b"no message in here"
