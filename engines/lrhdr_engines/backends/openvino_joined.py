"""A window's new flow, its interpolations and its fusion as one graph in OpenVINO.

OpenVINO plans the memory of a graph as a whole, and each graph holds what it needs at its widest,
and its inputs once more: at 3840x2160 some 4 GB for `film_fuse` and 5 GB for `lrhdr`. One graph
holds hardly more than the larger. It computes the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrhdr_engines.backends.protocol import numbered

if TYPE_CHECKING:
    import openvino

_WIDE = 24  # channels
_PLACE = ("strides", "pads_begin", "pads_end", "dilations")


def join(
    flow: openvino.Model, films: Sequence[openvino.Model], fusion: openvino.Model
) -> openvino.Model:
    """One graph of a window. The models are used up.

    Args:
        flow: `film_flow`.
        films: `film_fuse` for each interpolated frame.
        fusion: `lrhdr`.

    Returns:
        the graph with the inputs and outputs of `Backend.join`.
    """
    import openvino

    _part(fusion)
    _spread_no_constants(fusion)
    inputs, results = _inputs(fusion), fusion.get_results()
    middle = len(films)  # of 2 I + 1 frames
    for k, film in enumerate(films):
        own = _inputs(film)
        if "reference" in own:
            own.pop("reference").output(0).replace(inputs[f"frame_{middle}"].output(0))
        if film is films[-1]:
            for name, result in _outputs(flow).items():
                own.pop(name).output(0).replace(result.input_value(0))
                results.append(_renamed(result, numbered(k, name)))
            for name, parameter in _inputs(flow).items():
                if name in own:
                    parameter.output(0).replace(own[name].output(0))
                else:
                    own[name] = parameter
        name = f"interpolated_{k}"
        (made,) = _outputs(film).values()
        inputs.pop(name).output(0).replace(made.input_value(0))
        results.append(_renamed(made, name))
        inputs |= {
            numbered(k, name): _renamed(parameter, numbered(k, name))
            for name, parameter in own.items()
        }
    return openvino.Model(results, list(inputs.values()), "window")


def _inputs(model: openvino.Model) -> dict[str, openvino.Node]:
    return {node.output(0).get_any_name(): node for node in model.get_parameters()}


def _outputs(model: openvino.Model) -> dict[str, openvino.Node]:
    return {node.output(0).get_any_name(): node for node in model.get_results()}


def _renamed(node: openvino.Node, name: str) -> openvino.Node:
    node.output(0).get_tensor().set_names({name})
    node.set_friendly_name(name)
    return node


def _spread_no_constants(model: openvino.Model) -> None:
    """Add a constant as it is, where it would be written to a plane of the frame's size first."""
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Broadcast":
            continue
        constant, readers = node.input_value(0), node.output(0).get_target_inputs()
        one = constant.get_node().get_type_name() == "Constant" and not constant.get_shape()
        if one and {reader.get_node().get_type_name() for reader in readers} == {"Add"}:
            node.output(0).replace(constant)


def _part(model: openvino.Model) -> None:
    """Replace a convolution of a wide concatenation by the sum of those of its halves.

    The concatenation, or its copy in the convolution's layout, would be the widest tensor of all.
    It takes no longer without.
    """
    from openvino import opset1

    for node in model.get_ordered_ops():
        if node.get_type_name() != "Convolution":
            continue
        joined, weights = (node.input_value(i).get_node() for i in range(2))
        if (joined.get_type_name(), weights.get_type_name()) != ("Concat", "Constant"):
            continue
        parts = joined.input_values()
        ends = np.cumsum([part.get_partial_shape()[1].get_length() for part in parts])
        if ends[-1] < _WIDE:
            continue
        half = int(np.abs(ends[:-1] - ends[-1] / 2).argmin()) + 1
        place = {key: node.get_attributes()[key] for key in _PLACE}
        first, second = (
            opset1.convolution(
                opset1.concat(group, 1), opset1.constant(np.ascontiguousarray(kernel)), **place
            )
            for group, kernel in (
                (parts[:half], weights.get_data()[:, : ends[half - 1]]),
                (parts[half:], weights.get_data()[:, ends[half - 1] :]),
            )
        )
        node.output(0).replace(opset1.add(first, second).output(0))
