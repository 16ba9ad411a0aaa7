"""One band of rows, from radiance or PQ codes to Y'CbCr."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lrhdr import light
from lrhdr_engines.media.signal.kinds import Rendering
from lrhdr_engines.media.signal.planes import Layout
from lrhdr_engines.media.signal.table import (
    LEAST_NITS,
    UNIT_NITS,
    Channel,
    Floats,
    Table,
    table_index,
)
from lrhdr_engines.media.signal.workspace import Workspace

_FINITE = 1e30  # what is larger would overflow on the way, and is as bright as this
_PEAK = light.PQ_PEAK_NITS / UNIT_NITS
# Added where codes are too coarse to show it, so that black needs no clipping.
_GLIMMER = 64.0 * LEAST_NITS / UNIT_NITS


@dataclass(frozen=True, slots=True)
class Measured:
    """Of a band: the greatest and the sum of max(R, G, B), cd/m2, and the values repaired."""

    brightest: float = 0.0
    total: float = 0.0
    repaired: int = 0


class BandEncoder:
    """Encodes any band of a frame; threads share it, each with a workspace of its own.

    Each channel's table holds its share of Y' in codes: Kr R', Kg G' or Kb B'. So Y' is
    their sum, and chroma is what is left of B' or R' without it.
    """

    def __init__(self, rendering: Rendering, layout: Layout) -> None:
        """Makes the tables."""
        self._rendering, self._layout = rendering, layout
        exact = layout.bits > 10
        glimmer = 0.0 if exact else _GLIMMER
        to_light = np.column_stack([rendering.to_light / UNIT_NITS, [glimmer] * 3])
        self._to_light = to_light.astype(np.float32)
        self._mixes = bool(np.all(rendering.to_light != 0.0))
        kr, kb = rendering.weights
        shares = (kr, 1.0 - kr - kb, kb)
        self._luminance = np.array([shares], np.float32)
        self._factor = None if rendering.factor is None else Table(rendering.factor, exact=exact)
        # Black goes along with G, and the half that rounds, as codes are cut off.
        unit = layout.unit
        offsets = (0.0, 16.0 * unit + 0.5, 0.0)
        self._tables = [
            Table(_share(rendering.signal, 219.0 * unit * share, offset), exact=exact)
            for share, offset in zip(shares, offsets, strict=True)
        ]
        signal = np.linspace(0.0, 1.0, 1 << 16)
        self._from_codes = [
            (219.0 * unit * share * signal + offset).astype(np.float32).reshape(1, -1)
            for share, offset in zip(shares, offsets, strict=True)
        ]
        # Of Cb and Cr: the channel, 1 / its share, the factor of (B' - Y') and the code of 0.
        self._chroma = [
            (channel, 1.0 / share, scale, zero)
            for channel, share in ((2, kb), (0, kr))
            for scale in [224.0 / 219.0 / (2.0 * (1.0 - share))]
            for zero in [128.0 * unit + 0.5 + scale * offsets[1]]
        ]

    def encode(
        self,
        pixels: NDArray[Any],
        top: int,
        bottom: int,
        planes: Sequence[NDArray[Any]],
        workspace: Workspace,
    ) -> Measured:
        """Fill the planes' part that belongs to rows `top` (even) to `bottom` of (H, W, 3) pixels.

        Radiance is float32 and may hold what is not finite; PQ codes are uint16.
        """
        height, width = pixels.shape[:2]
        halo = self._layout.halo
        start, stop = max(top - halo, 0), min(bottom, height)
        rows = pixels[start:stop]
        grown_height, grown_width = self._layout.grown(height, width)
        above, below = halo - top + start, grown_height - height if stop == height else 0
        if above or below or grown_width > width:
            rows = cv2.copyMakeBorder(
                _interleaved(rows), above, below, 0, grown_width - width, cv2.BORDER_REPLICATE
            )
        workspace.shape(*rows.shape[:2])
        shares = workspace.planes
        if rows.dtype == np.uint16:
            measured = Measured()
            for plane, table, share in zip(cv2.split(rows), self._from_codes, shares, strict=True):
                cv2.LUT(plane, table, share)
        else:
            own = slice(halo, halo + stop - top), slice(0, width)
            measured = self._shares(_interleaved(rows), own, workspace)
        self._code(top, planes, workspace)
        return measured

    def _shares(self, rows: Floats, own: tuple[slice, slice], workspace: Workspace) -> Measured:
        """The channels' shares of Y', into the workspace's planes; measures the `own` pixels."""
        planes, plane, stacked = workspace.planes, workspace.plane, workspace.stacked
        repaired = 0
        self._light(rows, workspace)
        total = _sum(plane[own])
        # Where channels mix, one that is not finite shows in all.
        if not math.isfinite(total + _sum(plane[: own[0].start]) if self._mixes else _sum(rows)):
            bad = ~np.isfinite(rows)
            repaired = int(np.count_nonzero(bad[own]))
            rows = np.nan_to_num(rows, nan=0.0, posinf=light.MAX_HALF, neginf=0.0)
            self._light(np.clip(rows, -_FINITE, _FINITE), workspace)
            total = _sum(plane[own])
        least, greatest, *_ = cv2.minMaxLoc(stacked)
        if least < 0.0 or greatest > _PEAK:
            greatest = min(max(greatest, 0.0), _PEAK)
            total = _sum(np.clip(plane[own], 0.0, _PEAK))
            inside = False
        else:
            inside = least >= _GLIMMER / 2
        measured = Measured(greatest * UNIT_NITS, total * UNIT_NITS, repaired)
        if self._factor is not None:
            if self._rendering.by_luminance:
                cv2.transform(workspace.pixels, self._luminance, plane)
            index, scratch = workspace.index[: len(plane)], workspace.scratch[: len(plane)]
            table_index(plane, index, scratch, inside=inside)
            self._factor.at(index, plane, plane)
            np.multiply(planes, plane, out=planes)
        table_index(stacked, workspace.index, workspace.scratch, inside=inside)
        indices = workspace.index.reshape(planes.shape)
        for table, index, channel in zip(self._tables, indices, planes, strict=True):
            table.at(index, channel, channel)
        return measured

    def _light(self, rows: Floats, workspace: Workspace) -> None:
        """R, G, B by UNIT_NITS, also as the workspace's planes; their greatest in its plane."""
        planes, plane = workspace.planes, workspace.plane
        cv2.transform(rows, self._to_light, workspace.pixels)
        cv2.split(workspace.pixels, list(planes))
        cv2.max(planes[0], planes[1], plane)
        cv2.max(plane, planes[2], plane)

    def _code(self, top: int, planes: Sequence[NDArray[Any]], workspace: Workspace) -> None:
        """The workspace's shares of Y' to codes; they are overwritten."""
        layout, shares, luma = self._layout, workspace.planes, workspace.plane
        cv2.add(shares[0], shares[1], luma)
        cv2.add(luma, shares[2], luma)
        _store(luma[layout.halo :], planes[0], top)
        for plane, (channel, inverse, scale, zero) in zip(planes[1:], self._chroma, strict=True):
            # Its place holds Y' - B', or Y' - R', from here on.
            cv2.scaleAdd(shares[channel], -inverse, luma, shares[channel])
            chroma, factor = layout.subsample(shares[channel], workspace)
            chroma *= np.float32(-scale * factor)
            chroma += np.float32(zero)
            _store(chroma, plane, top >> layout.halved[0])


def _share(signal: Channel, gain: float, offset: float) -> Channel:
    return lambda nits: gain * signal(nits) + offset


def _sum(values: Floats) -> float:
    return sum(cv2.sumElems(values)) if values.size else 0.0


def _interleaved(rows: NDArray[Any]) -> NDArray[Any]:
    """Pixels (H, W, 3) as OpenCV takes them. Planes seen as pixels are merged."""
    if rows.flags.c_contiguous:
        return rows
    if rows.strides[1] == rows.itemsize:
        return np.asarray(cv2.merge(list(np.moveaxis(rows, 2, 0))))
    return np.ascontiguousarray(rows)


def _store(values: Floats, plane: NDArray[Any], top: int) -> None:
    np.copyto(plane[top : top + len(values)], values, casting="unsafe")
