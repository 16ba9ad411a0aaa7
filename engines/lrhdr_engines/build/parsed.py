"""What the adapter hands out: a parsed network and a built plan, in our own terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Of one tensor: smallest, optimal and largest shape.
ShapeRange = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFacts:
    """An input or output as parsed; -1 stands for a dynamic dimension."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A parsed graph.

    Attributes:
        inputs, outputs: in TensorRT's order.
        layers: their number.
        plugins: for every PLUGIN_V3 layer "namespace::name" of its plugin.
        halves: kinds of the layers that give FP16, as TensorRT names them.
        strongly_typed: whether types come from the file alone.
        handles: keep TensorRT's own objects alive; the parser owns weights.
    """

    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    layers: int
    plugins: tuple[str, ...]
    halves: frozenset[str]
    strongly_typed: bool
    handles: tuple[Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A plan, and what the timing cache holds afterwards (None where there is none)."""

    plan: bytes
    timing_cache: bytes | None
