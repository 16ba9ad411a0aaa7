"""The graphs of a network as ONNX models.

Tracing takes most of an export's minutes, so nothing is traced twice: `film_flow` and `film` are
put together from what was traced, and `lrhdr` is `lrhdr_masks` without the masks.

FP16 graphs hold half-precision weights; grids, Gamma, entmax and the weighted sum stay FP32 inside.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import onnx
import onnx.utils
import torch
from torch.export import Dim

from lrhdr.contract import EXTRACT, FILM, FLOW, FUSE, LRHDR, LRHDR_MASKS, Precision, Signature
from lrhdr.model.network import Network
from lrhdr_export.compose import compose_film, compose_flow
from lrhdr_export.entmax_node import entmax_function
from lrhdr_export.fusion_node import fusion_function
from lrhdr_export.graphs import (
    ONE_WAY,
    build_graph,
    example_inputs,
    network_signatures,
    place_nodes,
)

OPSET = 20
_EXAMPLE_CELLS = (3, 4)  # example size in multiples; different, so that H and W never merge

Graphs = Iterator[tuple[str, onnx.ModelProto]]


def export_interpolator(network: Network, precision: Precision) -> Graphs:
    """`film_extract`, `film_flow`, `film_fuse` and `film`, one after the other."""
    extract = trace(network, EXTRACT, precision)
    yield EXTRACT, extract
    flow = compose_flow(trace(network, ONE_WAY, precision))
    yield FLOW, flow
    fuse = trace(network, FUSE, precision)
    yield FUSE, fuse
    yield FILM, compose_film(extract, flow, fuse)


def export_fusion(network: Network, precision: Precision) -> Graphs:
    """`lrhdr` and `lrhdr_masks`."""
    both = trace(network, LRHDR_MASKS, precision)
    inputs = [value.name for value in both.graph.input]
    yield LRHDR, tidy(onnx.utils.Extractor(both).extract_model(inputs, ["hdr"]))
    yield LRHDR_MASKS, both


def trace(network: Network, name: str, precision: Precision) -> onnx.ModelProto:
    """One of the modules of `lrhdr_export.graphs`, with dynamic height and width."""
    network = copy.deepcopy(network).eval()
    if precision == "fp16":
        network = network.half()
    signature = _signature(network, name)
    multiple = network.config.film.multiple
    height, width = (cells * multiple for cells in _EXAMPLE_CELLS)
    module = build_graph(name, network)
    place_nodes(module)
    with warnings.catch_warnings(), _quiet("torch.onnx"):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            example_inputs(signature, height, width, precision),
            dynamo=True,
            opset_version=OPSET,
            input_names=[t.name for t in signature.inputs],
            output_names=[t.name for t in signature.outputs],
            dynamic_shapes=_dynamic_shapes(module, signature, multiple),
            verbose=False,
        )
    if program is None:
        raise RuntimeError(f"the exporter gave nothing for {name}")
    model = program.model_proto
    if name in (LRHDR, LRHDR_MASKS):
        model.functions.extend(_bodies(network))
    return tidy(model)


def _signature(network: Network, name: str) -> Signature:
    known = network_signatures(network)
    if name != ONE_WAY:
        return known[name]
    flow = known[FLOW]
    return Signature(inputs=flow.inputs, outputs=flow.outputs[: len(flow.outputs) // 2])


def _bodies(network: Network) -> list[onnx.FunctionProto]:
    """Of the operators of our own."""
    config, window = network.config, network.window
    if config.apswf.dense:
        return []
    images = window.frames + len(window.interpolations)
    return [
        entmax_function(config.apswf.alpha, config.candidates, OPSET),
        fusion_function(images, config.candidates - images, OPSET),
    ]


def tidy(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove what only the exporter's authors need (stack traces), then check fully."""
    del model.metadata_props[:]
    for function_or_graph in (model.graph, *model.functions):
        for node in function_or_graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    return model


def _dynamic_shapes(module: torch.nn.Module, signature: Signature, multiple: int) -> Any:
    h, w = Dim("h", min=1, max=1024), Dim("w", min=1, max=1024)

    def shape(dims: tuple[str, ...]) -> dict[int, Any]:
        dynamic: dict[int, Any] = {}
        for axis, text in enumerate(dims):
            base, _, divisor = text.partition("/")
            if base in ("H", "W"):
                factor = multiple // int(divisor or 1)
                unit = h if base == "H" else w
                dynamic[axis] = factor * unit if factor > 1 else unit
        return dynamic

    shapes = tuple(shape(t.shape) for t in signature.inputs)
    # A module that takes *tensors sees them as one tuple.
    parameters = module.forward.__code__
    named = parameters.co_argcount - 1
    variadic = bool(parameters.co_flags & 0x04)
    # None are left over where an unguided interpolator takes no *guide.
    return (*shapes[:named], shapes[named:]) if variadic and shapes[named:] else shapes


class _quiet:  # noqa: N801
    """Silence a logger for a while: the exporter warns about every opset it converts."""

    def __init__(self, name: str) -> None:
        self.logger = logging.getLogger(name)

    def __enter__(self) -> None:
        self.level = self.logger.level
        self.logger.setLevel(logging.ERROR)

    def __exit__(self, *exc: object) -> None:
        self.logger.setLevel(self.level)
