"""What a backend is: something that loads a graph and runs it on numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from lrhdr.contract import FLOW, FUSE, LRHDR

Tensors = Mapping[str, NDArray[Any]]

# What a graph is computed in. "fp16" has graphs of its own; "bf16" is the FP32 graph with its
# convolutions, and what leads to them, in bfloat16, on a CPU that has it.
Arithmetic = Literal["fp32", "fp16", "bf16"]

# Pixels of a frame from which memory counts: what the graphs hold would come to more than 8 GB.
LARGE = 4_000_000

# A window as one graph: the flow of its last pair, its interpolations, its fusion.
JOINED = f"{FLOW}+{FUSE}+{LRHDR}"


def numbered(interpolation: int, name: str) -> str:
    """An input of `film_fuse` or `film_flow`, or a flow, as `JOINED` names it."""
    return f"{interpolation}/{name}"


class Session(Protocol):
    """A graph, ready to run."""

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """Compute every output from every input, by the names of `lrhdr.contract`."""

    def rest(self) -> None:
        """Give back what is held for the next run, where that can be done."""


class Backend(Protocol):
    """A way to run graphs on this machine."""

    @property
    def name(self) -> str:
        """As in --backend."""

    @property
    def device(self) -> str:
        """Where it computes, in words."""

    @property
    def fastest(self) -> Arithmetic:
        """What graphs run fastest in here."""

    def load(self, model: Path, arithmetic: Arithmetic, threads: int | None) -> Session:
        """Load an ONNX file.

        Args:
            model: the file, an FP16 graph for "fp16" and else an FP32 graph.
            arithmetic: what it is computed in; "bf16" only where that is the fastest.
            threads: CPU threads to use; None lets the backend choose.

        Raises:
            BackendError: the backend cannot load it.
        """

    def join(
        self, flow: Path, films: Sequence[Path], fusion: Path, threads: int | None
    ) -> Session | None:
        """Load what makes a window as one graph, which takes less memory.

        Its inputs are those of every `film_fuse`, `numbered`, of the last of them with those of
        `film_flow` in the place of flows, and those of `lrhdr` but for the interpolated frames.
        The reference is no input by itself: it is the frame in the middle. Outputs are `hdr`, the
        interpolated frames, and the flows, `numbered`.

        Args:
            flow: `film_flow`, as an ONNX file.
            films: `film_fuse` for each interpolated frame.
            fusion: `lrhdr`.
            threads: CPU threads to use; None lets the backend choose.

        Returns:
            the graph; None where one graph would take no less.

        Raises:
            BackendError: the backend cannot load it.
        """
