"""Whether TensorRT understood a graph as it is meant: before a minute is spent on building it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lrhdr.contract import PLUGIN_DOMAIN, Signature, Tensor
from lrhdr.errors import BackendError
from lrhdr_engines.build.forms import Form, precision_of
from lrhdr_engines.build.islands import WIDE_HALVES
from lrhdr_engines.build.parsed import Network, TensorFacts
from lrhdr_engines.build.sizes import Shapes


def check_network(
    network: Network,
    graph: str,
    signature: Signature,
    shapes: Shapes,
    form: Form,
    plugins: Sequence[str],
) -> None:
    """Compare what was parsed with the contract.

    Args:
        network: what TensorRT parsed.
        graph: its name.
        signature: what the contract says.
        shapes: that the engine is built for, padded.
        form: of the engine.
        plugins: operators of ours in the ONNX file, each of which must be a plugin layer.

    Raises:
        BackendError: types, shapes, names, plugin layers or FP32 islands differ; all differences
            are named.
    """
    wrong = list(_differences(network, signature, shapes, form, plugins))
    if wrong:
        raise BackendError(
            f"TensorRT parsed graph {graph} into something else: {'; '.join(wrong)}",
            next_step="Export the bundle and build the plugin again with this version",
        )


def _differences(
    network: Network,
    signature: Signature,
    shapes: Shapes,
    form: Form,
    plugins: Sequence[str],
) -> Iterator[str]:
    if not network.strongly_typed:
        yield "the network is not strongly typed"
    wanted_plugins = sorted(f"{PLUGIN_DOMAIN}::{name}" for name in plugins)
    if sorted(network.plugins) != wanted_plugins:
        yield (
            f"plugin layers {', '.join(network.plugins) or 'none'} instead of "
            f"{', '.join(wanted_plugins) or 'none'}"
        )
    strays = sorted(_strays(network.halves, form))
    if strays:
        yield f"{', '.join(strays)} in FP16"
    sides = (
        ("inputs", network.inputs, signature.inputs),
        ("outputs", network.outputs, signature.outputs),
    )
    for side, found, wanted in sides:
        # The order does not matter: tensors are bound by name.
        facts, tensors = {t.name: t for t in found}, {t.name: t for t in wanted}
        if facts.keys() != tensors.keys():
            yield f"{side} {', '.join(facts)} instead of {', '.join(tensors)}"
            continue
        for name, tensor in tensors.items():
            yield from _tensor(facts[name], tensor, shapes, form)


def _strays(halves: frozenset[str], form: Form) -> frozenset[str]:
    """Kinds of layers that may not give FP16 in this form."""
    if form == "fp32":
        return halves
    # TensorRT's GridSample has its coordinates in the type of its image.
    return halves - WIDE_HALVES if form == "fp16-wide" else halves & {"GRID_SAMPLE"}


def _tensor(found: TensorFacts, tensor: Tensor, shapes: Shapes, form: Form) -> Iterator[str]:
    dtype = tensor.type_at(precision_of(form))
    if found.dtype != dtype:
        yield f"{tensor.name} is {found.dtype} instead of {dtype}"
    wanted = shapes.optimal.of(tensor)
    # Where several sizes are allowed, TensorRT shows -1 for what depends on the size.
    varies = [not shapes.static and dimension[0] in "HW" for dimension in tensor.shape]
    fits = len(found.shape) == len(wanted) and all(
        have == want or (free and have == -1)
        for have, want, free in zip(found.shape, wanted, varies, strict=True)
    )
    if not fits:
        yield f"{tensor.name} has the shape {found.shape} instead of {wanted}"
