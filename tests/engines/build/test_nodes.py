from __future__ import annotations

import contextlib

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from lrhdr.contract import LRHDR, LRHDR_MASKS, PLUGIN_DOMAIN, PRECISIONS, WINDOWS
from lrhdr.errors import BundleError
from lrhdr_engines.build.nodes import operators
from lrhdr_engines.bundle import Bundle

names = st.sampled_from(["Entmax", "EntmaxFusion", "Relu"])
domains = st.sampled_from(["", PLUGIN_DOMAIN, "other"])


@given(nodes=st.lists(st.tuples(names, domains), max_size=6))
def test_nodes_of_a_domain_in_order(nodes: list[tuple[str, str]]) -> None:
    made = [helper.make_node(name, ["x"], ["y"], domain=domain) for name, domain in nodes]
    model = helper.make_model(helper.make_graph(made, "g", [], []), producer_name="a" * 300)
    wanted = [name for name, domain in nodes if domain == PLUGIN_DOMAIN]
    assert operators(model.SerializeToString(), PLUGIN_DOMAIN) == wanted


@pytest.mark.parametrize("exposures", WINDOWS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_as_the_package_onnx_says(exposures: int, precision: str) -> None:
    bundle = Bundle.open("lite", exposures)
    for graph in bundle.manifest.graphs:
        file = bundle.graph(graph, precision)  # type: ignore[arg-type]
        found = operators(file.read_bytes(), PLUGIN_DOMAIN)
        nodes = onnx.load(str(file)).graph.node
        assert found == [node.op_type for node in nodes if node.domain == PLUGIN_DOMAIN]
        assert bool(found) == (graph in (LRHDR, LRHDR_MASKS))


@given(content=st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(BundleError):
        assert isinstance(operators(content, PLUGIN_DOMAIN), list)


def test_a_model_that_ends_early_is_refused() -> None:
    model = Bundle.open("lite", 2).graph(LRHDR, "fp16").read_bytes()
    with pytest.raises(BundleError, match="is no ONNX model"):
        operators(model[:-1], PLUGIN_DOMAIN)
