"""What a backend is: something that loads a graph and runs it on numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from lrhdr.contract import Precision

Tensors = Mapping[str, NDArray[Any]]

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
    def fast_fp16(self) -> bool:
        """Whether FP16 graphs run faster here than FP32 graphs."""

    def load(self, model: Path, precision: Precision, threads: int | None) -> Session:
        """Load an ONNX file.

        Args:
            model: the file.
            precision: of the graph.
            threads: CPU threads to use; None lets the backend choose.

        Raises:
            BackendError: the backend cannot load it.
        """
