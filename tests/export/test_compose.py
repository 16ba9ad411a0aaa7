"""Graphs small enough to work out by hand, joined by the contract's names."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from lrhdr_export.compose import compose_film, compose_flow

HEAD = '<ir_version: 10, opset_import: ["" : 20]>'


def model(text: str, **weights: float) -> onnx.ModelProto:
    parsed = onnx.parser.parse_model(HEAD + text)
    for name, value in weights.items():
        parsed.graph.initializer.append(
            numpy_helper.from_array(np.array([value], np.float32), name)
        )
    return parsed


@pytest.fixture
def extract() -> onnx.ModelProto:
    return model(
        "extract (float[1] frame) => (float[1] pyramid_0) { pyramid_0 = Mul (frame, w) }", w=3.0
    )


@pytest.fixture
def one_way() -> onnx.ModelProto:
    return model(
        """one_way (float[1] a_0, float[1] b_0) => (float[1] flow_ab_0) {
            t = Mul (b_0, w)
            flow_ab_0 = Sub (a_0, t)
        }""",
        w=10.0,
    )


@pytest.fixture
def fuse() -> onnx.ModelProto:
    return model(
        """fuse (float[1] a_0, float[1] b_0, float[1] flow_ab_0, float[1] flow_ba_0,
                float[1] time) => (float[1] interpolated) {
            t = Mul (flow_ab_0, time)
            s = Add (t, flow_ba_0)
            u = Mul (s, w)
            v = Add (u, a_0)
            interpolated = Add (v, b_0)
        }""",
        w=100.0,
    )


def run(graph: onnx.ModelProto, **feeds: float) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found = session.run(
        None, {name: np.array([value], np.float32) for name, value in feeds.items()}
    )
    return [np.asarray(value) for value in found]


def test_flow_goes_both_ways(one_way: onnx.ModelProto) -> None:
    flow = compose_flow(one_way)
    assert [v.name for v in flow.graph.input] == ["a_0", "b_0"]
    assert [v.name for v in flow.graph.output] == ["flow_ab_0", "flow_ba_0"]
    assert run(flow, a_0=1.0, b_0=2.0) == [1.0 - 20.0, 2.0 - 10.0]
    assert len(flow.graph.initializer) == 1


def test_the_film_is_all_three(
    extract: onnx.ModelProto, one_way: onnx.ModelProto, fuse: onnx.ModelProto
) -> None:
    before = [part.SerializeToString() for part in (extract, one_way, fuse)]
    film = compose_film(extract, compose_flow(one_way), fuse)
    assert [v.name for v in film.graph.input] == ["a", "b", "time"]
    a, b = 3.0 * 1.0, 3.0 * 2.0
    expected = 100.0 * ((a - 10.0 * b) * 0.5 + (b - 10.0 * a)) + a + b
    assert run(film, a=1.0, b=2.0, time=0.5) == [expected]
    # Every weight once, although both sides use them: w has another value in each part.
    assert sorted(float(numpy_helper.to_array(t)[0]) for t in film.graph.initializer) == [
        3.0,
        10.0,
        100.0,
    ]
    names = [name for node in film.graph.node for name in node.output]
    assert len(set(names)) == len(names)
    assert [part.SerializeToString() for part in (extract, one_way, fuse)] == before
