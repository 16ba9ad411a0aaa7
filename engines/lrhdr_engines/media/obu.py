"""The two HDR10 messages of AV1 (metadata OBUs), and correcting them in an encoded frame.

See `sei`, which does the same for HEVC.
"""

from __future__ import annotations

from collections.abc import Iterator

from lrhdr.light import D65, P3_PRIMARIES
from lrhdr_engines.media.sei import (
    MASTERING_BLACK_NITS,
    MASTERING_PEAKS_NITS,
    PLACEHOLDER,
    mastering_peak,
)

_SEQUENCE_HEADER, _METADATA = 1, 5  # obu_type, 6.2.2
_CONTENT_LIGHT, _MASTERING = 1, 2  # metadata_type, 6.7.1
_HAS_SIZE = 0b10
_STOP = b"\x80"  # trailing_bits, 5.3.4


def svt_parameters() -> str:
    """Both messages with placeholders, and where chroma lies, in SVT-AV1's notation."""
    names = ("R", "G", "B", "WP")
    points = "".join(
        f"{name}({x},{y})" for name, (x, y) in zip(names, (*P3_PRIMARIES, D65), strict=True)
    )
    light = f"L({MASTERING_PEAKS_NITS[0]},{MASTERING_BLACK_NITS})"
    cll, fall = PLACEHOLDER
    messages = f"mastering-display={points}{light}:content-light={cll},{fall}"
    return f"{messages}:chroma-sample-position=colocated"


def content_light_message(max_cll: int, max_fall: int) -> bytes:
    """metadata_hdr_cll (5.8.3) as an OBU."""
    return _message(_CONTENT_LIGHT, max_cll.to_bytes(2) + max_fall.to_bytes(2))


def mastering_message(peak_nits: int) -> bytes:
    """metadata_hdr_mdcv (5.8.4) as an OBU: primaries 0.16, luminances 24.8 and 18.14 bits."""
    numbers = [round(number * 65536) for point in (*P3_PRIMARIES, D65) for number in point]
    payload = b"".join(number.to_bytes(2) for number in numbers)
    payload += (peak_nits * 256).to_bytes(4) + round(MASTERING_BLACK_NITS * 16384).to_bytes(4)
    return _message(_MASTERING, payload)


def _message(kind: int, payload: bytes) -> bytes:
    body = bytes([kind]) + payload + _STOP
    return bytes([_METADATA << 3 | _HAS_SIZE, len(body)]) + body


def correct(frame: bytes, max_cll: int, max_fall: int) -> bytes:
    """A temporal unit with measured numbers for the placeholders; nothing moves."""
    content = content_light_message(*PLACEHOLDER)
    if content not in frame:
        return frame
    mastering = mastering_message(MASTERING_PEAKS_NITS[0])
    frame = frame.replace(mastering, mastering_message(mastering_peak(max_cll)))
    return frame.replace(content, content_light_message(max_cll, max_fall))


def sequence_header(frame: bytes) -> bytes:
    """The sequence header OBU of a temporal unit, b"" where it has none.

    SVT-AV1's header for the container differs from the one in its frames, and must not
    (AV1 in ISO base media, 2.3.4).
    """
    return next((obu for kind, obu in _units(frame) if kind == _SEQUENCE_HEADER), b"")


def _units(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(obu_type, the OBU) as long as sizes are given, as they are in temporal units (5.3.1)."""
    at = 0
    while at < len(data) and data[at] & _HAS_SIZE:
        end = at + 1 + (data[at] >> 2 & 1)  # obu_extension_flag
        size, shift = 0, 0
        while True:  # leb128, 4.10.5
            byte = data[end]
            size |= (byte & 0x7F) << shift
            shift += 7
            end += 1
            if not byte & 0x80:
                break
        yield data[at] >> 3 & 15, data[at : end + size]
        at = end + size
