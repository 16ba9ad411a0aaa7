"""The least time for one output on NVIDIA's RTX cards: a bound from counts, no measurement.

A card's peaks are computed from its SMs and its boost clock, at the rates that an SM has by the
architecture's white paper: FP32 with fused multiply-adds, and FP16 on tensor cores, dense, with
FP32 accumulation. So computed, they are the peaks that are published for the RTX 2080 Ti, 3090,
4090 and 5070, and in FP32 for the 4080, 5080 and 5090 too; for the others none was found: theirs
follow from SMs and clock as NVIDIA specifies the card.

What makes a card faster than its bound: a clock above the rated boost, which GeForce cards reach
(matrix products 21 % and 9 % above the printed peak of an RTX 5090 and 5070 have been published);
FP16 accumulation, twice as fast on GeForce; and tensors that stay in the L2 cache from one graph
to the next, which need no memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrhdr.contract import Precision
from lrhdr_benchmarks.speed.record import Bound, Case
from lrhdr_benchmarks.speed.roofline import runs_per_output

if TYPE_CHECKING:  # `counts` needs the package onnx
    from lrhdr_benchmarks.speed.counts import Counts

# Of GeForce cards from Turing to Blackwell: operations a clock of one SM's tensor cores. TF32 has
# the rate of Ampere's and later FP32, so FP32 engines that use it have the same bound.
_TENSOR = 512
_TURING_FP32, _LATER_FP32 = 128, 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card as its maker rates it.

    Attributes:
        sms: streaming multiprocessors.
        boost_mhz: the rated boost clock, of the Founders Edition where there are two.
        fp32_ops: operations a clock of one SM.
        memory_gb_s: bandwidth, 10^9 bytes a second; memory_gb: size.
    """

    name: str
    sms: int
    boost_mhz: int
    memory_gb_s: float
    memory_gb: int
    fp32_ops: int = _LATER_FP32

    def tflops(self, precision: Precision) -> float:
        """The peak in 10^12 operations a second."""
        operations = _TENSOR if precision == "fp16" else self.fp32_ops
        return self.sms * self.boost_mhz * operations / 1e6


CARDS = (
    Card(
        name="RTX 2080 Ti",
        sms=68,
        boost_mhz=1635,
        memory_gb_s=616.0,
        memory_gb=11,
        fp32_ops=_TURING_FP32,
    ),
    Card(name="RTX 3060", sms=28, boost_mhz=1777, memory_gb_s=360.0, memory_gb=12),
    Card(name="RTX 3080", sms=68, boost_mhz=1710, memory_gb_s=760.0, memory_gb=10),
    Card(name="RTX 3090", sms=82, boost_mhz=1695, memory_gb_s=936.0, memory_gb=24),
    Card(name="RTX 4060", sms=24, boost_mhz=2460, memory_gb_s=272.0, memory_gb=8),
    Card(name="RTX 4070", sms=46, boost_mhz=2475, memory_gb_s=504.0, memory_gb=12),
    Card(name="RTX 4080", sms=76, boost_mhz=2505, memory_gb_s=716.8, memory_gb=16),
    Card(name="RTX 4090", sms=128, boost_mhz=2520, memory_gb_s=1008.0, memory_gb=24),
    Card(name="RTX 5070", sms=48, boost_mhz=2512, memory_gb_s=672.0, memory_gb=12),
    Card(name="RTX 5080", sms=84, boost_mhz=2617, memory_gb_s=960.0, memory_gb=16),
    Card(name="RTX 5090", sms=170, boost_mhz=2407, memory_gb_s=1792.0, memory_gb=32),
)


def bounds(case: Case, counts: Mapping[str, Counts], precision: Precision) -> list[Bound]:
    """One for each card, in the order of `CARDS`.

    Args:
        case: gives Ne; its subject plays no part.
        counts: of one run of each streaming graph at this precision and the case's size, as
            `counts.stream_counts` gives them.
        precision: of the engine.
    """
    runs = runs_per_output(case.exposures)
    gflop = sum(runs[name] * each.gflop for name, each in counts.items())
    megabytes = sum(runs[name] * each.megabytes for name, each in counts.items())
    return [
        Bound(
            card=card.name,
            precision=precision,
            case=case,
            compute_ms=gflop / card.tflops(precision),
            memory_ms=megabytes / card.memory_gb_s,
        )
        for card in CARDS
    ]
