"""An engine: a bundle made ready to run, at one precision, by one backend."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from lrhdr.contract import (
    EXTRACT,
    FLOW,
    FUSE,
    LRHDR,
    LRHDR_MASKS,
    Precision,
    signatures,
)
from lrhdr.errors import BackendError
from lrhdr.manifest import Manifest
from lrhdr_engines.backends import Backend, Session, protocol
from lrhdr_engines.backends.protocol import JOINED, Arithmetic, Tensors, numbered
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.processors import usable_processors

log = logging.getLogger(__name__)

EngineChoice = Literal["auto", "fp16", "bf16", "fp32"]

# What a joined graph leaves to do: flows that no window before has, and masks for pictures.
_SELDOM = (FLOW, LRHDR_MASKS)

_STREAMING = (EXTRACT, FLOW, FUSE, LRHDR)
# What is not behind a convolution stays in FP32: radiance, entmax and the weighted sum. So does the
# interpolator: where it warps, coordinates would be rounded to 8 bits, an error that grows with the
# frame.
_IN_BF16 = (LRHDR, LRHDR_MASKS)


class Engine:
    """The graphs that streaming needs, verified and loaded."""

    def __init__(
        self,
        bundle: Bundle,
        backend: Backend,
        choice: EngineChoice = "auto",
        *,
        threads: int | None = None,
        overlapped: bool = False,
    ) -> None:
        """Load the graphs.

        Args:
            bundle: the model.
            backend: what runs it.
            choice: the precision; "auto" is what is fastest with this backend.
            threads: CPU threads; None lets the backend choose.
            overlapped: that the fusion may run beside the other graphs: each gets half of the
                threads. On a GPU, with one thread and in bf16 it makes no difference.

        Raises:
            BundleError: a file has changed or is missing.
            BackendError: a graph cannot be loaded; or bf16 is asked for, and not to be had.
        """
        self.precision: Arithmetic = backend.fastest if choice == "auto" else choice
        if self.precision == "bf16" != backend.fastest:
            raise BackendError(
                f"--engine bf16: {backend.name} has no bfloat16 on this machine",
                expected="OpenVINO on a CPU with AVX512-BF16 or AMX",
                next_step="Use --engine auto",
            )
        if self.precision == "fp16" != backend.fastest:
            log.warning(
                "the fp16 engine is slower than fp32 on this CPU: %s computes most FP16 operators "
                "in FP32 there, between casts",
                backend.name,
            )
        self.backend = backend
        self.bundle = bundle
        self._threads = threads
        count = threads or usable_processors()
        # Half of an output's time is memory's and half is arithmetic's, in both parts: beside each
        # other they take less than one after the other with twice the threads. Not in bf16, which
        # makes the fusion so much shorter that half of the threads would wait for the others.
        beside = overlapped and backend.device == "CPU" and self.precision != "bf16"
        self._halves = (count - count // 2, count // 2) if beside and count > 1 else None
        self._large = False
        # All are verified before any is loaded.
        self._files = {name: self._file(name) for name in _STREAMING}
        self._sessions = {name: self._load(name) for name in self._files}
        self._inputs: dict[str, tuple[str, ...]] = {
            name: tuple(tensor.name for tensor in signature.inputs)
            for name, signature in signatures(
                self.manifest.exposures, self.manifest.pyramids
            ).items()
        }

    @property
    def manifest(self) -> Manifest:
        """What the bundle says of itself."""
        return self.bundle.manifest

    @property
    def graph_precision(self) -> Precision:
        """Of its graphs' files and tensors."""
        return "fp16" if self.precision == "fp16" else "fp32"

    def run(self, graph: str, available: Tensors) -> dict[str, NDArray[Any]]:
        """Run a graph on those of the `available` tensors that are its inputs.

        A graph that streaming does not need is loaded when it is first run.
        """
        if graph not in self._sessions:
            self._sessions[graph] = self._load(graph)
        session = self._sessions[graph]
        feeds = {name: available[name] for name in self._inputs[graph]}
        if not (self.joined and graph in _SELDOM):
            return session.run(feeds)
        # Not beside what the joined graph holds.
        self._sessions[JOINED].rest()
        results = session.run(feeds)
        session.rest()
        return results

    @property
    def overlaps(self) -> bool:
        """Whether the fusion should run beside the other graphs."""
        return self._halves is not None

    @property
    def joined(self) -> bool:
        """Whether `JOINED` runs for a window, after `film_extract`."""
        return JOINED in self._sessions

    def arrange(self, pixels: int) -> None:
        """Get ready for frames of so many pixels, or fewer.

        For large frames memory counts: one graph runs at a time, with all threads, and where the
        backend can join graphs it does, all in FP32 then.
        """
        if self._large or pixels < protocol.LARGE:
            return
        halved, self._halves = self.overlaps, None
        self._large, self.precision = True, self.precision_at(pixels)
        films = [self._files[FUSE]] * (self.manifest.exposures - 1)
        whole = self.backend.join(self._files[FLOW], films, self._files[LRHDR], self._threads)
        if whole is not None:
            self._sessions = {EXTRACT: self._load(EXTRACT), JOINED: whole}
            self._inputs[JOINED] = self._joined_inputs()
        elif halved:
            self._sessions = {name: self._load(name) for name in self._sessions}

    def precision_at(self, pixels: int) -> Arithmetic:
        """What frames of so many pixels are computed in: large ones not in bf16."""
        bf16 = self.precision == "bf16" and pixels >= protocol.LARGE
        return "fp32" if bf16 else self.precision

    def _joined_inputs(self) -> tuple[str, ...]:
        last = self.manifest.exposures - 2
        known = signatures(self.manifest.exposures, self.manifest.pyramids)
        within = {"reference", *(tensor.name for tensor in known[FLOW].outputs)}
        names = [name for name in self._inputs[LRHDR] if not name.startswith("interpolated")]
        for k in range(last):
            names += [numbered(k, name) for name in self._inputs[FUSE] if name != "reference"]
        new = dict.fromkeys(self._inputs[FUSE] + self._inputs[FLOW])
        return (*names, *(numbered(last, name) for name in new if name not in within))

    def _load(self, graph: str) -> Session:
        threads = self._threads
        if self._halves is not None:
            threads = self._halves[graph in (LRHDR, LRHDR_MASKS)]
        file = self._files.get(graph) or self._file(graph)
        whole = self.precision == "bf16" and graph not in _IN_BF16
        arithmetic: Arithmetic = "fp32" if whole else self.precision
        return self.backend.load(file, arithmetic, threads)

    def _file(self, graph: str) -> Path:
        return self.bundle.graph(graph, self.graph_precision)
