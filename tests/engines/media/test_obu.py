"""AV1's light-level messages: the bits, against what SVT-AV1 writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_engines.media import obu, sei

levels = st.integers(1, 10000)
# The first temporal unit of SVT-AV1 4.1 with `obu.svt_parameters()`, up to the frame.
UNIT = bytes.fromhex(
    "12000a0d00000002aff7895f2a122012882a0601a5c39d71802a1a02ae1451ec43d7b0a426660f5c500d5439"
    "0003e8000000005280"
)
FRAME = bytes.fromhex("320416100092")


def test_messages_are_those_of_an_encoder() -> None:
    light, mastering = obu.content_light_message(*sei.PLACEHOLDER), obu.mastering_message(1000)
    assert UNIT.endswith(light + mastering)


def test_the_sequence_header_is_found() -> None:
    assert obu.sequence_header(UNIT + FRAME).hex() == "0a0d00000002aff7895f2a12201288"
    assert obu.sequence_header(FRAME) == b""


@pytest.mark.parametrize("size", [1, 127, 128, 300])
def test_sizes_of_several_bytes(size: int) -> None:
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    header = bytes([1 << 3 | 2]) + length + bytes(size)
    assert obu.sequence_header(b"\x12\0" + header + FRAME) == header


@given(cll=levels, fall=levels)
def test_correction_writes_both_messages_and_moves_nothing(cll: int, fall: int) -> None:
    corrected = obu.correct(UNIT + FRAME, cll, fall)
    new = obu.content_light_message(cll, fall) + obu.mastering_message(sei.mastering_peak(cll))
    assert corrected == (UNIT + FRAME)[: -len(new + FRAME)] + new + FRAME
    assert int.from_bytes(new[3:5]) == cll
    assert int.from_bytes(new[5:7]) == fall


def test_nothing_to_correct() -> None:
    assert obu.correct(FRAME, 100, 50) == FRAME
