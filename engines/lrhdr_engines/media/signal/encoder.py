"""Frames to Y'CbCr, band by band, on several threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from lrhdr_engines.media.signal.band import BandEncoder, Measured
from lrhdr_engines.media.signal.kinds import Kind, rendering
from lrhdr_engines.media.signal.meter import LightMeter
from lrhdr_engines.media.signal.planes import Chroma, Layout, empty_planes
from lrhdr_engines.media.signal.workspace import Workspace
from lrhdr_engines.media.sink import OutputSettings, Picture, PqPicture, Tone

_BAND = 64  # rows at a time: few enough to stay in cache, enough to be worth a call; even
_LIMITED = 1  # FFmpeg's AVCOL_RANGE_MPEG


class SignalEncoder:
    """Radiance, or PQ codes made on a GPU, to limited-range Y'CbCr of one kind.

    Sizes that the chroma cannot halve grow by a replicated row or column. Chroma lies on
    the top left luma sample (BT.2020 and BT.2100), in SDR's 4:2:0 between two rows, on the
    even columns. Codes are within one of float64's.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        chroma: Chroma,
        bits: int,
        white_nits: float,
        tone: Tone = "bt2390",
        threads: int | None = None,
    ) -> None:
        """Makes the tables.

        Args:
            kind: transfer function and primaries.
            chroma: subsampling.
            bits: 8, 10, 12 or 16.
            white_nits: light of radiance 1.0 on an HDR display, in cd/m2.
            tone: the curve of "sdr".
            threads: at work on a frame; half of the processors, at most four, if None: the others
                decode and encode, and a thread more costs every one of them memory bandwidth.
        """
        if bits not in (8, 10, 12, 16):
            raise ValueError(f"{bits} bits were asked for; 8, 10, 12 and 16 exist")
        kind_of = rendering(kind, white_nits, tone)
        self._layout = Layout(chroma=chroma, bits=bits, cosited=kind_of.cosited)
        self._tags = kind_of.tags
        self._threads = threads or max(1, min(4, (os.cpu_count() or 1) // 2))
        self._pool = ThreadPoolExecutor(self._threads, "signal") if self._threads > 1 else None
        self._encoder = BandEncoder(kind_of, self._layout)
        self._workspaces = [Workspace() for _ in range(self._threads)]
        self.takes_pq = kind == "pq"
        self.meter = LightMeter()
        self.repaired = 0

    @property
    def pixel_format(self) -> str:
        """PyAV's name of it."""
        return self._layout.pixel_format

    def planes(self, picture: Picture, settings: OutputSettings) -> list[NDArray[Any]]:
        """Y, Cb, Cr of a frame, uint8 for 8 bits and uint16 for more.

        What is not finite is replaced and counted in `repaired`: NaN and -inf by 0, inf by the
        greatest half-float. The light is measured in `meter`.

        Raises:
            ValueError: not the (H, W, 3) of the settings, or codes where radiance is needed.
        """
        planes = empty_planes(self._layout, settings.height, settings.width)
        self._fill(planes, picture, settings)
        return planes

    def frame(self, picture: Picture, settings: OutputSettings) -> av.VideoFrame:
        """The same as PyAV takes it, with colour tags and no time. See `planes`.

        PyAV has no tag for where the chroma lies; that is the encoder's to say.
        """
        height, width = self._layout.grown(settings.height, settings.width)
        frame = av.VideoFrame(width, height, self.pixel_format)
        frame.color_primaries, frame.color_trc, frame.colorspace = self._tags
        frame.color_range = _LIMITED
        self._fill([_view(plane, self._layout) for plane in frame.planes], picture, settings)
        return frame

    def _fill(
        self, planes: Sequence[NDArray[Any]], picture: Picture, settings: OutputSettings
    ) -> None:
        pixels = self._admit(picture, settings)
        tops = range(0, settings.height, _BAND)
        waiting = iter(list(enumerate(tops)))
        measured = [Measured()] * len(tops)

        def work(workspace: Workspace) -> None:
            for i, top in waiting:  # each takes the next one that is left
                measured[i] = self._encoder.encode(pixels, top, top + _BAND, planes, workspace)

        if self._pool is None or len(tops) == 1:
            work(self._workspaces[0])
        else:
            list(self._pool.map(work, self._workspaces))
        if isinstance(picture, PqPicture):
            self.meter.add(picture.brightest_nits, picture.mean_nits)
            self.repaired += picture.repaired
        else:
            total = sum(band.total for band in measured)
            mean = total / (settings.height * settings.width)
            self.meter.add(max(band.brightest for band in measured), mean)
            self.repaired += sum(band.repaired for band in measured)

    def _admit(self, picture: Picture, settings: OutputSettings) -> NDArray[Any]:
        codes = isinstance(picture, PqPicture)
        if codes and not self.takes_pq:
            raise ValueError("PQ codes were given to an output that takes radiance")
        pixels = picture.codes if isinstance(picture, PqPicture) else picture
        size = (settings.height, settings.width, 3)
        if pixels.shape != size:
            raise ValueError(f"a frame of shape {pixels.shape} was given to an output of {size}")
        return np.asarray(pixels, np.uint16 if codes else np.float32)


def _view(plane: av.video.plane.VideoPlane, layout: Layout) -> NDArray[Any]:
    """A plane's memory as (H, W) codes."""
    dtype = np.dtype(layout.dtype)
    rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
    return rows[:, : plane.width]
