"""Widening the FP32 islands of an FP16 network: all but its convolutions in FP32.

In a strongly typed network a layer computes in the type of its inputs. So what is FP16 is cast at
its source, layers are fed from before a cast to FP16 instead of from after it, and only
convolutions, whose weights are FP16, are still fed with FP16. No weight changes, and TensorRT fuses
casts with their neighbours.

`trt` is an imported package, `network` its INetworkDefinition. Built by TensorRT-RTX in the tests;
such engines were not run on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_CONVOLUTIONS = frozenset({"CONVOLUTION", "DECONVOLUTION"})
# Kinds of layers that may give FP16 in a wide network: sources, and casts on the way to them.
WIDE_HALVES = _CONVOLUTIONS | {"CAST", "CONSTANT"}
_HALF, _SINGLE = "HALF", "FLOAT"


def halves(network: Any) -> frozenset[str]:
    """Kinds of the layers that give FP16."""
    return frozenset(
        layer.type.name
        for layer in _layers(network)
        if any(tensor.dtype.name == _HALF for tensor in _outputs(layer))
    )


def widen(trt: Any, network: Any) -> None:
    """Let nothing but convolutions compute in FP16; inputs and outputs keep their types."""
    half, single = trt.DataType.HALF, trt.DataType.FLOAT
    # All types are read before the first change: in between, the network is not valid.
    outputs = [(t, t.dtype) for t in map(network.get_output, range(network.num_outputs))]
    sources = [t for t in map(network.get_input, range(network.num_inputs)) if t.dtype == half]
    wide: dict[str, Any] = {}
    convolutions: list[Any] = []
    others: list[Any] = []
    for layer in _layers(network):
        before = _before_cast(layer)
        if before is not None:
            wide[layer.get_output(0).name] = before
            continue
        if _is_source(layer):
            sources += [t for t in _outputs(layer) if t.dtype == half]
        (convolutions if layer.type.name in _CONVOLUTIONS else others).append(layer)
    wide |= {t.name: network.add_cast(t, single).get_output(0) for t in sources}
    for layer in others:
        for index, tensor in _inputs(layer):
            if tensor.name in wide:
                layer.set_input(index, wide[tensor.name])
    for layer in convolutions:
        for index, tensor in _inputs(layer):
            if tensor.dtype == single:
                layer.set_input(index, network.add_cast(tensor, half).get_output(0))
    for tensor, dtype in outputs:
        if tensor.dtype != dtype:
            _give(network, tensor, dtype)


def _give(network: Any, tensor: Any, dtype: Any) -> None:
    """Mark a cast of an output under its name, in its place."""
    name = tensor.name
    network.unmark_output(tensor)
    tensor.name = f"{name} in fp32"
    given = network.add_cast(tensor, dtype).get_output(0)
    given.name = name
    network.mark_output(given)


def _before_cast(layer: Any) -> Any:
    """The FP32 tensor that a layer casts to FP16; None if it does something else."""
    if layer.type.name != "CAST" or layer.get_output(0).dtype.name != _HALF:
        return None
    before = layer.get_input(0)
    return before if before.dtype.name == _SINGLE else None


def _is_source(layer: Any) -> bool:
    """Whether the type of what it gives does not follow that of what it is fed with."""
    return layer.type.name in {*_CONVOLUTIONS, "CAST"} or all(
        tensor.dtype.name != _HALF for _, tensor in _inputs(layer)
    )


def _layers(network: Any) -> list[Any]:
    # A list, since casts may be added meanwhile.
    return [network.get_layer(index) for index in range(network.num_layers)]


def _inputs(layer: Any) -> Iterator[tuple[int, Any]]:
    for index in range(layer.num_inputs):
        tensor = layer.get_input(index)
        if tensor is not None:  # an optional one
            yield index, tensor


def _outputs(layer: Any) -> Iterator[Any]:
    return map(layer.get_output, range(layer.num_outputs))
