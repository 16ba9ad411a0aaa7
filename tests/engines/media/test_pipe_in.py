"""y4m from a pipe: exact samples of every depth, read again and again."""

from __future__ import annotations

import io
import tempfile
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrhdr.errors import IncompleteError, InputError, OutputError
from lrhdr_engines.media import Frame
from lrhdr_engines.media.pipe_in import PipeSource

WIDTH, HEIGHT = 18, 10
# y4m's name: bits, chroma's width and height, None for mono.
LAYOUTS: dict[str, tuple[int, tuple[int, int] | None]] = {
    "420mpeg2": (8, (9, 5)),
    "422": (8, (9, 10)),
    "444": (8, (18, 10)),
    "mono": (8, None),
    "420p10": (10, (9, 5)),
    "422p10": (10, (9, 10)),
    "444p12": (12, (18, 10)),
    "420p16": (16, (9, 5)),
    "mono12": (12, None),
    "mono16": (16, None),
}


class Pipe(io.RawIOBase):
    """Gives a few bytes at a time, once, and cannot seek."""

    def __init__(self, data: bytes) -> None:
        self.data, self.given = data, 0

    def read(self, size: int = -1) -> bytes:
        chunk = self.data[self.given : self.given + 777]
        self.given += len(chunk)
        return chunk


def y4m(layout: str, greys: list[int], header: str = "F30000:1001 Ip") -> bytes:
    """Frames of one grey: luma `greys` in codes of 8 bits, chroma in the middle."""
    bits, chroma = LAYOUTS[layout]
    parts = [f"YUV4MPEG2 W{WIDTH} H{HEIGHT} {header} C{layout}\n".encode()]
    for grey in greys:
        parts += [b"FRAME\n", _plane(WIDTH * HEIGHT, grey, bits)]
        parts += [_plane(2 * chroma[0] * chroma[1], 128, bits)] if chroma else []
    return b"".join(parts)


def _plane(count: int, code: int, bits: int) -> bytes:
    samples: NDArray[Any] = np.full(count, code << (bits - 8), "<u2" if bits > 8 else "u1")
    return samples.tobytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_depth_and_layout(layout: str) -> None:
    greys = [30, 100, 200]
    with PipeSource(Pipe(y4m(layout, greys))) as source:
        info = source.info
        frames = list(source.frames())
        again = list(source.frames(1))
    bits = LAYOUTS[layout][0]
    assert (info.width, info.height, info.bit_depth) == (WIDTH, HEIGHT, bits)
    assert info.frame_rate == Fraction(30000, 1001)
    assert not info.has_audio
    peak = 255 if bits == 8 else 65535
    for frame, grey in zip(frames, greys, strict=True):
        assert frame.rgb.dtype == (np.uint8 if bits == 8 else np.uint16)
        assert np.abs(frame.rgb.astype(float) - (grey - 16) / 219 * peak).max() <= 1
        assert frame.time == frame.index * Fraction(1001, 30000)
    assert [frame.index for frame in again] == [1, 2]
    np.testing.assert_array_equal(again[0].rgb, frames[1].rgb)


def test_a_frame_is_there_as_soon_as_it_has_come() -> None:
    pipe = Pipe(y4m("420mpeg2", [50] * 5_000))
    with PipeSource(pipe) as source:
        assert next(iter(source.frames())).index == 0
        assert pipe.given < len(pipe.data) / 2


def test_a_pipe_that_breaks_off() -> None:
    frames: list[Frame] = []
    with (
        PipeSource(Pipe(y4m("420p10", [50] * 5)[:-100])) as source,
        pytest.raises(IncompleteError, match="broke off within a frame"),
    ):
        frames.extend(source.frames())
    assert len(frames) == 4


def test_interlaced_y4m_is_refused() -> None:
    with pytest.raises(InputError, match="interlaced"):
        PipeSource(Pipe(y4m("420mpeg2", [50] * 2, "F25:1 It")))


@pytest.mark.parametrize("data", [b"", b"RIFF", b"YUV4MPEG2 W0 H0\n", b"YUV4MPEG2 " + b"x" * 900])
def test_not_y4m(data: bytes) -> None:
    with pytest.raises(InputError):
        PipeSource(Pipe(data))


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) > 200_000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with PipeSource(Pipe(y4m("420mpeg2", [50] * 2000))) as source:
        frames = source.frames()
        with pytest.raises(OutputError, match=r"No space left on device.*TMPDIR"):
            list(frames)
