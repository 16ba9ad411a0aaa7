"""One window of frames to one HDR frame, by the subgraphs of a bundle.

Work that windows share is done once: the pyramid of every frame, and the flow
of every pair (3E asks for a pair in two successive windows).

Legend: Ne exposures, F = 2 Ne - 1 frames, I = Ne - 1 interpolated frames, N candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, LRHDR_MASKS, WINDOWS, Interpolation
from lrhdr.errors import InputError
from lrhdr.light import relative_exposures
from lrhdr.manifest import Manifest
from lrhdr_engines.backends.protocol import JOINED, Tensors, numbered
from lrhdr_engines.padding import crop, pad
from lrhdr_engines.window import FilledWindow

RgbFrame = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.floating[Any]]
Floats = NDArray[np.float32]
_Tensors = dict[str, NDArray[Any]]


class ReconstructsWith(Protocol):
    """What a reconstruction asks of an engine; see `lrhdr_engines.engine.Engine`."""

    @property
    def manifest(self) -> Manifest:
        """What the bundle says of itself."""

    @property
    def joined(self) -> bool:
        """Whether the graph `JOINED` runs for a window, after `film_extract`."""

    def run(self, graph: str, available: Tensors) -> dict[str, NDArray[Any]]:
        """Run a graph on those of the `available` tensors that are its inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruction:
    """What one window gives.

    Attributes:
        hdr: (3, H, W), linear, 1 where the shortest exposure saturates.
        interpolated: I of (3, H, W), gamma space, [0, 1].
        masks: (N, H, W) summing to 1 over N, in the order of `Window.candidate_names`; or None.
    """

    hdr: Floats
    interpolated: tuple[Floats, ...]
    masks: Floats | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A window as the fusion takes it.

    Attributes:
        graph: that fuses it.
        feeds: of that graph.
        newest: the last pair of frames.
        size: height and width without padding.
    """

    graph: str
    feeds: _Tensors
    newest: tuple[int, int]
    size: tuple[int, int]


class Reconstructor:
    """Reconstructs the windows of one clip, in order.

    Holds F pyramids at most, and F - 1 while it fuses where another graph interpolates.
    """

    def __init__(self, engine: ReconstructsWith, ev: Sequence[float]) -> None:
        """Begin a clip whose frame i has the exposure value `ev[i % Ne]`."""
        self._engine = engine
        self._window = WINDOWS[engine.manifest.exposures]
        self._cycle = np.asarray(relative_exposures(tuple(ev)), np.float32)
        self._images: dict[int, Floats] = {}
        self._pyramids: dict[int, _Tensors] = {}
        self._flows: dict[tuple[int, int], _Tensors] = {}

    def reconstruct(self, window: FilledWindow[RgbFrame], *, masks: bool = False) -> Reconstruction:
        """Make the HDR frame of a window.

        Args:
            window: frames (H, W, 3), gamma-encoded, integers over the full range of their type or
                floats in [0, 1].
            masks: whether to return the masks too, for pictures: it runs the fusion twice, so
                that `hdr` does not depend on it.

        Raises:
            InputError: the window's frames differ in size.
            BackendError: a graph failed.
        """
        return self.fuse(self.prepare(window), masks=masks)

    def prepare(self, window: FilledWindow[RgbFrame]) -> Prepared:
        """Everything before the fusion. Windows come in order. See `reconstruct`."""
        self._admit(window)
        feeds: _Tensors = {f"frame_{k}": self._images[i] for k, i in enumerate(window.slots)}
        feeds["exposures"] = np.array([self._exposure(i) for i in window.slots], np.float32)
        joined = self._engine.joined
        pairs = [(window.slots[s.a], window.slots[s.b]) for s in self._window.interpolations]
        for k, (pair, step) in enumerate(zip(pairs, self._window.interpolations, strict=True)):
            film = self._interpolation(window.slots, step)
            if not joined or k < len(pairs) - 1:
                film |= self._flow(*pair)
            if joined:
                feeds |= {numbered(k, name): tensor for name, tensor in film.items()}
            else:
                feeds[f"interpolated_{k}"] = self._engine.run(FUSE, film)["interpolated"]
        # Before the fusion, which needs most memory.
        self._forget(window.index + 1 + self._window.offsets[0])
        height, width = window.frames[self._window.reference].shape[:2]
        return Prepared(
            graph=JOINED if joined else LRHDR, feeds=feeds, newest=pairs[-1], size=(height, width)
        )

    def fuse(self, ready: Prepared, *, masks: bool = False) -> Reconstruction:
        """The rest. It may run in another thread, beside `prepare` of the next window."""
        made = self._engine.run(ready.graph, ready.feeds)
        if ready.graph == JOINED:
            self._flows[ready.newest] = _numbered(len(self._window.interpolations) - 1, made)
        known = ready.feeds | made
        films = [known[f"interpolated_{k}"] for k in range(len(self._window.interpolations))]
        fused = self._engine.run(LRHDR_MASKS, known)["masks"] if masks else None
        return Reconstruction(
            hdr=crop(known["hdr"][0], *ready.size),
            interpolated=tuple(crop(film[0], *ready.size) for film in films),
            masks=None if fused is None else crop(fused[0], *ready.size),
        )

    def _admit(self, window: FilledWindow[RgbFrame]) -> None:
        """Take in the new frames of a window, and let go of those that it does not have."""
        shapes = {frame.shape[:2] for frame in window.frames}
        if len(shapes) > 1:
            raise InputError(
                f"the frames around frame {window.index} differ in size "
                f"({', '.join(f'{w}x{h}' for h, w in sorted(shapes))})",
                expected="one size for the whole clip",
            )
        multiple = self._engine.manifest.multiple
        held = self._images
        self._images = {
            i: held[i] if i in held else pad(normalised(frame), multiple)
            for i, frame in zip(window.slots, window.frames, strict=True)
        }

    def _forget(self, oldest: int) -> None:
        """Every stand-in lies within a window's reach, so nothing older is asked for again."""
        self._pyramids = {i: p for i, p in self._pyramids.items() if i >= oldest}
        self._flows = {pair: f for pair, f in self._flows.items() if min(pair) >= oldest}

    def _exposure(self, index: int) -> np.float32:
        return np.float32(self._cycle[index % len(self._cycle)])

    def _interpolation(self, slots: tuple[int, ...], step: Interpolation) -> _Tensors:
        """What `film_fuse` makes the frame between two slots of."""
        a, b, reference = slots[step.a], slots[step.b], slots[self._window.reference]
        feeds = self._pair(a, b)
        feeds["time"] = np.array([step.time], np.float32)
        feeds["reference"] = self._images[reference]
        feeds["exposures"] = np.array([self._exposure(reference), self._exposure(a)], np.float32)
        return feeds

    def _flow(self, a: int, b: int) -> _Tensors:
        if (a, b) not in self._flows:
            self._flows[a, b] = self._engine.run(FLOW, self._pair(a, b))
        return self._flows[a, b]

    def _pair(self, a: int, b: int) -> _Tensors:
        """Both pyramids, named as the graphs of a pair name them: a_0, b_0, a_1, ..."""
        named = {}
        for side, index in (("a", a), ("b", b)):
            for name, tensor in self._pyramid(index).items():
                named[name.replace("pyramid", side, 1)] = tensor
        return named

    def _pyramid(self, index: int) -> _Tensors:
        if index not in self._pyramids:
            self._pyramids[index] = self._engine.run(EXTRACT, {"frame": self._images[index]})
        return self._pyramids[index]


def _numbered(interpolation: int, tensors: _Tensors) -> _Tensors:
    """Those of one interpolation, by their own names."""
    prefix = numbered(interpolation, "")
    return {n.removeprefix(prefix): tensor for n, tensor in tensors.items() if n.startswith(prefix)}


def white(frame: RgbFrame) -> float:
    """The value of white in a frame: the largest of an integer type, 1 of a float type."""
    return 1.0 if frame.dtype.kind == "f" else float(256**frame.dtype.itemsize - 1)


def normalised(frame: RgbFrame) -> Floats:
    """An image (H, W, 3) as a tensor (1, 3, H, W) in [0, 1].

    Raises:
        InputError: its shape or type is another.
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype.kind not in "uf" or not frame.size:
        raise InputError(
            f"a frame of shape {frame.shape} and type {frame.dtype}",
            expected="(height, width, 3) of uint8, uint16 or float",
        )
    tensor = np.empty((1, 3, *frame.shape[:2]), np.float32)
    np.divide(
        frame.transpose(2, 0, 1), np.float32(white(frame)), out=tensor[0], casting="same_kind"
    )
    return tensor
