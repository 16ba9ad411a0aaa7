"""The two HDR10 messages of HEVC (H.265, annex D), and correcting them in an encoded frame.

MaxCLL is known once the last frame is, but its message is written with the first. The encoder
is therefore given a placeholder that cannot occur by chance, which is replaced when the frames
are joined to a file.
"""

from __future__ import annotations

from lrhdr.light import D65, P3_PRIMARIES

_PREFIX_SEI = bytes([39 << 1, 1])  # nal_unit_header, 7.3.1.2: type 39, layer 0, temporal id 1
_MASTERING, _CONTENT_LIGHT = 137, 144
_STOP = b"\x80"  # rbsp_trailing_bits, 7.3.2.11

PLACEHOLDER = (0xA5C3, 0x9D71)
MASTERING_BLACK_NITS = 0.005
MASTERING_PEAKS_NITS = (1000, 4000, 10000)


def mastering_peak(max_cll: int) -> int:
    """The least of the customary peaks, in cd/m2, that holds the content."""
    return next((p for p in MASTERING_PEAKS_NITS if p >= max_cll), MASTERING_PEAKS_NITS[-1])


def _display() -> list[tuple[int, int]]:
    """P3-D65 as green, blue, red, white in units of 0.00002 (D.3.28).

    The content is BT.709, which P3 holds; displays that convert for P3 lose nothing.
    """
    red, green, blue = P3_PRIMARIES
    return [(round(x * 50000), round(y * 50000)) for x, y in (green, blue, red, D65)]


def _luminances(peak_nits: int) -> tuple[int, int]:
    return peak_nits * 10000, round(MASTERING_BLACK_NITS * 10000)


def x265_parameters() -> str:
    """Both messages with placeholders, in x265's notation."""
    names = ("G", "B", "R", "WP")
    points = "".join(f"{n}({x},{y})" for n, (x, y) in zip(names, _display(), strict=True))
    top, bottom = _luminances(MASTERING_PEAKS_NITS[0])
    cll, fall = PLACEHOLDER
    return f"master-display={points}L({top},{bottom}):max-cll={cll},{fall}"


def mastering_message(peak_nits: int) -> bytes:
    """mastering_display_colour_volume (D.2.28) as a NAL unit without start code."""
    numbers = [number for point in _display() for number in point]
    payload = b"".join(number.to_bytes(2) for number in numbers)
    return _message(_MASTERING, payload + b"".join(n.to_bytes(4) for n in _luminances(peak_nits)))


def content_light_message(max_cll: int, max_fall: int) -> bytes:
    """content_light_level_info (D.2.35) as a NAL unit without start code."""
    return _message(_CONTENT_LIGHT, max_cll.to_bytes(2) + max_fall.to_bytes(2))


def _message(kind: int, payload: bytes) -> bytes:
    return _PREFIX_SEI + _escape(bytes([kind, len(payload)]) + payload + _STOP)


def _escape(data: bytes) -> bytes:
    """Emulation prevention (7.4.2): a 3 after two zeros, where a byte up to 3 would follow."""
    out = bytearray()
    for byte in data:
        if byte <= 3 and out[-2:] == b"\0\0":
            out.append(3)
        out.append(byte)
    return bytes(out)


def correct(frame: bytes, max_cll: int, max_fall: int) -> bytes:
    """A frame as a byte stream (annex B), with measured numbers for the placeholders.

    A frame without placeholders is returned as it is.
    """
    content = content_light_message(*PLACEHOLDER)
    if content not in frame:
        return frame
    mastering = mastering_message(MASTERING_PEAKS_NITS[0])
    frame = frame.replace(mastering, mastering_message(mastering_peak(max_cll)))
    return frame.replace(content, content_light_message(max_cll, max_fall))
