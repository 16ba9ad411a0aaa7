"""HEVC's light-level messages: the bits, and their correction in an encoded frame."""

from __future__ import annotations

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
def test_correction_writes_both_messages(cll: int, fall: int) -> None:
    old = sei.mastering_message(1000) + sei.content_light_message(*sei.PLACEHOLDER)
    new = sei.mastering_message(sei.mastering_peak(cll)) + sei.content_light_message(cll, fall)
    assert sei.correct(b"head" + old + b"tail", cll, fall) == b"head" + new + b"tail"


def test_nothing_to_correct() -> None:
    assert sei.correct(b"no message in here", 100, 50) == b"no message in here"
