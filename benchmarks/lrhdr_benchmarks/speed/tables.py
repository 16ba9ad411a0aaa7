"""What the tables of a result hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lrhdr_benchmarks.speed.record import LEAST_PAIRS, Case, GraphCost, Ratio, Result, Row
from lrhdr_benchmarks.speed.words import (
    NOTHING,
    Table,
    figure,
    model_of,
    name_of,
    share,
    size_of,
)

NO_CLAIM = "no claim: inside the noise"
# The interval lies within the pairs' extremes, which hold the median of the truth with a
# probability of 1 - 2^(1 - pairs): 95 % takes six.
_CASE = ("size", "Ne", "model", "subject")


def tables(result: Result) -> Iterator[Table]:
    """All tables that have rows; a column without a single figure is left out."""
    for make in (_machine, _latency, _start, _stages, _graphs, _ratios, _entmax, _bounds, _skipped):
        table = make(result)
        if table.rows:
            yield table.without_empty_columns()


def _machine(result: Result) -> Table:
    ceilings = result.ceilings
    measured = {
        "matrix product, float32": f"{ceilings.gflops:.4g} GFLOP/s",
        "copy": f"{ceilings.copy_gb_s:.3g} GB/s, read and written",
        "noise": f"{ceilings.noise:.1%}: (p90 - p10) / median of the matrix product's repeats",
    }
    facts = {"date": result.date, "command": result.command, **result.machine}
    facts |= {**result.settings, **measured}
    return Table(
        title="Machine and settings",
        note="",
        heads=("what", "value"),
        rows=list(facts.items()),
        words=2,
    )


# What the tables of latency and of the rest show of a row.
_SPEED: dict[str, Callable[[Row], str]] = {
    "median, ms": lambda row: figure(row.latency.median),
    "p90, ms": lambda row: figure(row.latency.p90),
    "p99, ms": lambda row: figure(row.latency.p99),
    "outputs": lambda row: str(row.latency.count),
    "fps": lambda row: figure(row.fps),
    "whole, null, fps": lambda row: figure(row.whole_fps.get("null")),
    "whole, HDR10, fps": lambda row: figure(row.whole_fps.get("hdr10")),
}
_REST: dict[str, Callable[[Row], str]] = {
    "memory, MB": lambda row: figure(row.resident_mb),
    "GPU memory, MB": lambda row: figure(row.device_mb),
    "build, s": lambda row: figure(row.build_s),
    "load, s": lambda row: figure(row.load_s),
    "first output, s": lambda row: figure(row.first_s),
    "frames ahead": lambda row: NOTHING if row.ahead is None else str(row.ahead),
    "error, greatest": lambda row: figure(row.error_max, 2),
    "error, mean": lambda row: figure(row.error_mean, 2),
}


def _latency(result: Result) -> Table:
    return _by_case(
        result,
        _SPEED,
        "Latency by size and subject",
        "From one output to the next in a running stream, into nothing. Whole: all of a short "
        "lrhdr-run, decoding, writing and making its graphs ready with it.",
    )


def _start(result: Result) -> Table:
    return _by_case(
        result,
        _REST,
        "Start, memory and error",
        "Memory: the most that the process held. Frames ahead: those after its own that an output "
        "waits for. Error: against FP32 by ONNX Runtime on the same frames in the same run, "
        "mu-law.",
    )


def _by_case(
    result: Result, columns: Mapping[str, Callable[[Row], str]], title: str, note: str
) -> Table:
    return Table(
        title=title,
        note=note,
        heads=(*_CASE, *columns),
        rows=[(*_cells(row.case), *(of(row) for of in columns.values())) for row in result.rows],
        words=len(_CASE),
    )


def _stages(result: Result) -> Table:
    names = list(dict.fromkeys(name for row in result.rows for name in row.stages))
    rows = [
        (*_cells(row.case), *(_median(row, name) for name in names))
        for row in result.rows
        if row.stages
    ]
    note = "Median milliseconds of each stage for one output."
    return Table(title="Stages", note=note, heads=(*_CASE, *names), rows=rows, words=len(_CASE))


def _median(row: Row, stage: str) -> str:
    return figure(row.stages[stage].median) if stage in row.stages else NOTHING


def _graphs(result: Result) -> Table:
    return Table(
        title="Graphs against the machine's ceilings",
        note="For one output, all runs of the graph. MB: inputs, weights and outputs once, the "
        "fewest that can be moved. Shares: of the matrix product and of the copy above; more than "
        "all of it is possible, where a convolution is computed with fewer operations than are "
        "counted (Winograd), or other work disturbed the measurement of the ceilings.",
        heads=(
            *(*_CASE, "graph", "limit", "runs", "ms", "GFLOP", "MB"),
            *("GFLOP/s", "of matrix product", "of copy"),
        ),
        rows=[
            (*_cells(row.case), name, *_cost(cost))
            for row in result.rows
            for name, cost in row.graphs.items()
        ],
        words=len(_CASE) + 2,
    )


def _cost(cost: GraphCost) -> tuple[str, ...]:
    rate = cost.gflop / cost.milliseconds * 1000.0 if cost.milliseconds else None
    return (
        *(cost.limit, str(cost.runs), figure(cost.milliseconds)),
        *(figure(cost.gflop), figure(cost.megabytes), figure(rate)),
        *(share(cost.of_compute), share(cost.of_copy)),
    )


def _ratios(result: Result) -> Table:
    return Table(
        title="Ratios",
        note="How many times as long the slower takes, measured in turn, so that drift cancels: "
        "the median over the pairs and its 95 % interval by bootstrap. Where the interval holds "
        "1, nothing is claimed.",
        heads=("size", "Ne", "slower", "faster", "finding", "ratio", "low", "high", "pairs"),
        rows=[_ratio(each) for each in result.ratios],
        words=5,
    )


def _ratio(found: Ratio) -> tuple[str, ...]:
    size, ne, *_ = _cells(found.slow)
    finding = NO_CLAIM
    if found.pairs < LEAST_PAIRS:
        finding = f"no claim: {found.pairs} pairs are too few"
    elif found.claim:
        finding = f"{figure(found.ratio)} times as long"
    numbers = (figure(found.ratio), figure(found.low), figure(found.high), str(found.pairs))
    return (size, ne, name_of(found.slow), name_of(found.fast), finding, *numbers)


def _entmax(result: Result) -> Table:
    return Table(
        title="Entmax",
        note="Error: the greatest against float64.",
        heads=("implementation", "candidates", "pixels", "median, ms", "p90, ms", "error"),
        rows=[
            (
                *(each.name, str(each.candidates), str(each.pixels)),
                *(figure(each.time.median), figure(each.time.p90), figure(each.error, 2)),
            )
            for each in result.entmax
        ],
        words=1,
    )


def _bounds(result: Result) -> Table:
    """A row for each card, precision and model, a column for each size and cycle."""
    columns = list(dict.fromkeys(_frames(each.case) for each in result.bounds))
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for each in result.bounds:
        row = found.setdefault((each.card, each.precision, model_of(each.case) or NOTHING), {})
        by_bytes = " *" if each.memory_ms > each.compute_ms else ""
        row[_frames(each.case)] = figure(each.least_ms) + by_bytes
    return Table(
        title="Cards that are not here: lower bounds, not measurements",
        note="At least so many milliseconds for an output. No card was run: these are the counts "
        "above by each card's published peak (rated boost clock, FP32 accumulation) and bandwidth "
        "(every graph's tensors through memory), whichever takes longer; *: its bandwidth.",
        heads=("card", "precision", "model", *columns),
        rows=[
            (*row, *(cells.get(column, NOTHING) for column in columns))
            for row, cells in found.items()
        ],
        words=3,
    )


def _frames(case: Case) -> str:
    return f"{size_of(case)}, {case.exposures}E"


def _skipped(result: Result) -> Table:
    rows = list(result.skipped.items())
    return Table(title="Not timed", note="", heads=("what", "why"), rows=rows, words=2)


def _cells(case: Case) -> tuple[str, ...]:
    return (size_of(case), str(case.exposures), model_of(case) or NOTHING, case.subject)
