"""Graphs put together from others, by the contract's names.

Tracing them as a whole would take minutes, and could come out different.
"""

from __future__ import annotations

import onnx


def compose_flow(one_way: onnx.ModelProto) -> onnx.ModelProto:
    """`film_flow` of the contract: from a to b and, with the sides changed, from b to a."""
    flow = onnx.ModelProto()
    flow.CopyFrom(one_way)
    graph, part = flow.graph, one_way.graph
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    weights = {tensor.name: f"flow.{tensor.name}" for tensor in part.initializer}
    inputs = [value.name for value in part.input]
    half = len(inputs) // 2
    swapped = dict(zip(inputs, inputs[half:] + inputs[:half], strict=True))
    back = {value.name: value.name.replace("_ab_", "_ba_") for value in part.output}
    _place(graph, part, "ab.", weights | {n: n for n in (*inputs, *back)})
    _place(graph, part, "ba.", weights | swapped | back)
    for value in part.output:
        added = graph.output.add()
        added.CopyFrom(value)
        added.name = back[value.name]
    onnx.checker.check_model(flow, full_check=True)
    return flow


def compose_film(
    extract: onnx.ModelProto, flow: onnx.ModelProto, fuse: onnx.ModelProto
) -> onnx.ModelProto:
    """`film` of the contract: extract both frames, then flow, then fuse.

    The contract's names are what joins them: pyramid_l of frame a is a_l, and so on.
    """
    pyramid = [value.name for value in extract.graph.output]
    film = onnx.ModelProto()
    film.CopyFrom(fuse)
    graph = film.graph
    del graph.node[:], graph.initializer[:], graph.value_info[:], graph.input[:]
    for side in ("a", "b"):
        outer = {"frame": side} | {name: name.replace("pyramid", side, 1) for name in pyramid}
        # Both sides share the weights.
        outer |= {tensor.name: f"extract.{tensor.name}" for tensor in extract.graph.initializer}
        _place(graph, extract.graph, f"{side}.", outer)
        frame = graph.input.add()
        frame.CopyFrom(extract.graph.input[0])
        frame.name = side
    for prefix, part in (("flow.", flow.graph), ("fuse.", fuse.graph)):
        _place(graph, part, prefix, {v.name: v.name for v in (*part.input, *part.output)})
    known = {name for node in graph.node for name in node.output} | {"a", "b"}
    graph.input.extend(value for value in fuse.graph.input if value.name not in known)
    for source in (extract, flow):
        imported = {opset.domain for opset in film.opset_import}
        film.opset_import.extend(o for o in source.opset_import if o.domain not in imported)
    onnx.checker.check_model(film, full_check=True)
    return film


def _place(
    graph: onnx.GraphProto, part: onnx.GraphProto, prefix: str, outer: dict[str, str]
) -> None:
    """Add a part's nodes and weights; names that are not `outer` ones get the prefix."""

    def rename(name: str) -> str:
        return outer.get(name, prefix + name) if name else ""

    present = {tensor.name for tensor in graph.initializer}
    for tensor in part.initializer:
        if rename(tensor.name) not in present:
            added = graph.initializer.add()
            added.CopyFrom(tensor)
            added.name = rename(tensor.name)
    for node in part.node:
        placed = graph.node.add()
        placed.CopyFrom(node)
        placed.name = prefix + node.name if node.name else ""
        placed.input[:] = [rename(name) for name in node.input]
        placed.output[:] = [rename(name) for name in node.output]
