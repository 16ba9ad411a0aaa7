"""The table against what NVIDIA prints, and bounds by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.contract import PRECISIONS, Precision
from lrhdr_benchmarks.speed.cards import CARDS, bounds
from lrhdr_benchmarks.speed.counts import Counts, stream_counts
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.roofline import runs_per_output
from lrhdr_engines.bundle import Bundle

# Peak FP16 tensor TFLOPS with FP32 accumulation (dense) and peak FP32 TFLOPS (non-tensor), as the
# appendices of the white papers print them.
# Published: FP16 on tensor cores, where it was found, and FP32.
PRINTED: dict[str, tuple[float | None, float]] = {
    "RTX 2080 Ti": (56.9, 14.2),
    "RTX 3090": (71.0, 35.6),
    "RTX 4080": (None, 48.7),
    "RTX 4090": (165.2, 82.6),
    "RTX 5070": (61.7, 30.9),
    "RTX 5080": (None, 56.3),
    "RTX 5090": (None, 104.8),
}
CASE = Case(subject="a bound", model="lite", exposures=3, width=640, height=360)


@pytest.mark.parametrize("name", PRINTED)
def test_peaks_are_those_that_are_printed(name: str) -> None:
    card = next(card for card in CARDS if card.name == name)
    tensor, plain = PRINTED[name]
    if tensor is not None:
        assert card.tflops("fp16") == pytest.approx(tensor, rel=0.003)
    assert card.tflops("fp32") == pytest.approx(plain, rel=0.003)


def test_every_card_is_there_once() -> None:
    names = [card.name for card in CARDS]
    assert len(set(names)) == len(names)
    assert set(PRINTED) <= set(names)


@given(
    st.dictionaries(
        st.sampled_from(sorted(runs_per_output(3))),
        st.tuples(*[st.integers(0, 10**12)] * 4),
        min_size=1,
    ),
    st.sampled_from(PRECISIONS),
)
def test_a_bound_is_work_over_the_cards_peak(
    graphs: dict[str, tuple[int, int, int, int]], precision: Precision
) -> None:
    fields = ("operations", "parameter_bytes", "input_bytes", "output_bytes")
    counts = {name: Counts(**dict(zip(fields, each, strict=True))) for name, each in graphs.items()}
    operations = sum(each[0] for each in graphs.values())
    moved = sum(sum(each[1:]) for each in graphs.values())
    if "film_fuse" in graphs:  # twice in 3E
        operations += graphs["film_fuse"][0]
        moved += sum(graphs["film_fuse"][1:])
    found = bounds(CASE, counts, precision)
    assert [bound.card for bound in found] == [card.name for card in CARDS]
    for bound, card in zip(found, CARDS, strict=True):
        assert (bound.case, bound.precision) == (CASE, precision)
        assert bound.compute_ms == pytest.approx(operations / card.tflops(precision) / 1e9)
        assert bound.memory_ms == pytest.approx(moved / card.memory_gb_s / 1e6)


def test_fp16_is_never_bound_to_be_slower() -> None:
    bundle = Bundle.open("lite", CASE.exposures)
    single, half = (
        bounds(CASE, stream_counts(bundle, CASE.width, CASE.height, precision), precision)
        for precision in PRECISIONS
    )
    for slow, fast in zip(single, half, strict=True):
        assert 0.0 < fast.least_ms < slow.least_ms
