"""The two streams beside the compute stream: frames in, pictures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrhdr_engines.device.layout import (
    HDR_SLOTS,
    IN_FLIGHT,
    STAGING_SLOTS,
    STATISTICS,
    Layout,
)
from lrhdr_engines.device.protocol import Buffer, Device, Encoding, Event, Programs
from lrhdr_engines.device.stages import Stage

_FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One output, on the host.

    Attributes:
        index: of the frame in the clip.
        pixels: (H, W, 3), see `Programs.pack`.
        bad: how many values were not finite.
        brightest_nits: the greatest max(R, G, B) where pixels are PQ codes, else 0.
        mean_nits: its mean, likewise.
        stages: milliseconds of the stages that made it, see `gpu_stream`.
    """

    index: int
    pixels: NDArray[Any]
    bad: int
    brightest_nits: float
    mean_nits: float
    stages: dict[str, float] = field(default_factory=dict)


class Upload:
    """Codes to the device, and there to an image in the frame's slot."""

    def __init__(
        self, device: Device, programs: Programs, layout: Layout, images: Sequence[Buffer]
    ) -> None:
        """Allocate the staging; `images` are the frame slots."""
        frame_type = np.dtype(layout.frame_type)
        self.stream = device.stream("upload")
        self._raw = device.buffer("raw frame", layout.frame_shape, frame_type)
        self._staging = [
            device.staging(f"staging {k}", layout.frame_shape, frame_type)
            for k in range(STAGING_SLOTS)
        ]
        self._unpack = [programs.unpack(self._raw, image) for image in images]
        self._staged = [device.event(f"staged {k}") for k in range(STAGING_SLOTS)]
        self._uploaded = [device.event(f"uploaded {k}") for k in range(len(images))]
        self._copying, self._unpacking = (
            Stage(device, name, len(images)) for name in ("upload", "unpack")
        )
        self._in_use: set[int] = set()

    def frame(self, index: int, frame: NDArray[Any], free: Event | None) -> None:
        """Queue frame `index`. Its slot may be written once `free` is reached."""
        slot, target = index % STAGING_SLOTS, index % len(self._unpack)
        if slot in self._in_use:
            self._staged[slot].synchronise()
        self._in_use.add(slot)
        self._staging[slot].store(frame)
        with self._copying.timed(index, self.stream):
            self.stream.upload(self._staging[slot], self._raw)
        self.stream.record(self._staged[slot])
        if free is not None:
            self.stream.wait(free)
        with self._unpacking.timed(index, self.stream):
            self._unpack[target].enqueue(self.stream)
        self.stream.record(self._uploaded[target])

    def uploaded(self, index: int) -> Event:
        """Reached when frame `index`, which must be queued, and all before it are there."""
        return self._uploaded[index % len(self._uploaded)]

    def stages(self, index: int) -> dict[str, float]:
        """Milliseconds for frame `index`, which a window that the host has fetched has read."""
        return {s.name: s.milliseconds(index) for s in (self._copying, self._unpacking)}

    def forget(self) -> None:
        """Everything queued is done."""
        self._in_use.clear()

    def free(self) -> None:
        """Give the memory back."""
        self._raw.free()
        for staging in self._staging:
            staging.free()


class Download:
    """Radiance to pictures on the device, and those to the host."""

    def __init__(
        self,
        device: Device,
        programs: Programs,
        layout: Layout,
        hdr: Sequence[Buffer],
        encoding: Encoding,
    ) -> None:
        """Allocate the staging; `hdr` are the slots of the radiance."""
        shape, kind, seen = layout.frame_shape, layout.picture_type, (STATISTICS,)
        self.stream = device.stream("download")
        self._picture = device.buffer("picture", shape, kind)
        self._statistics = device.buffer("statistics", seen, _FLOAT64)
        self._staging = [
            (
                device.staging(f"picture staging {k}", shape, kind),
                device.staging(f"statistics staging {k}", seen, _FLOAT64),
            )
            for k in range(IN_FLIGHT)
        ]
        self._pack = [
            programs.pack(radiance, self._picture, self._statistics, encoding) for radiance in hdr
        ]
        self._packed = [device.event(f"packed {k}") for k in range(HDR_SLOTS)]
        self._downloaded = [device.event(f"downloaded {k}") for k in range(IN_FLIGHT)]
        self._packing, self._copying = (
            Stage(device, name, IN_FLIGHT) for name in ("pack", "download")
        )
        self._in_use: set[int] = set()

    def picture(self, index: int, computed: Event) -> None:
        """Queue output `index`, whose radiance is there once `computed` is reached."""
        slot = index % HDR_SLOTS
        pixels, seen = self._staging[index % IN_FLIGHT]
        self.stream.wait(computed)
        with self._packing.timed(index, self.stream):
            self._pack[slot].enqueue(self.stream)
        self.stream.record(self._packed[slot])
        self._in_use.add(slot)
        with self._copying.timed(index, self.stream):
            self.stream.download(self._picture, pixels)
            self.stream.download(self._statistics, seen)
        self.stream.record(self._downloaded[index % IN_FLIGHT])

    def packed(self, index: int) -> Event | None:
        """Reached when the slot of output `index` may be written; None if it is free already."""
        slot = index % HDR_SLOTS
        return self._packed[slot] if slot in self._in_use else None

    def fetch(self, index: int) -> Picture:
        """Wait for output `index`, one of the latest IN_FLIGHT."""
        self._downloaded[index % IN_FLIGHT].synchronise()
        pixels, seen = (staging.load() for staging in self._staging[index % IN_FLIGHT])
        return Picture(
            index=index,
            pixels=pixels,
            bad=int(seen[0]),
            brightest_nits=float(seen[1]),
            mean_nits=float(seen[2]),
            stages={s.name: s.milliseconds(index) for s in (self._packing, self._copying)},
        )

    def forget(self) -> None:
        """Everything queued is done."""
        self._in_use.clear()

    def free(self) -> None:
        """Give the memory back."""
        self._picture.free()
        self._statistics.free()
        for pair in self._staging:
            for staging in pair:
                staging.free()
