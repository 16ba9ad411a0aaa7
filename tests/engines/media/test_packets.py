"""Times of joined packets: every frame at its own, and decoded in order before it is shown."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.errors import OutputError
from lrhdr_engines.media import OutputSettings
from lrhdr_engines.media.packets import Encoded, Packets
from lrhdr_engines.media.segment import Segment, SegmentWriter, read_segment
from lrhdr_engines.media.video_formats import VIDEO_FORMATS


class Shuffler:
    """An encoder that emits each frame's time as its packet, in a given order."""

    name = "shuffler"
    extradata = b"head"

    def __init__(self, order: list[int]) -> None:
        self._order = order
        self._times: list[int] = []

    def encode(self, frame: Any) -> list[av.Packet[Any]]:
        if frame is not None:
            self._times.append(frame.pts)
            return []
        packets = []
        for place in self._order:
            packet = av.Packet(str(self._times[place]).encode())
            packet.pts = self._times[place]
            packet.is_keyframe = place == 0
            packets.append(packet)
        return packets


def segment(folder: Path, before: int, times: list[int], order: list[int]) -> Segment:
    encoder: Any = Shuffler(order)
    writer = SegmentWriter(folder, before, encoder)
    for index, time in enumerate(times):
        frame = av.VideoFrame(16, 16, "gray")
        frame.pts = time
        writer.add(before + index, frame)
    return writer.finish(brightest=1.0, brightest_mean=1.0, repaired=0)


def encoded(folder: Path, segments: list[Segment]) -> Encoded:
    told = OutputSettings(width=16, height=16, frame_rate=Fraction(25), variable_rate=True)
    return Encoded(
        folder=folder, segments=segments, spec=VIDEO_FORMATS["sdr"], settings=told, light=None
    )


@st.composite
def clips(draw: st.DrawFn) -> list[tuple[list[int], list[int]]]:
    """Segments of rising times, each in an order that begins with its first frame."""
    begin, found = 0, []
    for count in draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)):
        steps = draw(st.lists(st.integers(1, 5000), min_size=count, max_size=count))
        times = [begin + sum(steps[:k]) for k in range(count)]
        begin = times[-1] + steps[-1]
        found.append((times, [0, *draw(st.permutations(range(1, count)))]))
    return found


@settings(max_examples=40)
@given(clip=clips())
def test_packets_are_decoded_in_order_and_in_time(
    tmp_path_factory: pytest.TempPathFactory, clip: list[tuple[list[int], list[int]]]
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    segments: list[Segment] = []
    for times, order in clip:
        segments.append(segment(folder, sum(s.frames for s in segments), times, order))
    assert [read_segment(folder, s.before) for s in segments] == segments
    with av.open(str(folder / "out.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        packets = [packet for packet, _ in Packets(encoded(folder, segments)).timed(stream)]
    shown = sorted(time for times, _ in clip for time in times)
    assert [int(bytes(packet)) for packet in packets] == [packet.pts for packet in packets]
    assert sorted(packet.pts or 0 for packet in packets) == shown
    decoded = [packet.dts or 0 for packet in packets]
    assert all(one < two for one, two in pairwise(decoded))
    assert all((packet.dts or 0) <= (packet.pts or 0) for packet in packets)
    by_time = sorted(packets, key=lambda packet: packet.pts or 0)
    assert [(p.pts or 0) + (p.duration or 0) for p in by_time[:-1]] == shown[1:]
    assert by_time[-1].duration == 3600


def test_headers_that_differ_are_not_joined(tmp_path: Path) -> None:
    one = segment(tmp_path, 0, [0, 1], [0, 1])
    Shuffler.extradata = b"other"
    two = segment(tmp_path, 2, [2, 3], [0, 1])
    Shuffler.extradata = b"head"
    with pytest.raises(OutputError, match=r"headers differ.*--overwrite"):
        Packets(encoded(tmp_path, [one, two]))


def test_an_encoder_that_loses_a_frame_is_found(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="shuffler made 2 packets of 3 frames"):
        segment(tmp_path, 0, [0, 1, 2], [0, 2])
