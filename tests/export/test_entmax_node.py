from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from onnx import TensorProto, helper

from lrhdr.contract import LRHDR, LRHDR_MASKS
from lrhdr.model.entmax import entmax
from lrhdr_export.entmax_node import entmax_function, steps_for
from lrhdr_export.onnx_export import OPSET

ALPHAS = (1.25, 1.5, 1.75, 2.0)
# FP32 sums of up to 16 candidates; alpha = 1.25 raises u to the fourth, which costs nothing.
TOLERANCE = 2e-6


def one_node(alpha: float, candidates: int) -> onnx.ModelProto:
    node = helper.make_node(
        "Entmax",
        ["logits"],
        ["masks"],
        domain="lrhdr",
        alpha=alpha,
        axis=1,
        plugin_namespace="lrhdr",
        plugin_version="1",
    )
    shape: list[str | int | None] = [1, candidates, "H", "W"]
    graph = helper.make_graph(
        [node],
        "entmax",
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("masks", TensorProto.FLOAT, shape)],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("lrhdr", 1)],
        functions=[entmax_function(alpha, candidates, OPSET)],
        ir_version=10,
    )


def run(alpha: float, logits: NDArray[np.float32]) -> NDArray[np.float32]:
    model = one_node(alpha, logits.shape[1])
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (masks,) = session.run(None, {"logits": logits})
    return np.asarray(masks)


def exact(alpha: float, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(entmax(torch.from_numpy(logits).double(), alpha))


@pytest.mark.parametrize("candidates", range(1, 17))
@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_body_is_entmax(alpha: float, candidates: int) -> None:
    rng = np.random.default_rng(candidates)
    spread = np.logspace(-2, 1.5, 8)[:, None]  # from nearly uniform to nearly one-hot
    logits = (rng.normal(size=(1, candidates, 8, 50)) * spread).astype(np.float32)
    found = run(alpha, logits)
    np.testing.assert_allclose(found, exact(alpha, logits), atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=TOLERANCE)
    assert found.min() >= 0.0


@pytest.mark.parametrize("alpha", ALPHAS)
def test_ties_share_equally(alpha: float) -> None:
    logits = np.zeros((1, 6, 1, 3), np.float32)
    logits[0, 2:, 0, 1] = -50.0  # two equal leaders
    logits[0, :, 0, 2] = 7.0
    found = run(alpha, logits)[0, :, 0]
    np.testing.assert_allclose(found[:, [0, 2]], 1 / 6, atol=TOLERANCE)
    np.testing.assert_allclose(found[:2, 1], 0.5, atol=TOLERANCE)
    assert (found[2:, 1] == 0.0).all()


@pytest.mark.parametrize("size", [1e3, 1e8, 1e30])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_huge_logits_give_one_hot_and_never_nan(alpha: float, size: float) -> None:
    logits = np.array([-1.0, 1.0, 0.5, 0.0], np.float32).reshape(1, 4, 1, 1) * np.float32(size)
    found = run(alpha, logits).ravel()
    np.testing.assert_allclose(found, [0.0, 1.0, 0.0, 0.0], atol=TOLERANCE)
    assert (found[[0, 2, 3]] == 0.0).all()


@pytest.mark.parametrize("alpha", [1.5, 1.75, 2.0])
def test_zeros_are_exact_where_the_reference_has_them(alpha: float) -> None:
    logits = np.random.default_rng(0).normal(size=(1, 6, 40, 40)).astype(np.float32) * 4
    found, expected = run(alpha, logits), exact(alpha, logits)
    # A candidate at the edge of the support may fall either way by a rounding.
    clear = (expected == 0.0) & (exact(alpha, logits + 1e-4 * one_up(logits)) == 0.0)
    assert clear.mean() > 0.3
    assert (found[expected == 0.0] <= TOLERANCE).all()
    assert (found == 0.0).mean() == pytest.approx((expected == 0.0).mean(), abs=1e-3)


def one_up(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 where a candidate is not the largest: raising those moves all of them inwards."""
    return np.asarray(logits < logits.max(axis=1, keepdims=True), np.float32)


def test_wrong_alpha_would_be_seen() -> None:
    logits = np.random.default_rng(1).normal(size=(1, 6, 10, 10)).astype(np.float32)
    assert np.abs(run(1.5, logits) - exact(1.75, logits)).max() > 1e-2


@pytest.mark.parametrize("alpha", [1.5, 1.6, 1.75, 1.9])
def test_few_powers_are_taken(alpha: float) -> None:
    rough, exact_steps = steps_for(alpha)
    operators = Counter(node.op_type for node in entmax_function(alpha, 6, OPSET).node)
    assert (rough, exact_steps) == (3, 1)
    # One a candidate in the exact step and in the last, and at most one of each exact step's sum.
    assert operators["Pow"] <= 2 * 6 + 1
    assert operators["Div"] == rough + exact_steps + 1


@pytest.mark.parametrize("alpha", [1.01, 1.25, 1.49, 1.91, 2.0])
def test_elsewhere_powers_are_exact(alpha: float) -> None:
    operators = Counter(node.op_type for node in entmax_function(alpha, 6, OPSET).node)
    assert steps_for(alpha) == (0, 5)
    assert operators["Div"] == 6


@settings(deadline=None, max_examples=60)
@given(
    logits=arrays(np.float32, (1, 10, 4, 4), elements=st.floats(-30, 30, width=32)),
    alpha=st.sampled_from([1.01, 1.2, 1.5, 1.62, 1.75, 1.9, 1.95, 2.0]),
)
def test_any_logits(logits: NDArray[np.float32], alpha: float) -> None:
    np.testing.assert_allclose(run(alpha, logits), exact(alpha, logits), atol=TOLERANCE, rtol=0)


FUSION = {"alpha": 1.75, "images": None}
ENTMAX = {"alpha": 1.75, "axis": 1}


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize(
    ("graph", "operators"),
    [(LRHDR, {"EntmaxFusion": FUSION}), (LRHDR_MASKS, {"EntmaxFusion": FUSION, "Entmax": ENTMAX})],
)
def test_the_exported_nodes(
    exported: Any, graph: str, precision: str, exposures: int, operators: dict[str, dict[str, Any]]
) -> None:
    model = onnx.load(exported.folders[exposures] / f"{graph}.{precision}.onnx")
    onnx.checker.check_model(model, full_check=True)
    nodes = {n.op_type: n for n in model.graph.node if n.domain == "lrhdr"}
    assert set(nodes) == set(operators)
    for name, expected in operators.items():
        found = {a.name: helper.get_attribute_value(a) for a in nodes[name].attribute}
        if name == "EntmaxFusion":
            expected = expected | {"images": {2: 4, 3: 7}[exposures]}
            assert len(nodes[name].input) == 2 + {2: 6, 3: 10}[exposures]
        assert found == expected | {"plugin_namespace": b"lrhdr", "plugin_version": b"1"}
    # The body of EntmaxFusion holds an Entmax too.
    assert {f.name for f in model.functions if f.domain == "lrhdr"} == {"Entmax", "EntmaxFusion"}
    assert [(o.domain, o.version) for o in model.opset_import if o.domain == "lrhdr"] == [
        ("lrhdr", 1)
    ]
