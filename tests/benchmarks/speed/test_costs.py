"""Costs and bounds of the cases of a run, against the counts themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lrhdr.contract import EXTRACT, PRECISIONS
from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.speed import costs as module
from lrhdr_benchmarks.speed.cards import CARDS
from lrhdr_benchmarks.speed.costs import Costs
from lrhdr_benchmarks.speed.counts import stream_counts
from lrhdr_benchmarks.speed.roofline import runs_per_output
from lrhdr_engines.backends.protocol import JOINED
from lrhdr_engines.bundle import Bundle
from tests.benchmarks.speed.results import CEILINGS, case

SMALL = (128, 64)


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("subject", ["onnxruntime fp32", "pytorch eager"])
def test_graphs_are_counted_for_all_their_runs(subject: str, exposures: int) -> None:
    counted = stream_counts(Bundle.open("lite", exposures), *SMALL, "fp32")
    runs = runs_per_output(exposures)
    found = Costs().of(case(subject, SMALL, exposures), {"lrhdr": 50.0}, CEILINGS)
    assert found.keys() == counted.keys()
    for name, cost in found.items():
        assert cost.runs == runs[name]
        assert cost.gflop == pytest.approx(runs[name] * counted[name].operations / 1e9)
    speed = found["lrhdr"].gflop / 0.05
    assert found["lrhdr"].of_compute == pytest.approx(speed / CEILINGS.gflops)
    assert found["film_flow"].milliseconds is None


@pytest.mark.parametrize("exposures", [2, 3])
def test_a_joined_graph_does_all_that_its_parts_do_and_reads_less(exposures: int) -> None:
    made = Costs()
    parts = made.of(case("openvino fp32", SMALL, exposures), {}, CEILINGS)
    times = {EXTRACT: 10.0, JOINED: 500.0}
    found = made.of(case("openvino fp32", SMALL, exposures), times, CEILINGS)
    assert list(found) == [EXTRACT, JOINED]
    assert found[EXTRACT].gflop == parts.pop(EXTRACT).gflop
    assert found[JOINED].runs == 1
    assert found[JOINED].gflop == pytest.approx(sum(part.gflop for part in parts.values()))
    # Interpolated frames are written, and not read again; nor is a flow, of half the sides.
    plane = 4e-6 * SMALL[0] * SMALL[1]
    saved = sum(part.megabytes for part in parts.values()) - found[JOINED].megabytes
    assert saved == pytest.approx(3 * plane * (exposures - 1) + 4 * plane / 4)


def test_fp16_moves_fewer_bytes() -> None:
    made = Costs()
    full = made.of(case("onnxruntime fp32", SMALL), {}, CEILINGS)
    half = made.of(case("onnxruntime fp16", SMALL), {}, CEILINGS)
    assert half["lrhdr"].megabytes < full["lrhdr"].megabytes
    assert half["lrhdr"].gflop == full["lrhdr"].gflop


def test_bounds_are_of_every_card_at_both_precisions() -> None:
    found = Costs().bounds(case("pytorch eager", SMALL))
    assert [(b.card, b.precision) for b in found] == [
        (card.name, precision) for precision in PRECISIONS for card in CARDS
    ]
    assert {bound.case for bound in found} == {replace(case("", SMALL), subject="")}


@pytest.mark.parametrize("model", ["", "paper"])
def test_what_has_no_graphs_has_no_costs(model: str) -> None:
    made = Costs()
    without = replace(case("pytorch eager", SMALL), model=model)
    assert made.of(without, {}, CEILINGS) == {}
    assert made.bounds(without) == []
    assert made.skipped == {}


def test_without_onnx_the_reason_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, extra: str) -> None:
        raise LrhdrError(f"the package {name} is not installed")

    monkeypatch.setattr(module, "need", missing)
    made = Costs()
    assert made.of(case("onnxruntime fp32", SMALL), {}, CEILINGS) == {}
    assert made.skipped == {
        "operations and bytes of lite, fp32": "the package onnx is not installed."
    }


def test_a_graph_is_counted_once_at_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    real = Bundle.open

    def noted(model: str, exposures: int) -> Bundle:
        opened.append(exposures)
        return real(model, exposures)

    monkeypatch.setattr(Bundle, "open", noted)
    made = Costs()
    for subject in ("onnxruntime fp32", "openvino fp32", "pytorch eager"):
        made.of(case(subject, SMALL), {}, CEILINGS)
    assert opened == [2]
