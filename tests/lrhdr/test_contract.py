from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.contract import (
    EXTRACT,
    FILM,
    FLOW,
    FUSE,
    LRHDR,
    LRHDR_MASKS,
    WINDOWS,
    Pyramids,
    Tensor,
    signatures,
)

EXPOSURES = pytest.mark.parametrize("exposures", [2, 3])


@st.composite
def pyramids(draw: st.DrawFn) -> Pyramids:
    levels = draw(st.integers(1, 7))
    fusion = draw(st.integers(1, levels))
    return Pyramids(
        channels=tuple(draw(st.lists(st.integers(4, 99), min_size=levels, max_size=levels))),
        fusion_levels=fusion,
        finest_flow=draw(st.integers(0, fusion - 1)),
        guided=draw(st.booleans()),
    )


PLAIN = Pyramids(channels=(11, 27, 27), fusion_levels=2, finest_flow=0, guided=False)
GUIDED = Pyramids(channels=(11, 27, 27), fusion_levels=2, finest_flow=1, guided=True)


def names(tensors: tuple[Tensor, ...]) -> list[str]:
    return [tensor.name for tensor in tensors]


@EXPOSURES
def test_a_window_is_centred_on_its_reference(exposures: int) -> None:
    window = WINDOWS[exposures]
    assert window.exposures == exposures
    assert window.frames == 2 * exposures - 1
    assert window.offsets == tuple(range(1 - exposures, exposures))
    assert window.offsets[window.reference] == 0
    assert window.candidates == len(window.candidate_names) == 4 * exposures - 2


@EXPOSURES
def test_interpolations_meet_the_reference_in_time(exposures: int) -> None:
    window = WINDOWS[exposures]
    others = set()
    for step in window.interpolations:
        a, b = window.offsets[step.a], window.offsets[step.b]
        assert a < 0 < b
        # Slots of one exposure lie a whole cycle apart.
        assert b - a == exposures
        assert a + step.time * (b - a) == pytest.approx(0.0)
        others.add(a % exposures)
    assert others == set(range(1, exposures))


def test_candidates_have_the_papers_order() -> None:
    assert WINDOWS[2].candidate_names == (
        "L(t-1)",
        "L(t)",
        "L(t+1)",
        "film",
        "accr(t)",
        "accr(film)",
    )
    assert WINDOWS[3].candidate_names == (
        "L(t-2)",
        "L(t-1)",
        "L(t)",
        "L(t+1)",
        "L(t+2)",
        "filma",
        "filmb",
        "accr(t)",
        "accr(filma)",
        "accr(filmb)",
    )


@given(p=pyramids())
def test_flows_are_handed_over_from_the_finest_level(p: Pyramids) -> None:
    levels = list(p.flow_levels)
    assert levels[0] == p.finest_flow
    assert levels == ([p.finest_flow] if p.guided else list(range(p.finest_flow, p.fusion_levels)))


@given(p=pyramids(), exposures=st.sampled_from([2, 3]))
def test_graphs_fit_together(p: Pyramids, exposures: int) -> None:
    graphs = signatures(exposures, p)
    assert list(graphs) == [EXTRACT, FLOW, FUSE, FILM, LRHDR, LRHDR_MASKS]
    pyramid = {t.name: (t.shape, t.dtype) for t in graphs[EXTRACT].outputs}
    flows = graphs[FLOW].outputs
    assert len(flows) == 2 * len(p.flow_levels)
    for graph in (FLOW, FUSE):
        for tensor in graphs[graph].inputs:
            side, _, level = tensor.name.partition("_")
            if side in ("a", "b"):
                assert pyramid[f"pyramid_{level}"] == (tensor.shape, tensor.dtype)
    fuse = graphs[FUSE].inputs
    assert [t for t in fuse if t.name.startswith("flow_")] == list(flows)
    assert [t.name for t in fuse if t.name.startswith("a_")] == [
        f"a_{level}" for level in range(p.fusion_levels)
    ]
    flow_in = names(graphs[FLOW].inputs)
    expected = [f"{side}_{i}" for side in "ab" for i in range(p.finest_flow, len(p.channels))]
    assert flow_in == expected


@given(p=pyramids(), exposures=st.sampled_from([2, 3]))
def test_tensors_are_well_formed(p: Pyramids, exposures: int) -> None:
    for signature in signatures(exposures, p).values():
        for side in (signature.inputs, signature.outputs):
            assert len(set(names(side))) == len(side)
        for tensor in (*signature.inputs, *signature.outputs):
            for axis, size in enumerate(tensor.shape):
                assert re.fullmatch(r"\d+|[HW](/\d+)?", size)
                assert size[0] not in "HW" or size[0] == {2: "H", 3: "W"}[axis]
            # Only features may be halved: an FP16 flow or radiance would be too coarse.
            features = re.fullmatch(r"(pyramid|a|b)_\d+", tensor.name)
            assert tensor.dtype == ("compute" if features else "float32")


def test_only_a_guided_interpolator_asks_for_the_reference() -> None:
    for p, extra in ((PLAIN, []), (GUIDED, ["reference", "exposures"])):
        graphs = signatures(2, p)
        assert names(graphs[FILM].inputs) == ["a", "b", "time", *extra]
        fuse = names(graphs[FUSE].inputs)
        assert fuse[fuse.index("time") :] == ["time", *extra]


@EXPOSURES
def test_the_fusion_takes_the_window_and_its_exposures(exposures: int) -> None:
    graphs, window = signatures(exposures, PLAIN), WINDOWS[exposures]
    inputs = graphs[LRHDR].inputs
    assert names(inputs) == [
        *(f"frame_{k}" for k in range(window.frames)),
        *(f"interpolated_{k}" for k in range(exposures - 1)),
        "exposures",
    ]
    assert inputs[-1].shape == (str(window.frames),)
    assert graphs[LRHDR_MASKS].inputs == inputs
    hdr, masks = graphs[LRHDR_MASKS].outputs
    assert graphs[LRHDR].outputs == (hdr,)
    assert masks.shape == ("1", str(window.candidates), "H", "W")


def test_levels_are_halved_from_the_full_size() -> None:
    assert [t.shape for t in signatures(2, PLAIN)[EXTRACT].outputs] == [
        ("1", "11", "H", "W"),
        ("1", "27", "H/2", "W/2"),
        ("1", "27", "H/4", "W/4"),
    ]


@pytest.mark.parametrize(("text", "size"), [("3", 3), ("H", 8), ("W", 12), ("H/2", 4), ("W/4", 3)])
def test_a_dimension_has_a_number(text: str, size: int) -> None:
    assert Tensor(name="t", shape=("1", text)).sized(8, 12) == (1, size)


def test_only_what_is_computed_is_halved() -> None:
    kinds = {Tensor(name="t", shape=(), dtype="float32").type_at(p) for p in ("fp32", "fp16")}
    assert kinds == {"float32"}
    computed = Tensor(name="t", shape=(), dtype="compute")
    assert (computed.type_at("fp32"), computed.type_at("fp16")) == ("float32", "float16")
