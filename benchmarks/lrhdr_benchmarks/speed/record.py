"""What a benchmark finds, as it is kept in JSON. Times are in milliseconds, memory in MB (10^6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

LEAST_PAIRS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Of a number of times, in milliseconds."""

    count: int
    mean: float
    median: float
    least: float
    greatest: float
    p90: float
    p95: float
    p99: float

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> Spread:
        """Of at least one time."""
        values = np.asarray(milliseconds, np.float64)
        p90, p95, p99 = np.percentile(values, (90, 95, 99))
        return cls(
            count=values.size,
            mean=float(values.mean()),
            median=float(np.median(values)),
            least=float(values.min()),
            greatest=float(values.max()),
            p90=float(p90),
            p95=float(p95),
            p99=float(p99),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is timed: one subject on frames of one size.

    Attributes:
        subject: an engine ("onnxruntime fp32", "openvino fp32") or a rival ("pytorch eager",
            "pytorch compiled", "hdrflow eager", "merge dis", "merge debevec").
        model: "lite", "paper" or a folder; "" for what has no model.
        exposures: Ne.
    """

    subject: str
    model: str
    exposures: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCost:
    """What one graph does for one output, and how near the machine's ceilings it comes.

    Attributes:
        runs: of the graph for an output.
        gflop: 2 x multiply-accumulate of convolutions and products, all runs.
        megabytes: the fewest bytes that the graph can move: inputs, weights and outputs once.
        milliseconds: median, all runs; None where the graph was not timed by itself.
        of_compute: share of the matrix product's ceiling; None without a time.
        of_copy: share of the copy's ceiling; None without a time.
        limit: what bounds it by the roofline, "compute" or "memory".
    """

    runs: int
    gflop: float
    megabytes: float
    milliseconds: float | None
    of_compute: float | None
    of_copy: float | None
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was found for one case. What does not apply is None or left out of a table.

    Attributes:
        latency: of one output in a running stream: wall clock from one output to the next.
        fps: outputs a second by wall clock, null sink.
        stages: by name: decode, pre, extract, synthesize (flow and fusion), lrhdr, post, encode;
            on a GPU enqueue, upload, unpack, compute, pack, download. Each for one output.
        ahead: frames after its own that an output has to wait for, the algorithmic latency;
            in_flight: outputs that are on their way while one is waited for.
        build_s: making the engine; load_s: opening it; first_s: from the first frame to the
            first output.
        resident_mb: the process's greatest resident memory; device_mb: the GPU's.
        error_max, error_mean: against FP32 by ONNX Runtime on the same frames in the same run,
            in the mu-law domain.
        whole_fps: outputs a second of a whole lrhdr-run, by its sink ("null", "hdr10").
        graphs: by name.
    """

    case: Case
    latency: Spread
    fps: float
    stages: dict[str, Spread] = field(default_factory=dict)
    ahead: int | None = None
    in_flight: int = 0
    build_s: float | None = None
    load_s: float | None = None
    first_s: float | None = None
    resident_mb: float | None = None
    device_mb: float | None = None
    error_max: float | None = None
    error_mean: float | None = None
    whole_fps: dict[str, float] = field(default_factory=dict)
    graphs: dict[str, GraphCost] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times as long `slow` takes as `fast`, by pairs measured in turn.

    Attributes:
        ratio: median over the pairs.
        low, high: the 95 % interval of the median by bootstrap.
        pairs: how many.
    """

    slow: Case
    fast: Case
    ratio: float
    low: float
    high: float
    pairs: int

    @property
    def claim(self) -> bool:
        """Whether the interval excludes 1, and there are pairs enough for one.

        No claim is made inside the noise. Of fewer than six values even the least and the greatest
        enclose the median with less than 95 % probability.
        """
        return self.pairs >= LEAST_PAIRS and (self.low > 1.0 or self.high < 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """What the machine can do at most, measured in the run.

    Attributes:
        gflops: a large float32 matrix product, 10^9 operations a second.
        copy_gb_s: a large copy, bytes read and written, 10^9 a second.
        noise: the spread of the matrix product's repeats, (p90 - p10) / median.
    """

    gflops: float
    copy_gb_s: float
    noise: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The least milliseconds for one output on a card that is not there: a bound, no measurement.

    Attributes:
        compute_ms: operations by the card's peak; memory_ms: bytes by its bandwidth.
    """

    card: str
    precision: str
    case: Case
    compute_ms: float
    memory_ms: float

    @property
    def least_ms(self) -> float:
        """The larger of both."""
        return max(self.compute_ms, self.memory_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entmax:
    """One implementation of entmax on (N, pixels) logits; its greatest error is against float64."""

    name: str
    candidates: int
    pixels: int
    time: Spread
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All of one run.

    Attributes:
        date: ISO 8601; command: as it was given; machine: facts by name, in words;
        settings: warm-up, rounds, threads, pinning, in words; skipped: what was not timed, and why.
    """

    date: str
    command: str
    machine: dict[str, str]
    settings: dict[str, str]
    ceilings: Ceilings
    rows: list[Row] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    entmax: list[Entmax] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
