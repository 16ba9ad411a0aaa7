from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.inliner
import onnxruntime
import pytest
import torch
from onnx import TensorProto

from lrhdr.contract import (
    EXTRACT,
    FILM,
    FLOW,
    FUSE,
    LRHDR,
    LRHDR_MASKS,
    PLUGIN_DOMAIN,
    PRECISIONS,
    Precision,
    signatures,
)
from lrhdr.model.network import Network
from lrhdr.tolerances import FP16_IMAGE_DB, FP16_TENSOR_DB, FP32_IMAGE_MAX, FP32_TENSOR_MAX
from lrhdr_export.graphs import (
    GRAPHS,
    ONE_WAY,
    build_graph,
    example_inputs,
    network_signatures,
)
from lrhdr_export.onnx_export import OPSET, export_interpolator, trace
from lrhdr_export.verify import distance

NAMES = (EXTRACT, FLOW, FUSE, FILM, LRHDR, LRHDR_MASKS)
CASES = [(e, n, p) for e in (2, 3) for n in NAMES for p in PRECISIONS]
FLOATS = {"fp32": TensorProto.FLOAT, "fp16": TensorProto.FLOAT16}


@functools.cache
def load(file: Path) -> onnx.ModelProto:
    return onnx.load(file)


@functools.cache
def inlined(file: Path) -> tuple[onnx.ModelProto, dict[str, int]]:
    """A graph with the bodies of our operators in place, and the type of each of its tensors."""
    model = onnx.inliner.inline_local_functions(load(file))
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    graph = model.graph
    values = (*graph.input, *graph.output, *graph.value_info)
    types = {v.name: v.type.tensor_type.elem_type for v in values}
    types |= {t.name: t.data_type for t in graph.initializer}
    return model, types


def test_every_graph_of_the_contract_has_a_module(networks: dict[int, Network]) -> None:
    for network in networks.values():
        wanted = signatures(network.config.exposures, network.config.film.pyramids)
        assert set(GRAPHS) == {*NAMES, ONE_WAY}
        assert set(NAMES) == set(wanted)
        assert network_signatures(network) == wanted


@pytest.mark.parametrize(("exposures", "name", "precision"), CASES)
def test_tensors_are_those_of_the_contract(
    exported: Any, networks: dict[int, Network], exposures: int, name: str, precision: Precision
) -> None:
    entry = exported.manifests[exposures].graphs[name]
    graph = load((exported.folders[exposures] / entry.files[precision].path).resolve()).graph
    film = networks[exposures].config.film
    signature = signatures(exposures, film.pyramids)[name]
    for values, tensors in ((graph.input, signature.inputs), (graph.output, signature.outputs)):
        assert [v.name for v in values] == [t.name for t in tensors]
        for value, tensor in zip(values, tensors, strict=True):
            kind = FLOATS[precision] if tensor.dtype == "compute" else TensorProto.FLOAT
            assert value.type.tensor_type.elem_type == kind, value.name
            dims = value.type.tensor_type.shape.dim
            assert len(dims) == len(tensor.shape)
            for found, wanted in zip(dims, tensor.shape, strict=True):
                if wanted.isdigit():
                    assert found.dim_value == int(wanted), value.name
                else:
                    assert not found.HasField("dim_value"), value.name


@pytest.mark.parametrize("size", [(8, 20), (36, 12)])
@pytest.mark.parametrize(("exposures", "name", "precision"), CASES)
def test_one_file_serves_every_size(
    exported: Any,
    networks: dict[int, Network],
    exposures: int,
    name: str,
    precision: Precision,
    size: tuple[int, int],
) -> None:
    network = networks[exposures]
    signature = network_signatures(network)[name]
    entry = exported.manifests[exposures].graphs[name]
    file = exported.folders[exposures] / entry.files[precision].path
    feed = example_inputs(signature, *size, precision)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    found = session.run(
        [t.name for t in signature.outputs],
        {t.name: v.numpy() for t, v in zip(signature.inputs, feed, strict=True)},
    )
    expected = reference(network, name, feed)
    for tensor, value, exact in zip(signature.outputs, found, expected, strict=True):
        assert value.shape == tensor.sized(*size)
        error, decibels = distance(tensor.name, value, exact)
        image = tensor.name in ("interpolated", "hdr")
        if precision == "fp32":
            assert error <= (FP32_IMAGE_MAX if image else FP32_TENSOR_MAX), tensor.name
        elif tensor.name != "masks":
            assert decibels >= (FP16_IMAGE_DB if image else FP16_TENSOR_DB), tensor.name


@torch.no_grad()
def reference(network: Network, name: str, feed: tuple[torch.Tensor, ...]) -> list[Any]:
    """The graph's outputs in float64."""
    # The network is shared by the session: double() works in place, so it works on a copy.
    exact = Network(network.config).double()
    exact.load_state_dict(network.state_dict())
    result = build_graph(name, exact)(*(value.double() for value in feed))
    tensors = [result] if isinstance(result, torch.Tensor) else result
    return [tensor.numpy() for tensor in tensors]


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_halves_the_weights(exported: Any, name: str) -> None:
    def weights(precision: str) -> Iterator[onnx.TensorProto]:
        graph = load(exported.folders[2] / f"{name}.{precision}.onnx").graph
        kernels = {
            n.input[i] for n in graph.node if n.op_type == "Conv" for i in range(1, len(n.input))
        }
        return (t for t in graph.initializer if t.name in kernels)

    half, single = list(weights("fp16")), list(weights("fp32"))
    assert len(half) == len(single) > 0
    assert {t.data_type for t in half} == {TensorProto.FLOAT16}
    assert {t.data_type for t in single} == {TensorProto.FLOAT}


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("name", [FUSE, FILM, LRHDR, LRHDR_MASKS])
def test_half_precision_keeps_grids_and_powers_full(
    exported: Any, exposures: int, name: str
) -> None:
    entry = exported.manifests[exposures].graphs[name].files["fp16"]
    model, types = inlined((exported.folders[exposures] / entry.path).resolve())
    powers = [n for n in model.graph.node if n.op_type == "Pow"]
    grids = [n for n in model.graph.node if n.op_type == "GridSample"]
    assert len(powers) >= 2
    for node in powers:
        assert {types[i] for i in node.input} == {TensorProto.FLOAT}, node.name
    assert bool(grids) == (name in (FUSE, FILM))
    for node in grids:
        assert types[node.input[1]] == TensorProto.FLOAT, node.name


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("name", [LRHDR, LRHDR_MASKS])
def test_half_precision_keeps_entmax_full(exported: Any, exposures: int, name: str) -> None:
    model = load(exported.folders[exposures] / f"{name}.fp16.onnx")
    graph = onnx.shape_inference.infer_shapes(model).graph
    types = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    types |= {value.name: value.type.tensor_type.elem_type for value in graph.input}
    makers = {output: n for n in graph.node for output in n.output}
    own = [n for n in graph.node if n.domain == PLUGIN_DOMAIN]
    assert len(own) == (1 if name == LRHDR else 2)
    for node in own:
        # The logits are the sum of what the network says and the prior, both in full precision;
        # so are the frames, exposures and ACCR's radiances of EntmaxFusion.
        total = makers[node.input[0]]
        assert total.op_type == "Add"
        assert {types[i] for i in (*total.input, *node.input)} == {TensorProto.FLOAT}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_exporter_remains(exported: Any, name: str) -> None:
    file = exported.folders[2] / f"{name}.fp32.onnx"
    model = load(file)
    assert {o.domain: o.version for o in model.opset_import}[""] == OPSET
    assert not model.metadata_props
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert str(Path(torch.__file__).parent).encode() not in file.read_bytes()


def test_exporting_twice_gives_the_same_bytes(exported: Any, networks: dict[int, Network]) -> None:
    # Two bundles share the interpolator's files only because of this.
    again = trace(networks[3], EXTRACT, "fp16").SerializeToString(deterministic=True)
    assert again == (exported.folders[2] / "film_extract.fp16.onnx").read_bytes()


def test_an_interpolator_without_a_guide_is_exported(networks: dict[int, Network]) -> None:
    """Like the released FILM of `paper`: it takes no reference and no exposures."""
    config = networks[2].config
    torch.manual_seed(0)
    network = Network(replace(config, film=replace(config.film, guide_steps=0)))
    graphs = dict(export_interpolator(network, "fp32"))
    assert list(graphs) == [EXTRACT, FLOW, FUSE, FILM]
    assert [i.name for i in graphs[FILM].graph.input] == ["a", "b", "time"]
    feed = example_inputs(network_signatures(network)[FILM], 16, 24, "fp32")
    session = onnxruntime.InferenceSession(
        graphs[FILM].SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [t.name for t in network_signatures(network)[FILM].inputs]
    (found,) = session.run(None, {n: v.numpy() for n, v in zip(names, feed, strict=True)})
    (exact,) = reference(network, FILM, feed)
    assert np.abs(found - exact).max() <= FP32_IMAGE_MAX


def test_exporting_leaves_the_network_as_it_was(
    exported: Any, networks: dict[int, Network]
) -> None:
    for network in networks.values():
        assert {p.dtype for p in network.parameters()} == {torch.float32}
        assert any(type(m).__name__ == "Entmax" for m in network.modules())


def test_examples_differ_from_each_other(networks: dict[int, Network]) -> None:
    signature = network_signatures(networks[3])[LRHDR]
    examples = example_inputs(signature, 8, 12, "fp16")
    frames = [e.numpy().tobytes() for e in examples[:-1]]
    assert len(set(frames)) == len(frames) == 7
    assert {e.dtype for e in examples} == {torch.float32}
    assert float(examples[-1].min()) >= 1.0


def test_an_array_of_nonsense_would_be_seen() -> None:
    value = np.full((1, 3, 4, 4), 0.5)
    error, decibels = distance("hdr", value + 0.01, value)
    assert error > FP32_IMAGE_MAX
    assert decibels < FP16_IMAGE_DB
