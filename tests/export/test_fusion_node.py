from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper

from lrhdr.model.apswf import fuse
from lrhdr.model.entmax import Entmax, entmax
from lrhdr.model.network import Network
from lrhdr.model.ops import linearise
from lrhdr_export.entmax_node import EntmaxNode, entmax_function
from lrhdr_export.fusion_node import Fusion, FusionNode, fusion_function
from lrhdr_export.graphs import build_graph, place_nodes
from lrhdr_export.onnx_export import OPSET

ALPHA = 1.75


def one_node(images: int, restored: int) -> onnx.ModelProto:
    names = [f"i{k}" for k in range(images)]
    accr = [f"r{k}" for k in range(restored)]
    node = helper.make_node(
        "EntmaxFusion",
        ["logits", *names, "exposures", *accr],
        ["hdr"],
        domain="lrhdr",
        alpha=ALPHA,
        images=images,
        plugin_namespace="lrhdr",
        plugin_version="1",
    )

    def info(name: str, *shape: int | str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        [node],
        "fusion",
        [
            info("logits", 1, images + restored, "H", "W"),
            *(info(name, 1, 3, "H", "W") for name in names),
            info("exposures", images),
            *(info(name, 1, 3, "H", "W") for name in accr),
        ],
        [info("hdr", 1, 3, "H", "W")],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("lrhdr", 1)],
        functions=[
            entmax_function(ALPHA, images + restored, OPSET),
            fusion_function(images, restored, OPSET),
        ],
        ir_version=10,
    )


@pytest.mark.parametrize(("images", "restored"), [(1, 1), (4, 0), (4, 2), (7, 3)])
def test_the_body_is_the_fusion(images: int, restored: int) -> None:
    rng = np.random.default_rng(images)
    size = (1, 3, 5, 7)
    frames = [rng.uniform(-0.01, 1.0, size).astype(np.float32) for _ in range(images)]
    accr = [rng.uniform(0.0, 1.0, size).astype(np.float32) for _ in range(restored)]
    exposures = rng.uniform(1.0, 16.0, images).astype(np.float32)
    logits = (rng.normal(size=(1, images + restored, 5, 7)) * 2).astype(np.float32)
    model = one_node(images, restored)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    feeds = {"logits": logits, "exposures": exposures}
    feeds |= {f"i{k}": frame for k, frame in enumerate(frames)}
    feeds |= {f"r{k}": value for k, value in enumerate(accr)}
    (found,) = session.run(None, feeds)

    def exact(value: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(value).double()

    candidates = [
        linearise(exact(f), exact(e)) for f, e in zip(frames, exposures[:, None], strict=True)
    ]
    expected = fuse(entmax(exact(logits), ALPHA), [*candidates, *map(exact, accr)])
    # Masks that sum to 1 weigh radiance of at most 1: FP32 sums of ten.
    np.testing.assert_allclose(found, expected, atol=2e-6, rtol=0)


def test_what_the_plugins_do_becomes_nodes(networks: dict[int, Network]) -> None:
    graph = copy.deepcopy(build_graph("lrhdr", networks[2]))
    place_nodes(graph)
    modules = list(graph.modules())
    assert [m.alpha for m in modules if isinstance(m, FusionNode)] == [1.75]
    assert [m.alpha for m in modules if isinstance(m, EntmaxNode)] == [1.75]
    assert not any(isinstance(m, Fusion | Entmax) for m in modules)


def test_dense_fusion_has_no_node(networks: dict[int, Network]) -> None:
    config = networks[2].config
    dense = Network(replace(config, apswf=replace(config.apswf, dense=True)))
    graph = build_graph("lrhdr", dense)
    place_nodes(graph)
    assert any(isinstance(m, Fusion) for m in graph.modules())
