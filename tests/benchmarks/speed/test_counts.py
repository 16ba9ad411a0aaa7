"""Counts from ONNX files against torch's, which counts what it runs, and against sums by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from torch.utils.flop_counter import FlopCounterMode

from lrhdr.contract import PRECISIONS, WINDOWS, Precision
from lrhdr.errors import BundleError, InputError
from lrhdr.model.config import preset
from lrhdr.model.cost import gflop_per_megapixel
from lrhdr_benchmarks.speed.counts import count, stream_counts
from lrhdr_benchmarks.speed.roofline import runs_per_output
from lrhdr_engines.bundle import Bundle

OPSET = 20
Shape = tuple[int, ...]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for a model; every test writes its own there."""
    return tmp_path_factory.mktemp("counts") / "model.onnx"


def write(
    file: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[str],
    weights: dict[str, Any],
    kind: int = TensorProto.FLOAT,
    functions: list[onnx.FunctionProto] | None = None,
) -> Path:
    """A model whose inputs declare no shape, and whose last node gives the output."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, None) for name in inputs],
        [helper.make_tensor_value_info(nodes[-1].output[0], kind, None)],
        [numpy_helper.from_array(value.numpy(), name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ours", 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=functions or [])
    file.write_bytes(model.SerializeToString())
    return file


def flops(run: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


@functools.cache
def torch_counts(exposures: int) -> dict[str, float]:
    return gflop_per_megapixel(preset("lite", exposures))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("exposures", sorted(WINDOWS))
def test_shipped_bundles_cost_what_torch_counts(exposures: int, precision: Precision) -> None:
    expected = torch_counts(exposures)
    runs = runs_per_output(exposures)
    found = stream_counts(Bundle.open("lite", exposures), 256, 128, precision)
    assert set(found) == set(expected)
    for graph, counts in found.items():
        per_megapixel = runs[graph] * counts.gflop / (256 * 128 / 1e6)
        assert per_megapixel == pytest.approx(expected[graph], rel=0.005), graph


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("exposures", sorted(WINDOWS))
def test_bytes_are_those_of_the_contracts_tensors(exposures: int, precision: Precision) -> None:
    bundle = Bundle.open("lite", exposures)
    sizes = {"float32": 4, "float16": 2}
    for graph, counts in stream_counts(bundle, 160, 96, precision).items():
        entry = bundle.manifest.graphs[graph]
        moved = [
            sum(
                sizes[tensor.type_at(precision)] * torch.Size(tensor.sized(96, 160)).numel()
                for tensor in tensors
            )
            for tensors in (entry.inputs, entry.outputs)
        ]
        assert [counts.input_bytes, counts.output_bytes] == moved
        # The file holds little else than the weights.
        stored = entry.files[precision].bytes
        assert 0.4 * stored < counts.parameter_bytes < stored


@pytest.mark.parametrize(("width", "height"), [(1, 1), (96, 64), (97, 64), (640, 360)])
def test_frames_are_padded(width: int, height: int) -> None:
    bundle = Bundle.open("lite", 2)
    multiple = bundle.manifest.multiple
    full = [side + -side % multiple for side in (width, height)]
    found = stream_counts(bundle, width, height, "fp32")
    assert found == stream_counts(bundle, full[0], full[1], "fp32")
    assert found["lrhdr"].output_bytes == 4 * 3 * full[0] * full[1]


@given(st.data())
def test_convolutions(file: Path, data: st.DataObject) -> None:
    def number(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    groups, stride, pad = number(1, 3), number(1, 3), number(0, 1)
    transposed = data.draw(st.booleans())
    inside, outside = groups * number(1, 4), groups * number(1, 4)
    kernel: Shape = (number(1, 4), number(1, 4))
    shape: Shape = (number(1, 2), inside, number(4, 9), number(4, 9))
    first, second = (inside, outside) if transposed else (outside, inside)
    weight = torch.zeros(first, second // groups, *kernel)
    x = torch.zeros(shape)

    def convolve() -> torch.Tensor:
        if transposed:
            return torch.conv_transpose2d(x, weight, stride=stride, padding=pad, groups=groups)
        return torch.conv2d(x, weight, stride=stride, padding=pad, groups=groups)

    node = helper.make_node(
        "ConvTranspose" if transposed else "Conv",
        ["x", "w"],
        ["y"],
        group=groups,
        strides=[stride, stride],
        pads=[pad] * 4,
    )
    found = count(write(file, [node], ["x"], {"w": weight}), {"x": shape})
    assert found.operations == flops(convolve)
    assert found.input_bytes == 4 * x.numel()
    assert found.parameter_bytes == 4 * weight.numel()
    assert found.output_bytes == 4 * convolve().numel()
    assert found.megabytes == (x.numel() + weight.numel() + convolve().numel()) * 4 / 1e6


@given(*[st.integers(1, 6)] * 5, st.booleans(), st.booleans())
def test_products(
    file: Path, batch: int, heads: int, rows: int, inner: int, columns: int, a: bool, b: bool
) -> None:
    left, right = torch.zeros(batch, heads, rows, inner), torch.zeros(heads, inner, columns)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    found = count(write(file, [node], ["x"], {"w": right}), {"x": tuple(left.shape)})
    assert found.operations == flops(lambda: left @ right)
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transA=int(a), transB=int(b))
    shape = (inner, rows) if a else (rows, inner)
    weight = torch.zeros((columns, inner) if b else (inner, columns))
    found = count(write(file, [node], ["x"], {"w": weight}), {"x": shape})
    assert found.operations == flops(lambda: left[0, 0] @ right[0])


def test_a_body_is_counted_where_it_is_called_and_unread_inputs_are_not(file: Path) -> None:
    body = helper.make_function(
        "ours",
        "Twice",
        ["p", "q"],
        ["r"],
        [
            helper.make_node("Conv", ["p", "q"], ["m"]),
            helper.make_node("Conv", ["m", "q"], ["r"]),
        ],
        [helper.make_opsetid("", OPSET)],
    )
    nodes = [
        helper.make_node("Twice", ["x", "w"], ["h"], domain="ours"),
        helper.make_node("Twice", ["h", "w"], ["y"], domain="ours"),
    ]
    weight = torch.zeros(3, 3, 1, 1, dtype=torch.float16)
    written = write(file, nodes, ["x", "unread"], {"w": weight}, TensorProto.FLOAT16, [body])
    found = count(written, {"x": (1, 3, 5, 7), "unread": (1, 3, 500, 700)})
    assert found.operations == 4 * 2 * 3 * 3 * 5 * 7
    assert (found.input_bytes, found.parameter_bytes) == (2 * 3 * 5 * 7, 2 * 9)


def test_shapes_are_computed_as_the_graph_computes_them(file: Path) -> None:
    """H / 2 from the input's shape: what onnx's inference of whole graphs leaves unknown."""
    weights = {
        "two": torch.tensor([2]),
        "rest": torch.tensor([-1]),
        "w": torch.zeros(5, 2, 1, 1),
    }
    nodes = [
        helper.make_node("Shape", ["x"], ["h"], start=2, end=3),
        helper.make_node("Div", ["h", "two"], ["half"]),
        helper.make_node("Concat", ["rest", "two", "half", "two"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["r"]),
        helper.make_node("Conv", ["r", "w"], ["y"]),
    ]
    found = count(write(file, nodes, ["x"], weights), {"x": (1, 3, 10, 4)})
    # 120 elements as (6, 2, 5, 2).
    assert found.operations == 2 * (6 * 5 * 5 * 2) * 2


def test_what_cannot_be_counted_is_refused(file: Path, tmp_path: Path) -> None:
    weights = {"w": torch.zeros(2, 1, 1, 1)}
    values = [
        helper.make_node("NonZero", ["x"], ["i"]),
        helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["f", "f"], ["y"]),
    ]
    with pytest.raises(BundleError, match="depends on values"):
        count(write(file, values, ["x"], {}), {"x": (2, 2)})
    unknown = [helper.make_node("Unheard", ["x"], ["y"], domain="ours")]
    with pytest.raises(BundleError, match="Unheard"):
        count(write(file, unknown, ["x"], weights), {"x": (1, 1, 2, 2)})
    mismatch = [helper.make_node("Conv", ["x", "w"], ["y"], group=3)]
    with pytest.raises(BundleError, match="Conv"):
        count(write(file, mismatch, ["x"], weights), {"x": (1, 1)})
    branch = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["z"])],
        "branch",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )
    choice = [helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)]
    with pytest.raises(BundleError, match=r"branches or loops \(If\)"):
        count(write(file, choice, ["x"], {}), {"x": (1,)})
    with pytest.raises(InputError, match=r"shapes of nothing .* its inputs x"):
        count(file, {})
    for broken in (tmp_path / "missing.onnx", tmp_path / "broken.onnx"):
        (tmp_path / "broken.onnx").write_bytes(b"\x01 no model")
        with pytest.raises(BundleError, match="cannot be read as an ONNX model"):
            count(broken, {})
