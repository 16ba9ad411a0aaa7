"""How near a graph comes to what the machine can do at most (the roofline model).

A graph whose operations take longer at the one ceiling than its bytes at the other lies right of
the ridge point and is bound by compute, else by memory. Bytes are the fewest possible: a graph that
comes near neither ceiling moves more than it must, or computes much that is no product of matrices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, WINDOWS
from lrhdr_benchmarks.speed.record import Ceilings, GraphCost

if TYPE_CHECKING:  # `counts` needs the package onnx
    from lrhdr_benchmarks.speed.counts import Counts


def runs_per_output(exposures: int) -> dict[str, int]:
    """How often each graph runs for one output in the middle of a clip."""
    interpolations = len(WINDOWS[exposures].interpolations)
    # Of the pairs of a window only one is new: the flow of the others was found before.
    return {EXTRACT: 1, FLOW: 1, FUSE: interpolations, LRHDR: 1}


def cost(counts: Counts, runs: int, milliseconds: float | None, ceilings: Ceilings) -> GraphCost:
    """Of one graph for one output.

    Args:
        counts: of one run.
        runs: for an output.
        milliseconds: of all of them; None where they were not timed.
        ceilings: of this machine.
    """
    gflop, megabytes = runs * counts.gflop, runs * counts.megabytes
    # GFLOP over GFLOP/s are seconds, MB over GB/s milliseconds.
    compute_ms, copy_ms = 1e3 * gflop / ceilings.gflops, megabytes / ceilings.copy_gb_s
    return GraphCost(
        runs=runs,
        gflop=gflop,
        megabytes=megabytes,
        milliseconds=milliseconds,
        of_compute=None if milliseconds is None else compute_ms / milliseconds,
        of_copy=None if milliseconds is None else copy_ms / milliseconds,
        limit="compute" if compute_ms >= copy_ms else "memory",
    )
