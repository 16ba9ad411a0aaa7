"""The network by PyTorch, streaming as `lrhdr_engines.reconstruct` does.

One `extract` for every frame and one `flow` for every pair: work that windows share is done once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, WINDOWS, Interpolation
from lrhdr.light import relative_exposures
from lrhdr_benchmarks.speed import clips
from lrhdr_engines.window import FilledWindow

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from lrhdr.model.network import Network


class Parts:
    """The network in the parts that become graphs, by their names; every run is timed."""

    def __init__(self, network: Network, device: torch.device, *, compiled: bool) -> None:
        """A network that is on the device; compiled, the first run of a part is a slow one."""
        import torch

        def made(part: Callable[..., Any]) -> Callable[..., Any]:
            return torch.compile(part, dynamic=False) if compiled else part

        def fused(frames: list[Tensor], films: list[Tensor], exposures: Tensor) -> Any:
            return network.lrhdr(frames, films, exposures).hdr

        film, finest = network.film, network.config.film.finest_flow
        one_way = made(film.one_way)  # compiled once for both ways, as export traces it once

        def flow(a: list[Tensor], b: list[Tensor]) -> Any:
            a, b = a[finest:], b[finest:]
            return one_way(a, b), one_way(b, a)

        self.device = device
        self.taken_ms: dict[str, float] = {}
        self._parts: dict[str, Callable[..., Any]] = {
            EXTRACT: made(film.extract),
            FLOW: flow,
            FUSE: made(film.synthesize),
            LRHDR: made(fused),
        }

    def run(self, name: str, *inputs: Any) -> Any:
        """Run a part to its end."""
        import torch

        began = time.perf_counter()
        result = self._parts[name](*inputs)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        taken = 1e3 * (time.perf_counter() - began)
        self.taken_ms[name] = self.taken_ms.get(name, 0.0) + taken
        return result


class TorchStream:
    """The windows of one clip, in order. Holds the pyramids of a window at most."""

    def __init__(self, parts: Parts, exposures: int) -> None:
        """Begin a clip with the EVs of `clips`."""
        import torch

        self.parts = parts
        self._window = WINDOWS[exposures]
        e = relative_exposures(clips.ev(exposures))
        self._exposures = torch.tensor(e, device=parts.device)
        self._times = {
            step: torch.tensor([step.time], device=parts.device)
            for step in self._window.interpolations
        }
        self._pyramids: dict[int, list[Tensor]] = {}
        self._flows: dict[tuple[int, int], tuple[list[Tensor], list[Tensor]]] = {}

    def fused(self, window: FilledWindow[Tensor]) -> Tensor:
        """The HDR frame, (1, 3, H', W'), 1 where the shortest exposure saturates."""
        self.parts.taken_ms.clear()
        # Every stand-in lies within the window's reach, so nothing older is asked for again.
        oldest = min(window.slots)
        self._pyramids = {i: p for i, p in self._pyramids.items() if i >= oldest}
        self._flows = {pair: f for pair, f in self._flows.items() if min(pair) >= oldest}
        films = [self._interpolated(window, step) for step in self._window.interpolations]
        frames, shot = _distinct(*window.frames), self._shot(*window.slots)[None]
        hdr: Tensor = self.parts.run(LRHDR, frames, films, shot)
        return hdr

    def _interpolated(self, window: FilledWindow[Tensor], step: Interpolation) -> Tensor:
        middle = self._window.reference
        first, second = self._pyramid(window, step.a), self._pyramid(window, step.b)
        second = _distinct(*first, *second)[len(first) :]
        a, b, reference = (window.slots[slot] for slot in (step.a, step.b, middle))
        if (a, b) not in self._flows:
            self._flows[a, b] = self.parts.run(FLOW, first, second)
        ab, ba = self._flows[a, b]
        shot = self._shot(reference, a)[None]
        film: Tensor = self.parts.run(
            FUSE, first, second, ab, ba, self._times[step], window.frames[middle], shot
        )
        return film

    def _pyramid(self, window: FilledWindow[Tensor], slot: int) -> list[Tensor]:
        index = window.slots[slot]
        if index not in self._pyramids:
            self._pyramids[index] = self.parts.run(EXTRACT, window.frames[slot])
        return self._pyramids[index]

    def _shot(self, *frames: int) -> Tensor:
        """The exposures of frames, by their indices in the clip."""
        return self._exposures[[i % len(self._exposures) for i in frames]]


def _distinct(*tensors: Tensor) -> list[Tensor]:
    """A copy of each that came before: a stand-in is the frame that it stands for.

    torch.compile makes code for inputs that are one tensor, and other code for the next window.
    """
    return [
        tensor.clone() if any(tensor is each for each in tensors[:i]) else tensor
        for i, tensor in enumerate(tensors)
    ]
