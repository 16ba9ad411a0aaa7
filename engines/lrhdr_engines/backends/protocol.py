"""What a backend is: something that loads a graph and runs it on numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]

# What a graph is computed in. "fp16" has graphs of its own; "bf16" is the FP32 graph with its
# convolutions, and what leads to them, in bfloat16, on a CPU that has it.
Arithmetic = Literal["fp32", "fp16", "bf16"]

# Pixels of a frame from which memory counts more than time: what streaming holds would come to
# more than 8 GB.
LARGE = 4_000_000


class Session(Protocol):
    """A graph, ready to run."""

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """Compute every output from every input, by the names of `lrhdr.contract`."""


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
