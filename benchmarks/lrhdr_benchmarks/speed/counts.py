"""What an ONNX graph has to do, counted from its file: operations, and the fewest bytes.

Operations are 2 x multiply-accumulate of Conv, ConvTranspose, MatMul and Gemm; everything else
(elementwise arithmetic, reductions, sampling) counts nothing, so a graph of many small operators
can be far from both ceilings and yet well made. The package `onnx` is needed (extra `export`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import helper, inliner, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, Precision
from lrhdr.errors import BundleError, InputError
from lrhdr_engines.build.sizes import Size
from lrhdr_engines.bundle import Bundle

_STREAMING = (EXTRACT, FLOW, FUSE, LRHDR)
# Tensors that describe shapes have few elements; larger ones need not be known.
_SMALL = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of one run of a graph.

    Attributes:
        operations: 2 x multiply-accumulate.
        parameter_bytes: of the weights and other constants.
        input_bytes: of the inputs that some operator reads.
        output_bytes: of the outputs.
    """

    operations: int
    parameter_bytes: int
    input_bytes: int
    output_bytes: int

    @property
    def gflop(self) -> float:
        """Operations in 10^9."""
        return self.operations / 1e9

    @property
    def megabytes(self) -> float:
        """The fewest that a run can move, in 10^6: inputs, weights and outputs once."""
        return (self.parameter_bytes + self.input_bytes + self.output_bytes) / 1e6


def stream_counts(
    bundle: Bundle, width: int, height: int, precision: Precision
) -> dict[str, Counts]:
    """One run of each graph that streaming needs, by name, on frames of a size before padding.

    Raises:
        BundleError: the bundle lacks a file of this precision, or one cannot be counted.
        InputError: the size is none.
    """
    size = Size(width=width, height=height).padded(bundle.manifest.multiple)
    found = {}
    for graph in _STREAMING:
        inputs = bundle.manifest.graphs[graph].inputs
        shapes = {tensor.name: size.of(tensor) for tensor in inputs}
        found[graph] = count(bundle.graph(graph, precision), shapes)
    return found


def count(model: Path, shapes: Mapping[str, tuple[int, ...]]) -> Counts:
    """Count a graph.

    Args:
        model: an ONNX file; operators with a body of their own are counted by their body.
        shapes: of every input, by name.

    Raises:
        BundleError: it is no ONNX model, or a shape in it depends on more than the inputs' shapes.
        InputError: `shapes` are not those of its inputs.
    """
    inlined = inliner.inline_local_functions(_load(model))
    shapes_of = _Shapes(inlined, shapes, model)
    graph = inlined.graph
    read = {name for node in graph.node for name in node.input}
    inputs = shapes_of.inputs & read
    return Counts(
        operations=sum(_operations(node, shapes_of) for node in graph.node),
        parameter_bytes=sum(shapes_of.bytes_of(tensor.name) for tensor in graph.initializer),
        input_bytes=sum(map(shapes_of.bytes_of, inputs)),
        output_bytes=sum(shapes_of.bytes_of(value.name) for value in graph.output),
    )


class _Shapes:
    """Type and shape of every tensor, found in one pass from the inputs to the outputs.

    onnx's own inference of a whole graph does not divide, and the graphs compute H / 2.
    """

    def __init__(
        self, model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]], file: Path
    ) -> None:
        self._file = file
        self._opsets = list(model.opset_import)
        self._types: dict[str, onnx.TypeProto] = {}
        self._values: dict[str, onnx.TensorProto] = {}
        for tensor in model.graph.initializer:
            self._types[tensor.name] = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
            self._keep(tensor.name, tensor)
        declared = {v.name: v.type for v in model.graph.input if v.name not in self._types}
        self.inputs = set(declared)
        if set(shapes) != self.inputs:
            raise InputError(
                f"shapes of {', '.join(sorted(shapes)) or 'nothing'} for {file}",
                expected=f"those of its inputs {', '.join(sorted(self.inputs))}",
            )
        for name, type_ in declared.items():
            kind = type_.tensor_type.elem_type
            self._types[name] = helper.make_tensor_type_proto(kind, shapes[name])
        for node in model.graph.node:
            self._add(node)

    def of(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""
        dims = self._types[name].tensor_type.shape.dim
        if not all(dim.HasField("dim_value") for dim in dims):
            raise self._refusal(f"the shape of {name} depends on values")
        return tuple(dim.dim_value for dim in dims)

    def bytes_of(self, name: str) -> int:
        """What a tensor takes."""
        kind = helper.tensor_dtype_to_np_dtype(self._types[name].tensor_type.elem_type)
        return prod(self.of(name)) * kind.itemsize

    def _add(self, node: onnx.NodeProto) -> None:
        if any(a.type in (a.GRAPH, a.GRAPHS) for a in node.attribute):
            raise self._refusal(f"it branches or loops ({node.op_type})")
        names = [name for name in node.input if name]
        versions = {opset.domain: opset.version for opset in self._opsets}
        try:
            schema = onnx.defs.get_schema(node.op_type, versions[node.domain], node.domain)
            self._types |= shape_inference.infer_node_outputs(
                schema,
                node,
                {name: self._types[name] for name in names},
                {name: self._values[name] for name in names if name in self._values},
                opset_imports=self._opsets,
            )
        except (KeyError, onnx.defs.SchemaError, shape_inference.InferenceError) as error:
            raise self._refusal(f"{node.op_type}: {' '.join(str(error).split())}") from error
        self._compute(node, names)

    def _compute(self, node: onnx.NodeProto, names: Iterable[str]) -> None:
        """Work out a small tensor that depends on shapes and constants alone."""
        if node.op_type == "Shape":
            known: dict[str, Any] = {
                name: np.broadcast_to(np.bool_(), self.of(name)) for name in names
            }
        elif all(name in self._values for name in names):
            known = {name: numpy_helper.to_array(self._values[name]) for name in names}
        else:
            return
        for name, value in zip(node.output, ReferenceEvaluator(node).run(None, known), strict=True):
            self._keep(name, numpy_helper.from_array(np.asarray(value), name))

    def _keep(self, name: str, tensor: onnx.TensorProto) -> None:
        if prod(tensor.dims) <= _SMALL:
            self._values[name] = tensor

    def _refusal(self, why: str) -> BundleError:
        return BundleError(f"the operations of {self._file} cannot be counted: {why}")


def _load(model: Path) -> onnx.ModelProto:
    try:
        return onnx.load(model)
    except (OSError, DecodeError) as error:
        raise BundleError(f"{model} cannot be read as an ONNX model ({error})") from error


def _operations(node: onnx.NodeProto, shapes: _Shapes) -> int:
    """Of one node."""
    if node.op_type == "Conv":  # weights (out, in / groups, ...)
        return 2 * prod(shapes.of(node.output[0])) * prod(shapes.of(node.input[1])[1:])
    if node.op_type == "ConvTranspose":  # weights (in, out / groups, ...)
        return 2 * prod(shapes.of(node.input[0])) * prod(shapes.of(node.input[1])[1:])
    if node.op_type == "MatMul":
        return 2 * prod(shapes.of(node.output[0])) * shapes.of(node.input[0])[-1]
    if node.op_type == "Gemm":
        turned = next((a.i for a in node.attribute if a.name == "transA"), 0)
        return 2 * prod(shapes.of(node.output[0])) * shapes.of(node.input[0])[0 if turned else 1]
    return 0
