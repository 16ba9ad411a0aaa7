from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, inliner

from lrhdr.contract import PLUGIN_DOMAIN, WINDOWS
from lrhdr_engines.plugin.sources import source_folder
from lrhdr_engines.plugin.traffic import (
    ROUGH_STEPS,
    Operator,
    bytes_per_pixel,
    entmax_plugin,
    fusion_plugin,
    plain_entmax,
    plain_weighting,
    table,
)
from lrhdr_export.entmax_node import entmax_function, steps_for
from lrhdr_export.fusion_node import fusion_function
from lrhdr_export.onnx_export import OPSET

ALPHA = 1.75
SIZE = 8  # H and W: no other size of the graphs, so that planes can be told from vectors
WINDOW_IDS = [f"{exposures}E" for exposures in WINDOWS]


def inputs_of(function: onnx.FunctionProto, images: int) -> list[onnx.ValueInfoProto]:
    shapes = {"logits": [1, len(function.input) - 2 if images else 0, SIZE, SIZE]}
    shapes |= {"exposures": [images]}
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes.get(name, [1, 3, SIZE, SIZE]))
        for name in function.input
    ]


def operators_of(model: onnx.ModelProto) -> list[Operator]:
    """Every node of a graph that touches planes, from the shapes of a run."""
    inlined = inliner.inline_local_functions(model)
    graph = inlined.graph
    known = {output.name for output in graph.output}
    names = [name for node in graph.node for name in node.output]
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    session = onnxruntime.InferenceSession(inlined.SerializeToString())
    rng = np.random.default_rng(0)
    tensors = {
        value.name: rng.random(
            [dim.dim_value for dim in value.type.tensor_type.shape.dim], np.float32
        )
        for value in graph.input
    }
    outputs = [value.name for value in graph.output]
    tensors |= dict(zip(outputs, session.run(outputs, tensors), strict=True))
    planes = {
        name: tensor.shape[1]
        for name, tensor in tensors.items()
        if tensor.shape[2:] == (SIZE, SIZE)
    }
    found = []
    for node in graph.node:
        reads = tuple(planes[name] for name in node.input if name in planes)
        writes = tuple(planes[name] for name in node.output if name in planes)
        if reads or writes:
            found.append(Operator(node.op_type, reads, writes))
    return found


def model_of(
    node: onnx.NodeProto,
    inputs: list[onnx.ValueInfoProto],
    channels: int,
    functions: list[onnx.FunctionProto],
) -> onnx.ModelProto:
    output = helper.make_tensor_value_info(
        node.output[0], TensorProto.FLOAT, [1, channels, SIZE, SIZE]
    )
    return helper.make_model(
        helper.make_graph([node], "body", inputs, [output]),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(PLUGIN_DOMAIN, 1)],
        functions=functions,
        ir_version=10,
    )


def node_of(function: onnx.FunctionProto, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(
        function.name,
        list(function.input),
        list(function.output),
        domain=PLUGIN_DOMAIN,
        alpha=ALPHA,
        plugin_namespace=PLUGIN_DOMAIN,
        plugin_version="1",
        **attributes,
    )


@pytest.mark.parametrize("candidates", [2, 6, 10])
def test_the_plain_entmax_is_the_body_that_is_exported(candidates: int) -> None:
    assert steps_for(ALPHA) == (ROUGH_STEPS, 1)
    function = entmax_function(ALPHA, candidates, OPSET)
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, candidates, SIZE, SIZE])
    model = model_of(node_of(function, axis=1), [logits], candidates, [function])
    found = operators_of(model)
    assert sorted(map(repr, found)) == sorted(map(repr, plain_entmax(candidates)))


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOW_IDS)
def test_the_plain_fusion_is_the_body_that_is_exported(window: object) -> None:
    images, n = counts(window)
    function = fusion_function(images, n - images, OPSET)
    functions = [entmax_function(ALPHA, n, OPSET), function]
    model = model_of(node_of(function, images=images), inputs_of(function, images), 3, functions)
    plain = plain_entmax(n) + plain_weighting(images, n - images)
    found = operators_of(model)
    assert sorted(map(repr, found)) == sorted(map(repr, plain))
    assert bytes_per_pixel(found) == bytes_per_pixel(plain)


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOW_IDS)
def test_the_plugins_cost_the_ideal(window: object) -> None:
    images, n = counts(window)
    # logits and N candidates of three channels in; hdr out: nothing more would do.
    assert bytes_per_pixel(fusion_plugin(n)) == 4 * (n + 3 * n + 3)
    assert bytes_per_pixel(entmax_plugin(n), itemsize=2) == 2 * (n + n)
    plain = plain_entmax(n) + plain_weighting(images, n - images)
    assert bytes_per_pixel(plain) > 10 * bytes_per_pixel(fusion_plugin(n))


def test_the_readme_shows_the_table() -> None:
    readme = (source_folder() / "README.md").read_text(encoding="utf-8")
    assert len(table()) == 2 + 3 * len(WINDOWS)
    assert "\n".join(table()) in readme


def counts(window: object) -> tuple[int, int]:
    """K and N of a window."""
    assert isinstance(window, type(WINDOWS[2]))
    return window.frames + len(window.interpolations), window.candidates
