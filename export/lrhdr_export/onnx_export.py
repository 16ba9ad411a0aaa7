"""One graph of a network as an ONNX model."""

from __future__ import annotations

import copy
import logging
import warnings
from typing import Any

import onnx
import torch
from torch.export import Dim

from lrhdr.contract import LRHDR, LRHDR_MASKS, Precision, Signature
from lrhdr.model.network import Network
from lrhdr_export.entmax_node import entmax_function, replace_entmax
from lrhdr_export.graphs import build_graph, example_inputs, network_signatures

OPSET = 20
_EXAMPLE_CELLS = (3, 4)  # example size in multiples; different, so that H and W never merge


def export_graph(network: Network, name: str, precision: Precision) -> onnx.ModelProto:
    """Trace one graph with dynamic height and width.

    FP16 graphs hold half-precision weights; grids, Gamma, entmax and the
    weighted sum stay FP32 inside.
    """
    network = copy.deepcopy(network).eval()
    if precision == "fp16":
        network = network.half()
    signature = network_signatures(network)[name]
    multiple = network.config.film.multiple
    height, width = (cells * multiple for cells in _EXAMPLE_CELLS)
    module = build_graph(name, network)
    replace_entmax(module)
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
    if name in (LRHDR, LRHDR_MASKS) and not network.config.apswf.dense:
        model.functions.append(
            entmax_function(network.config.apswf.alpha, network.config.candidates, OPSET)
        )
    return tidy(model)


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
