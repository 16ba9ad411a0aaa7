"""Pictures out of a container, and an honest account of what is missing from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from lrhdr_engines.media.ledger import Ledger
from lrhdr_engines.media.timing import Promise, Rhythm

_READ_ERRORS = 16  # in a row: the rest of the file cannot be read either
# Decoders that pass over most damage in silence unless they are told not to.
_STRICT = {"mjpeg": {"err_detect": "explode"}}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown at one time, in the stream's ticks (None: it does not say).

    Where `damaged`, `picture` is the whole one before it (or, at the start, the first one).
    """

    pts: int | None
    picture: av.VideoFrame
    damaged: bool


class Decoder:
    """Pictures in display order, up to the end or to damage that cannot be counted.

    Attributes:
        count: pictures shown.
        damage: what is wrong with the clip's end, None if nothing is.
        shaken: with `threads`, pictures stop at the first sign of damage: only one thread
            tells reliably which of them are lost.
    """

    def __init__(
        self,
        stream: VideoStream,
        promise: Promise,
        rhythm: Rhythm,
        *,
        threads: bool = True,
        strict: bool = True,
    ) -> None:
        stream.thread_type = "AUTO" if threads else "NONE"
        if strict:
            stream.codec_context.options = _STRICT.get(stream.codec_context.name, {})
        self.count = 0
        self.damage: str | None = None
        self.shaken = False
        self._container: InputContainer = stream.container  # type: ignore[assignment]
        self._stream = stream
        self._reorders = bool(stream.codec_context.has_b_frames)
        self._promise = promise
        self._rhythm = rhythm
        self._threads = threads
        period = 1 / (rhythm.rate * rhythm.tick)
        self._ledger = Ledger(None if rhythm.variable else period, round(1 / rhythm.tick))
        self._begin: int | None = None  # nothing that is shown before the first key frame counts
        self._previous: av.VideoFrame | None = None  # the last whole one
        self._pending: list[int] = []  # times of lost pictures since then
        self._trouble: str | None = None  # what the decoder said since then
        self._torn: set[int] = set()  # times of packets that are damaged themselves
        self._broken_off = False  # the last that was read could not be read whole
        self._clock: int | None = None  # decoding time of the last packet
        self._repeats = 0  # empty packets: AVI's way to show a frame twice
        self._skipped = 0  # pictures lost before the first one, too many to stand in for

    def shown(self) -> Iterator[Shown]:
        """Every whole picture, and one in the place of every lost one between two of them."""
        yield from self._placed(self._body())
        if self.damage or self.shaken:
            return
        tail = self._held()
        cut = self._broken_off or not self._kept(self.count + len(tail))
        if cut and not self._rhythm.dated and self._reorders:
            tail = []  # they may follow a lost one, and nothing tells
        yield from self._placed(tail, cut=cut)
        if self.shaken or self.damage:
            return
        self._pending += self._ledger.rest() if self._previous else []
        if cut or (self._pending and self._trouble is None):
            self.damage = "cut off"
        elif self._pending:
            self.damage = f"damaged ({self._trouble})"
        elif self._skipped:
            self.damage = f"damaged in its first {self._skipped} frames, which are left out"

    def _kept(self, pictures: int) -> bool:
        """Whether all came that the container promised: packets, `pictures` where undated."""
        rhythm, ledger = self._rhythm, self._ledger
        if not rhythm.dated or ledger.latest is None:
            return self._promise.kept(pictures + self._repeats, None)
        latest = ledger.latest * rhythm.tick
        seen = ledger.seen
        if self._begin is not None and not (rhythm.variable or self._reorders):
            # AVI's demuxer passes over frames that are only repeated.
            seen = max(seen, 1 + round((latest - self._begin * rhythm.tick) * rhythm.rate))
        longest = ledger.longest * rhythm.tick if rhythm.variable else Fraction(0)
        return self._promise.kept(seen, latest, longest)

    def _body(self) -> Iterator[av.VideoFrame]:
        """What comes out while packets go in."""
        errors = 0
        packets = self._container.demux(self._stream)
        while errors < _READ_ERRORS and not self.damage:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                errors += 1
                self._complain(error)
                self._broken_off = True
                packets = self._container.demux(self._stream)
                continue
            if packet is None:
                return
            errors = 0
            self._book(packet)
            if packet.size:  # decoding an empty one would end the stream
                yield from self._decoded(packet)

    def _book(self, packet: av.Packet[VideoStream]) -> None:
        """Note what the packet promises."""
        if packet.size == 0 and packet.dts is None:
            return  # the end
        self._broken_off = packet.is_corrupt
        if packet.size == 0:
            self._repeats += 1
            packet.pts = packet.dts if packet.pts is None else packet.pts
        if not self._rhythm.dated or packet.pts is None:
            if packet.is_corrupt:
                self.damage = "cut off"
            return
        if packet.dts is not None:
            shift = self._ledger.shift(packet.dts)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            self._clock = packet.dts
        if self._begin is None and packet.is_keyframe:
            self._begin = packet.pts
        if packet.is_discard or self._begin is None or packet.pts < self._begin:
            return
        if packet.is_corrupt:
            self._torn.add(packet.pts)
        self._ledger.expect(packet.pts)

    def _decoded(self, packet: av.Packet[VideoStream]) -> list[av.VideoFrame]:
        try:
            return packet.decode()
        except av.FFmpegError as error:
            self._complain(error)
            return []

    def _held(self) -> list[av.VideoFrame]:
        """What the decoder still holds once no more packets go in."""
        try:
            return self._stream.decode(None)
        except av.FFmpegError as error:
            self._complain(error)
            return []

    def _complain(self, error: av.FFmpegError) -> None:
        self._trouble = self._trouble or error.strerror or "unreadable"
        if self._threads:
            self.shaken = True
        elif not self._rhythm.dated:
            self.damage = self.damage or f"damaged ({self._trouble})"

    def _placed(self, pictures: Iterable[av.VideoFrame], *, cut: bool = False) -> Iterator[Shown]:
        """Each picture in its place; `cut`: those up to the first that is lost."""
        for picture in pictures:
            pts = picture.pts if self._rhythm.dated else None
            if pts is not None and self._begin is not None and pts < self._begin:
                continue  # cut from a broadcast: it refers to pictures before the first one
            lost = self._lost_before(pts)
            fault = self._fault(picture)
            if lost is None or (fault and pts is None and self._previous is None):
                continue
            if fault or lost or self._pending:
                self._trouble = self._trouble or fault
                if self._threads:
                    self.shaken = True
                    return
                if cut or pts is None:
                    self.damage = self.damage or f"damaged ({fault or self._trouble})"
                    return
            if cut and self._unsure(pts):
                return
            self._pending += [*lost, pts] if fault and pts is not None else lost
            if len(self._pending) > max(Fraction(1), self._rhythm.rate):
                if self._previous is not None:
                    self.damage = f"damaged for more than a second ({self._trouble or 'a gap'})"
                    return
                self._skipped += len(self._pending)
                self._pending.clear()
            if not fault:
                yield from self._resumed(picture, pts)

    def _lost_before(self, pts: int | None) -> list[int] | None:
        """Times of the pictures lost before this one; None if it has been placed already."""
        if pts is None:
            return []
        times = self._ledger.place(pts, trouble=bool(self._trouble))
        return None if times is None else times[:-1]

    def _resumed(self, picture: av.VideoFrame, pts: int | None) -> Iterator[Shown]:
        for lost in self._pending:
            self.count += 1
            yield Shown(lost, self._previous or picture, True)
        self._pending.clear()
        self._trouble = None
        self._previous = picture
        self.count += 1
        yield Shown(pts, picture, False)

    def _fault(self, picture: av.VideoFrame) -> str | None:
        """Why a picture is lost, None if it is whole as far as the decoder can tell."""
        if picture.is_corrupt or picture.pts in self._torn:
            return "broken pictures"
        if self._previous is None or _shape(picture) == _shape(self._previous):
            return None
        return (
            f"frame {self.count + len(self._pending)} is {_size(picture)}, "
            f"the one before it {_size(self._previous)}"
        )

    def _unsure(self, pts: int | None) -> bool:
        """Whether, where the clip breaks off, pictures before this one may be missing unseen."""
        late = pts is not None and self._clock is not None and pts > self._clock
        return self._rhythm.variable and late and self._reorders


def _shape(picture: av.VideoFrame) -> tuple[int, int, int, int]:
    parts = picture.format.components
    return picture.width, picture.height, len(parts), parts[0].bits


def _size(picture: av.VideoFrame) -> str:
    bits = picture.format.components[0].bits
    return f"{picture.width}x{picture.height} of {bits} bits"
