"""Just enough of Matroska to describe a video stream to FFmpeg's muxers.

PyAV gives a new stream no extradata, no colours and no light levels of its own; from a stream
that it has read it copies all of them. So one is written, and read.
"""

from __future__ import annotations

import io
import struct

import av
from av.container import InputContainer

from lrhdr.light import D65, P3_PRIMARIES
from lrhdr_engines.media.sei import MASTERING_BLACK_NITS, mastering_peak
from lrhdr_engines.media.video_formats import COLOUR, LIMITED, VideoSpec


def describe(
    spec: VideoSpec, size: tuple[int, int], private: bytes, light: tuple[int, int] | None
) -> InputContainer:
    """A container whose one stream is of this format; close it.

    Args:
        spec: the format.
        size: width and height as coded.
        private: the encoder's extradata, or the codec's tag where it has none.
        light: MaxCLL and MaxFALL, cd/m2; None for none.
    """
    primaries, transfer, matrix = COLOUR[spec.kind]
    colour = [
        _unsigned("55b1", matrix),
        _unsigned("55b9", LIMITED),
        _unsigned("55ba", transfer),
        _unsigned("55bb", primaries),
    ]
    if light is not None:
        colour += [
            _unsigned("55bc", light[0]),
            _unsigned("55bd", light[1]),
            _mastering(mastering_peak(light[0])),
        ]
    video = _element(
        "e0", _unsigned("b0", size[0]), _unsigned("ba", size[1]), _element("55b0", *colour)
    )
    track = _element(
        "ae",
        _unsigned("d7", 1),
        _unsigned("73c5", 1),
        _unsigned("83", 1),  # a video
        _element("86", spec.matroska_id.encode()),
        _element("63a2", private),
        video,
    )
    head = _element("1a45dfa3", _element("4282", b"matroska"))
    # The reader looks for a block; an empty one does.
    block = _element("1f43b675", _unsigned("e7", 0), _element("a3", b"\x81\0\0\x80"))
    segment = _element("18538067", _element("1654ae6b", track), block)
    return av.open(io.BytesIO(head + segment), "r", format="matroska")


def _mastering(peak_nits: int) -> bytes:
    points = [number for point in (*P3_PRIMARIES, D65) for number in point]
    numbers = [*points, peak_nits, MASTERING_BLACK_NITS]
    names = ("55d1", "55d2", "55d3", "55d4", "55d5", "55d6", "55d7", "55d8", "55d9", "55da")
    return _element(
        "55d0", *(_element(i, struct.pack(">d", n)) for i, n in zip(names, numbers, strict=True))
    )


def _element(name: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes.fromhex(name) + (1 << 56 | len(body)).to_bytes(8) + body


def _unsigned(name: str, number: int) -> bytes:
    return _element(name, number.to_bytes(8))
