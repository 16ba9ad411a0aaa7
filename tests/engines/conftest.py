"""A tiny model whose every result can be worked out by hand.

It obeys the contract with graphs that are simple sums: the pyramids are means
of the frame, the interpolated frame is a blend, and the fused frame is a
weighted mean of the linearised candidates. `TinyModel.expected` repeats all of
it in float64 from the window's frames, so a frame in the wrong slot, a wrong
exposure or a wrong time shows up as a wrong number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lrhdr.contract import (
    ENTMAX_OP,
    EXTRACT,
    FILM,
    FLOW,
    FUSE,
    LRHDR,
    LRHDR_MASKS,
    MANIFEST,
    PLUGIN_DOMAIN,
    WINDOWS,
    Precision,
    Pyramids,
    Signature,
    signatures,
)
from lrhdr.manifest import FileEntry, GraphEntry, Manifest

PYRAMIDS = Pyramids(channels=(3, 3, 3), fusion_levels=2, finest_flow=1, guided=True)
MULTIPLE = 4
OPSET = 20


class _Graph:
    """Collects nodes; every method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, list(inputs), [output], domain=domain, **attributes)
        )
        return output

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def full(self, tensor: str) -> str:
        return self.op("Cast", tensor, to=TensorProto.FLOAT)

    def mean(self, tensors: Sequence[str]) -> str:
        return self.op("Mean", *(self.op("ReduceMean", self.full(t), keepdims=1) for t in tensors))

    def weighted(self, terms: Sequence[tuple[str, str]]) -> str:
        total = ""
        for tensor, weight in terms:
            product = self.op("Mul", tensor, weight)
            total = self.op("Add", total, product) if total else product
        return total

    def element(self, vector: str, index: int) -> str:
        return self.op("Gather", vector, self.constant(index, np.int64))

    def write(self, path: Path, signature: Signature, outputs: list[str], kind: int) -> None:
        """Name the outputs, cast them to their types and save the model."""
        for value, tensor in zip(outputs, signature.outputs, strict=True):
            wanted = kind if tensor.dtype == "compute" else TensorProto.FLOAT
            self.nodes.append(helper.make_node("Cast", [value], [tensor.name], to=wanted))
        infos = [
            [
                helper.make_tensor_value_info(
                    t.name,
                    kind if t.dtype == "compute" else TensorProto.FLOAT,
                    [int(d) if d.isdigit() else d for d in t.shape],
                )
                for t in side
            ]
            for side in (signature.inputs, signature.outputs)
        ]
        graph = helper.make_graph(self.nodes, path.stem, infos[0], infos[1], self.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(PLUGIN_DOMAIN, 1)]
        body = helper.make_function(
            PLUGIN_DOMAIN,
            ENTMAX_OP,
            ["z"],
            ["p"],
            [helper.make_node("Softmax", ["z"], ["p"], axis=1)],
            opsets[:1],
        )
        model = helper.make_model(graph, opset_imports=opsets, functions=[body], ir_version=10)
        onnx.checker.check_model(model)
        onnx.save(model, path)


def _extract() -> tuple[_Graph, list[str]]:
    g = _Graph()
    levels = ["frame"]
    for _ in PYRAMIDS.channels[1:]:
        levels.append(g.op("AveragePool", levels[-1], kernel_shape=[2, 2], strides=[2, 2]))
    return g, levels


def _flow() -> tuple[_Graph, list[str]]:
    """Each flow is the mean of one pyramid, everywhere."""
    g = _Graph()
    flows = []
    for side in ("a", "b"):
        value = g.mean([f"{side}_{level}" for level in (1, 2)])
        shape = g.op("Shape", f"{side}_1")
        two = g.constant([1, 2], np.int64)
        size = g.op("Slice", shape, g.constant([2], np.int64), g.constant([4], np.int64))
        flows.append(g.op("Expand", value, g.op("Concat", two, size, axis=0)))
    return g, flows


def _fuse() -> tuple[_Graph, list[str]]:
    g = _Graph()
    rest = g.op("Sub", g.constant([1.0]), "time")
    ratio = g.op("Div", g.element("exposures", 0), g.element("exposures", 1))
    return g, [
        g.weighted(
            [
                (g.full("a_0"), rest),
                (g.full("b_0"), "time"),
                (g.mean(["a_1", "b_1"]), g.constant([0.02])),
                (g.mean(["flow_ab_1"]), g.constant([0.03])),
                (g.mean(["flow_ba_1"]), g.constant([0.05])),
                ("reference", g.op("Mul", ratio, g.constant([0.01]))),
            ]
        )
    ]


def _film() -> tuple[_Graph, list[str]]:
    g = _Graph()
    used = g.op("Add", g.mean(["reference"]), g.op("Mul", g.mean(["exposures"]), "time"))
    return g, [g.op("Add", g.op("Mean", "a", "b"), g.op("Mul", used, g.constant(0.0)))]


def _lrhdr(exposures: int, with_masks: bool) -> tuple[_Graph, list[str]]:
    """Candidate c weighs softmax(c Y) where Y is the reference's red channel."""
    window = WINDOWS[exposures]
    g = _Graph()
    gamma = g.constant(2.2)
    frames = [f"frame_{k}" for k in range(window.frames)]
    films = [f"interpolated_{i}" for i in range(len(window.interpolations))]
    slots = [*range(window.frames), *(step.a for step in window.interpolations)]
    linear = [
        g.op("Div", g.op("Pow", name, gamma), g.element("exposures", slot))
        for name, slot in zip(frames + films, slots, strict=True)
    ]
    linear += [linear[window.reference], *linear[window.frames :]]
    red = g.op(
        "Slice",
        frames[window.reference],
        *(g.constant([v], np.int64) for v in (0, 1, 1)),
    )
    names = np.arange(window.candidates, dtype=np.float32).reshape(1, -1, 1, 1)
    logits = g.op("Mul", red, g.constant(names))
    masks = g.op(ENTMAX_OP, logits, domain=PLUGIN_DOMAIN)
    terms = [
        (h, g.op("Slice", masks, *(g.constant([v], np.int64) for v in (c, c + 1, 1))))
        for c, h in enumerate(linear)
    ]
    return g, [g.weighted(terms), masks] if with_masks else [g.weighted(terms)]


@dataclass(frozen=True)
class TinyModel:
    """The bundle's folder, and what it computes."""

    folder: Path
    exposures: int

    def expected(
        self, frames: Sequence[NDArray[Any]], ev: Sequence[float], index: int
    ) -> NDArray[np.float64]:
        """Output `index` of a clip, (H, W, 3) float64, from the window's definition alone."""
        window = WINDOWS[self.exposures]
        slots = [
            min(
                (i for i in range(len(frames)) if (i - wanted) % self.exposures == 0),
                key=lambda i, wanted=wanted: abs(i - wanted),  # type: ignore[misc]
            )
            for wanted in (index + offset for offset in window.offsets)
        ]
        height, width = frames[0].shape[:2]
        white = 1.0 if frames[0].dtype.kind == "f" else np.iinfo(frames[0].dtype).max
        padding = [(0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)]
        images = [np.pad(frames[i] / float(white), padding, mode="edge") for i in slots]
        e = [2.0 ** (ev[i % self.exposures] - min(ev)) for i in slots]
        reference = images[window.reference]
        films = []
        for step in window.interpolations:
            a, b = images[step.a], images[step.b]
            films.append(
                (1 - step.time) * a
                + step.time * b
                + 0.02 * (a.mean() + b.mean()) / 2
                + 0.03 * a.mean()
                + 0.05 * b.mean()
                + 0.01 * reference * e[window.reference] / e[step.a]
            )
        exposures = e + [e[step.a] for step in window.interpolations]
        linear = [
            image**2.2 / exposure for image, exposure in zip(images + films, exposures, strict=True)
        ]
        linear += [linear[window.reference], *linear[window.frames :]]
        masks = np.exp(reference[..., :1] * np.arange(window.candidates))
        masks /= masks.sum(axis=2, keepdims=True)
        hdr: Any = sum(masks[..., c : c + 1] * h for c, h in enumerate(linear))
        return np.asarray(hdr[:height, :width] * 2.0 ** -min(ev), np.float64)


def build(folder: Path, exposures: int) -> TinyModel:
    """Write the bundle."""
    folder.mkdir(parents=True)
    kinds: dict[Precision, int] = {"fp32": TensorProto.FLOAT, "fp16": TensorProto.FLOAT16}
    makers: dict[str, Callable[[], tuple[_Graph, list[str]]]] = {
        EXTRACT: _extract,
        FLOW: _flow,
        FUSE: _fuse,
        FILM: _film,
        LRHDR: lambda: _lrhdr(exposures, False),
        LRHDR_MASKS: lambda: _lrhdr(exposures, True),
    }
    entries = {}
    for name, signature in signatures(exposures, PYRAMIDS).items():
        files: dict[Precision, FileEntry] = {}
        for precision, kind in kinds.items():
            graph, outputs = makers[name]()
            file = f"{name}.{precision}.onnx"
            graph.write(folder / file, signature, outputs, kind)
            files[precision] = FileEntry.of(folder, file)
        entries[name] = GraphEntry(inputs=signature.inputs, outputs=signature.outputs, files=files)
    manifest = Manifest(
        name=f"tiny-{exposures}e",
        model="tiny",
        exposures=exposures,
        multiple=MULTIPLE,
        opset=OPSET,
        pyramids=PYRAMIDS,
        graphs=entries,
        made={"by": "the tests"},
    )
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return TinyModel(folder=folder, exposures=exposures)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[int, TinyModel]:
    """The tiny bundle for two and for three exposures, by Ne."""
    root = tmp_path_factory.mktemp("bundles")
    return {exposures: build(root / f"tiny-{exposures}e", exposures) for exposures in WINDOWS}


@pytest.fixture(scope="session")
def tiny(tiny_models: dict[int, TinyModel]) -> TinyModel:
    """The tiny bundle for two exposures."""
    return tiny_models[2]


MakeFrames = Callable[..., list[NDArray[np.uint8]]]


@pytest.fixture(scope="session")
def make_frames() -> MakeFrames:
    """`make_frames(count, height, width)`: random frames, each unlike every other."""

    def make(count: int, height: int = 12, width: int = 20, seed: int = 0) -> Any:
        rng = np.random.default_rng(seed)
        return list(rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8))

    return make
