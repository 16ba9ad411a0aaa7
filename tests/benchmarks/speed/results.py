"""A result whose every number is known, for what shows results."""

from __future__ import annotations

from dataclasses import replace

from lrhdr_benchmarks.speed.record import (
    Bound,
    Case,
    Ceilings,
    Entmax,
    GraphCost,
    Ratio,
    Result,
    Row,
    Spread,
)

SIZES = ((640, 360), (1280, 720), (1920, 1080))
# Milliseconds of one output at 640x360, by subject; 3E takes half as much again.
SUBJECTS = {"onnxruntime fp32": 900.0, "openvino fp32": 700.0, "merge dis": 60.0}
CEILINGS = Ceilings(gflops=100.0, copy_gb_s=10.0, noise=0.04)


def case(
    subject: str = "onnxruntime fp32", size: tuple[int, int] = (640, 360), ne: int = 2
) -> Case:
    """Of a subject; a merge has no model."""
    model = "" if subject.startswith("merge") else "lite"
    return Case(subject=subject, model=model, exposures=ne, width=size[0], height=size[1])


def spread(median: float) -> Spread:
    """About a median."""
    return Spread.of([0.9 * median, 0.95 * median, median, 1.1 * median, 1.3 * median])


def row(of: Case) -> Row:
    """Time grows with the pixels; an engine has stages and graphs, a merge has none."""
    growth = of.width * of.height / (640 * 360) * (1.5 if of.exposures == 3 else 1.0)
    median = SUBJECTS[of.subject] * growth
    plain = Row(case=of, latency=spread(median), fps=1000.0 / median, ahead=of.exposures - 1)
    if not of.model:
        return plain
    shares = {"pre": 0.02, "extract": 0.18, "flow": 0.3, "synthesize": 0.1, "lrhdr": 0.35}
    shares["post"] = 0.03
    return replace(
        plain,
        stages={name: spread(share * median) for name, share in shares.items()},
        load_s=0.4,
        first_s=2.5 * median / 1000.0,
        resident_mb=300.0 * growth,
        error_max=1.5e-5,
        error_mean=2.5e-7,
        whole_fps={"null": 800.0 / median, "hdr10": 700.0 / median},
        graphs={
            "film_flow": cost(12.0 * growth, 100.0 * growth, 0.3 * median, of.exposures - 1),
            "lrhdr": cost(20.0 * growth, 3000.0 * growth, 0.35 * median, 1),
        },
    )


def cost(gflop: float, megabytes: float, milliseconds: float, runs: int) -> GraphCost:
    """Against `CEILINGS`."""
    seconds = milliseconds / 1000.0
    ridge = CEILINGS.gflops / CEILINGS.copy_gb_s
    return GraphCost(
        runs=runs,
        gflop=gflop,
        megabytes=megabytes,
        milliseconds=milliseconds,
        of_compute=gflop / seconds / CEILINGS.gflops,
        of_copy=megabytes / 1000.0 / seconds / CEILINGS.copy_gb_s,
        limit="compute" if gflop * 1000.0 / megabytes > ridge else "memory",
    )


def result() -> Result:
    """All subjects at all sizes, 2E and 3E."""
    cases = [case(s, size, ne) for ne in (2, 3) for size in SIZES for s in SUBJECTS]
    slow, fast, merge = (case(subject) for subject in SUBJECTS)
    return Result(
        date="2026-01-02T03:04:05+00:00",
        command="lrhdr-bench --html page.html",
        machine={"processor": "A & B <C>", "threads": "2"},
        settings={"rounds": "12", "pinning": "none | as the system likes"},
        ceilings=CEILINGS,
        rows=[row(each) for each in cases],
        ratios=[
            Ratio(slow=slow, fast=fast, ratio=1.29, low=1.21, high=1.38, pairs=12),
            Ratio(slow=slow, fast=merge, ratio=1.01, low=0.97, high=1.04, pairs=12),
        ],
        bounds=[
            Bound(card="RTX 0000", precision="fp16", case=slow, compute_ms=0.25, memory_ms=0.5)
        ],
        entmax=[
            Entmax(name="newton, torch", candidates=6, pixels=230400, time=spread(9.0), error=2e-7)
        ],
        skipped={"hdrflow eager": "no clone was given"},
    )
