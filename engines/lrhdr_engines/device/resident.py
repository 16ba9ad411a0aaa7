"""What stays on the device between windows, and the programs that make a window's radiance of it.

Legend: Ne exposures, P = 2 Ne frame slots, t the index of a window.

A frame's image and pyramid lie in frame slot i mod P. The flow of step s of
window t lies in flow slot (t + s) mod (Ne - 1): 3E asks for a pair as step 1 of
one window and as step 0 of the next, which is the same slot. The radiance of
window t lies in slot t mod 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, Tensor, signatures
from lrhdr.light import relative_exposures
from lrhdr_engines.device.layout import HDR_SLOTS, Layout
from lrhdr_engines.device.protocol import Buffer, Device, Program, Programs, Stream

Named = Mapping[str, Buffer]
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Due:
    """Work of a window that earlier windows have not left done.

    Attributes:
        frames: whose pyramid is needed.
        steps: interpolations whose flow is needed.
    """

    frames: tuple[int, ...]
    steps: tuple[int, ...]


class Resident:
    """The buffers of one clip and which frames and pairs they hold."""

    def __init__(
        self, device: Device, programs: Programs, layout: Layout, ev: Sequence[float]
    ) -> None:
        """Allocate everything. `ev` are the exposure values in cycle order from frame 0."""
        self._layout = layout
        self._programs = programs
        self._bound: dict[tuple[object, ...], Program] = {}
        self._held: dict[int, int] = {}  # frame slot to the frame whose pyramid it holds
        self._flowing: dict[int, Pair] = {}  # flow slot to the pair whose flow it holds
        self._all: list[Buffer] = []
        graphs = signatures(layout.exposures, layout.pyramids)

        def tensors(prefix: str, wanted: Sequence[Tensor]) -> dict[str, Buffer]:
            return {
                t.name: self._buffer(device, f"{prefix}{t.name}", layout.shape(t), layout.dtype(t))
                for t in wanted
            }

        self.images = [
            tensors(f"slot {k} ", graphs[EXTRACT].inputs)["frame"] for k in range(layout.ring)
        ]
        self._pyramids = [
            tensors(f"slot {k} ", graphs[EXTRACT].outputs) for k in range(layout.ring)
        ]
        self._flows = [
            tensors(f"pair {k} ", graphs[FLOW].outputs) for k in range(layout.flow_slots)
        ]
        self._films = [
            tensors(f"step {k} ", graphs[FUSE].outputs)["interpolated"]
            for k in range(layout.flow_slots)
        ]
        self.hdr = [tensors(f"output {k} ", graphs[LRHDR].outputs)["hdr"] for k in range(HDR_SLOTS)]
        self._constants = _constants(layout, ev)
        self._values = {
            name: self._buffer(device, name, value.shape, value.dtype)
            for name, value in self._constants.items()
        }

    def upload_constants(self, device: Device, stream: Stream) -> None:
        """Fill the times and exposures, once, and wait for it."""
        for name, value in self._constants.items():
            staging = device.staging(f"staging of {name}", value.shape, value.dtype)
            staging.store(value)
            stream.upload(staging, self._values[name])
            stream.synchronise()
            staging.free()

    def forget(self) -> None:
        """Another clip begins."""
        self._held.clear()
        self._flowing.clear()

    def free(self) -> None:
        """Give all memory back."""
        for buffer in self._all:
            buffer.free()

    def due(self, index: int, slots: Sequence[int]) -> Due:
        """What the window of output `index` over the frames `slots` lacks."""
        pairs = [(slots[step.a], slots[step.b]) for step in self._layout.window.interpolations]
        frames = dict.fromkeys(frame for pair in pairs for frame in pair)
        ring = self._layout.ring
        return Due(
            frames=tuple(f for f in frames if self._held.get(f % ring) != f),
            steps=tuple(
                step
                for step, pair in enumerate(pairs)
                if self._flowing.get(self._flow_slot(index, step)) != pair
            ),
        )

    def usual(self, index: int) -> tuple[tuple[int, ...], Due]:
        """A window far from the clip's ends: one frame and one pair are new."""
        slots = tuple(index + offset for offset in self._layout.window.offsets)
        return slots, Due((slots[-1],), (self._layout.flow_slots - 1,))

    def work(self, index: int, slots: Sequence[int], due: Due) -> list[Program]:
        """The programs of a window, in order. Bound once for each set of buffers."""
        steps = range(self._layout.flow_slots)
        return [
            *(self._extract(frame) for frame in due.frames),
            *(self._flow(index, step, slots) for step in due.steps),
            *(self._fuse(index, step, slots) for step in steps),
            self._reconstruct(index, slots),
        ]

    def note(self, index: int, slots: Sequence[int], due: Due) -> None:
        """The work of a window is queued: later windows find it done."""
        for frame in due.frames:
            self._held[frame % self._layout.ring] = frame
        for step in due.steps:
            plan = self._layout.window.interpolations[step]
            self._flowing[self._flow_slot(index, step)] = slots[plan.a], slots[plan.b]

    def _flow_slot(self, index: int, step: int) -> int:
        return (index + step) % self._layout.flow_slots

    def _extract(self, frame: int) -> Program:
        slot = frame % self._layout.ring
        return self._bind(EXTRACT, {"frame": self.images[slot]}, self._pyramids[slot])

    def _flow(self, index: int, step: int, slots: Sequence[int]) -> Program:
        return self._bind(FLOW, self._pair(step, slots), self._flows[self._flow_slot(index, step)])

    def _fuse(self, index: int, step: int, slots: Sequence[int]) -> Program:
        phase, ring = index % self._layout.exposures, self._layout.ring
        feeds = self._pair(step, slots) | self._flows[self._flow_slot(index, step)]
        feeds["time"] = self._values[f"time {step}"]
        feeds["reference"] = self.images[slots[self._layout.window.reference] % ring]
        feeds["exposures"] = self._values[f"exposures of step {step}, phase {phase}"]
        return self._bind(FUSE, feeds, {"interpolated": self._films[step]})

    def _reconstruct(self, index: int, slots: Sequence[int]) -> Program:
        phase, ring = index % self._layout.exposures, self._layout.ring
        feeds = {f"frame_{k}": self.images[frame % ring] for k, frame in enumerate(slots)}
        feeds |= {f"interpolated_{k}": film for k, film in enumerate(self._films)}
        feeds["exposures"] = self._values[f"exposures, phase {phase}"]
        return self._bind(LRHDR, feeds, {"hdr": self.hdr[index % HDR_SLOTS]})

    def _pair(self, step: int, slots: Sequence[int]) -> dict[str, Buffer]:
        """Both pyramids, named as the graphs of a pair name them: a_0, b_0, a_1, ..."""
        plan, ring = self._layout.window.interpolations[step], self._layout.ring
        return {
            name.replace("pyramid", side, 1): buffer
            for side, slot in (("a", plan.a), ("b", plan.b))
            for name, buffer in self._pyramids[slots[slot] % ring].items()
        }

    def _bind(self, graph: str, inputs: Named, outputs: Named) -> Program:
        key = (graph, *(id(buffer) for buffer in (*inputs.values(), *outputs.values())))
        if key not in self._bound:
            self._bound[key] = self._programs.graph(graph, inputs, outputs)
        return self._bound[key]

    def _buffer(
        self, device: Device, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]
    ) -> Buffer:
        self._all.append(device.buffer(name, shape, dtype))
        return self._all[-1]


def _constants(layout: Layout, ev: Sequence[float]) -> dict[str, NDArray[np.float32]]:
    """Times and exposures by name. A stand-in has the exposure of the frame it stands for."""
    cycle = np.asarray(relative_exposures(tuple(ev)), np.float32)
    window = layout.window
    values = {
        f"time {step}": np.array([plan.time], np.float32)
        for step, plan in enumerate(window.interpolations)
    }
    for phase in range(layout.exposures):
        exposures = cycle[(phase + np.array(window.offsets)) % layout.exposures]
        values[f"exposures, phase {phase}"] = exposures
        for step, plan in enumerate(window.interpolations):
            values[f"exposures of step {step}, phase {phase}"] = exposures[
                [window.reference, plan.a]
            ]
    return values
