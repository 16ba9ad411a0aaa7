"""Tables of a result, against its own numbers."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr_benchmarks.speed.record import Ratio, Result
from lrhdr_benchmarks.speed.tables import NO_CLAIM, tables
from lrhdr_benchmarks.speed.words import Table, figure, markdown, model_of, name_of
from tests.benchmarks.speed.results import CEILINGS, SUBJECTS, case, result, row


def called(title: str, of: Result | None = None) -> Table:
    """The table whose title begins so."""
    (found,) = (t for t in tables(of or result()) if t.title.startswith(title))
    return found


def cells(table: Table, *row: str) -> dict[str, str]:
    """The one row that begins so, by the heads."""
    (found,) = (each for each in table.rows if each[: len(row)] == row)
    return dict(zip(table.heads, found, strict=True))


def test_latency_is_that_of_every_case() -> None:
    table = called("Latency")
    assert len(table.rows) == len(result().rows)
    found = cells(table, "1280x720", "2", "lite", "openvino fp32")
    # 4 times the pixels of 640x360; the 90th percentile of 5 values is 0.6 from the 4th to the 5th.
    assert found["median, ms"] == f"{4 * SUBJECTS['openvino fp32']:.0f}" == "2800"
    assert found["p90, ms"] == f"{2800 * (1.1 + 0.6 * 0.2):.0f}"
    assert found["fps"] == "0.357"
    assert found["outputs"] == "5"
    merge = cells(table, "640x360", "3", "-", "merge dis")
    assert (merge["median, ms"], merge["whole, null, fps"]) == ("90.0", "-")


def test_memory_start_and_error() -> None:
    found = cells(called("Start"), "640x360", "3", "lite", "onnxruntime fp32")
    assert found["frames ahead"] == "2"
    assert found["memory, MB"] == "450"
    assert found["load, s"] == "0.400"
    assert float(found["error, greatest"]) == 1.5e-5
    # Nothing was built and there is no GPU: these columns say nothing and are not there.
    assert not {"build, s", "GPU memory, MB"} & found.keys()


def test_stages_are_medians() -> None:
    table = called("Stages")
    found = cells(table, "640x360", "2", "lite", "onnxruntime fp32")
    assert found["extract"] == f"{0.18 * SUBJECTS['onnxruntime fp32']:.0f}"
    assert not [each for each in table.rows if "merge dis" in each]


def test_graphs_show_their_share_of_the_ceilings() -> None:
    found = cells(called("Graphs"), "640x360", "2", "lite", "onnxruntime fp32", "lrhdr")
    rate = 20.0 / 0.315  # GFLOP in the seconds that it takes
    assert found["GFLOP/s"] == f"{rate:.1f}"
    assert found["of matrix product"] == f"{rate / CEILINGS.gflops:.1%}"
    assert found["of copy"] == f"{3.0 / 0.315 / CEILINGS.copy_gb_s:.1%}"
    assert found["limit"] == "memory"


def test_a_graph_that_was_not_timed_has_no_share() -> None:
    timed = row(case())
    untimed = {
        name: replace(cost, milliseconds=None, of_compute=None, of_copy=None)
        for name, cost in timed.graphs.items()
    }
    table = called("Graphs", replace(result(), rows=[replace(timed, graphs=untimed)]))
    assert not {"ms", "GFLOP/s", "of copy"} & set(table.heads)
    assert "GFLOP" in table.heads


@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_no_ratio_is_claimed_inside_the_noise(a: float, b: float, c: float) -> None:
    low, middle, high = sorted((a, b, c))
    ratio = Ratio(slow=case(), fast=case("merge dis"), ratio=middle, low=low, high=high, pairs=6)
    table = called("Ratios", replace(result(), ratios=[ratio]))
    (found,) = (dict(zip(table.heads, each, strict=True)) for each in table.rows)
    inside = low <= 1.0 <= high
    assert (found["finding"] == NO_CLAIM) == inside
    assert ("times as long" in found["finding"]) != inside
    assert found["low"] == figure(low)


@pytest.mark.parametrize("pairs", range(1, 12))
def test_no_ratio_is_claimed_of_too_few_pairs(pairs: int) -> None:
    ratio = replace(result().ratios[0], pairs=pairs)
    (row,) = called("Ratios", replace(result(), ratios=[ratio])).rows
    # The chance that all pairs lie on one side of the true median, by counting them.
    one_side = sum(sum(sides) in (0, pairs) for sides in product((0, 1), repeat=pairs)) / 2**pairs
    assert any("times as long" in cell for cell in row) == (one_side <= 0.05)


def test_bounds_say_that_they_are_no_measurements() -> None:
    table = called("Cards")
    assert "lower bounds, not measurements" in table.title
    assert cells(table, "RTX 0000", "fp16", "lite")["640x360, 2E"] == "0.500 *"
    (bound,) = result().bounds
    by_operations = replace(bound, compute_ms=0.75)
    others = [by_operations, replace(bound, case=case(size=(1280, 720), ne=3), compute_ms=4.0)]
    found = cells(called("Cards", replace(result(), bounds=others)), "RTX 0000")
    assert (found["640x360, 2E"], found["1280x720, 3E"]) == ("0.750", "4.00")


def test_machine_settings_and_what_was_left_out() -> None:
    machine = {row[0]: row[1] for row in called("Machine").rows}
    assert machine["processor"] == "A & B <C>"
    assert machine["rounds"] == "12"
    assert machine["noise"].startswith("4.0%")
    assert machine["matrix product, float32"].startswith("100 GFLOP/s")
    assert called("Not timed").rows == [("hdrflow eager", "no clone was given")]


def test_a_result_without_rows_has_its_machine_alone() -> None:
    empty = Result(date="d", command="c", machine={}, settings={}, ceilings=CEILINGS)
    assert [table.title for table in tables(empty)] == ["Machine and settings"]


@given(st.lists(st.text("ab|\\\n`", max_size=6), min_size=2, max_size=2))
def test_markdown_rows_keep_their_cells(words: list[str]) -> None:
    table = Table(title="t", note="", heads=("a", "b"), rows=[(words[0], words[1])], words=2)
    last = markdown("all", [table]).rstrip("\n").splitlines()[-1]
    bare = last.replace("\\\\", "").replace("\\|", "")
    assert bare.count("|") == 3


def test_markdown_tables_are_whole() -> None:
    text = markdown("lrhdr-bench", tables(result()))
    assert text.startswith("# lrhdr-bench\n")
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        bars = {line.replace("\\|", "").count("|") for line in lines}
        assert len(bars) <= 1
    assert "| none \\| as the system likes |" in text
    assert "---: |" in text


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (None, 3, "-"),
        (0.0, 3, "0.00"),
        (0.01234, 3, "0.0123"),
        (12.0, 3, "12.0"),
        (999.4, 3, "999"),
        (999.6, 3, "1000"),
        (123456.7, 3, "123457"),
        (0.000015, 2, "1.5e-05"),
    ],
)
def test_figures_have_so_many_digits(value: float | None, digits: int, shown: str) -> None:
    assert figure(value, digits) == shown


def test_a_line_has_the_model_by_its_last_name() -> None:
    here = replace(case(), model="models/mine-2e")
    assert model_of(here) == "mine-2e"
    assert name_of(here) == "onnxruntime fp32, mine-2e"
    assert name_of(case("merge dis")) == "merge dis"
