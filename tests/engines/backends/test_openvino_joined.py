"""One graph in OpenVINO for a window's interpolations and fusion, against one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("openvino")

from lrhdr.contract import FLOW, FUSE, LRHDR, Precision, signatures
from lrhdr_engines.backends import open_backend
from lrhdr_engines.backends.openvino_backend import _read
from lrhdr_engines.backends.openvino_joined import join
from lrhdr_engines.backends.protocol import numbered
from lrhdr_engines.bundle import Bundle

HEIGHT, WIDTH = 64, 96


def feeds_of(bundle: Bundle, precision: Precision) -> Callable[[str], dict[str, Any]]:
    """Random ones for a graph."""
    known = signatures(bundle.manifest.exposures, bundle.manifest.pyramids)
    rng = np.random.default_rng(0)

    def feeds(graph: str) -> dict[str, Any]:
        return {
            t.name: (rng.random(t.sized(HEIGHT, WIDTH)) + (t.name == "exposures")).astype(
                t.type_at(precision)
            )
            for t in known[graph].inputs
        }

    return feeds


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_it_computes_the_same(exposures: int, precision: Precision) -> None:
    bundle, backend = Bundle.open("lite", exposures), open_backend("openvino")
    flow, fuse, lrhdr = (bundle.graph(name, precision) for name in (FLOW, FUSE, LRHDR))
    feeds, last = feeds_of(bundle, precision), exposures - 2
    fusion, pair = feeds(LRHDR), feeds(FLOW)
    films = [feeds(FUSE) | {"reference": fusion[f"frame_{last + 1}"]} for _ in range(last + 1)]
    pair |= {name: films[last][name] for name in films[last].keys() & pair.keys()}

    flows = backend.load(flow, precision, 2).run(pair)
    film = backend.load(fuse, precision, 2)
    made = {}
    for k, x in enumerate(films):
        made[f"interpolated_{k}"] = film.run(x | flows if k == last else x)["interpolated"]
    made |= backend.load(lrhdr, precision, 2).run(fusion | made)
    made |= {numbered(last, name): tensor for name, tensor in flows.items()}

    joined = backend.join(flow, [fuse] * len(films), lrhdr, 2)
    assert joined is not None
    films[last] = {n: t for n, t in films[last].items() if n not in flows} | pair
    given = {numbered(k, name): tensor for k, x in enumerate(films) for name, tensor in x.items()}
    given = {name: tensor for name, tensor in given.items() if "reference" not in name}
    taken = {n: t for n, t in fusion.items() if not n.startswith("interpolated")}
    found = joined.run(taken | given)
    assert found.keys() == made.keys()
    for name, expected in made.items():
        scale = max(1.0, float(np.abs(expected).max()))
        assert np.abs(found[name] - expected).max() < 2e-6 * scale, name


def concatenated(model: Any) -> list[int]:
    """The channels of every concatenation that is convolved."""
    return [
        source.get_output_partial_shape(0)[1].get_length()
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Convolution"
        and (source := node.input_value(0).get_node()).get_type_name() == "Concat"
    ]


def test_wide_concatenations_of_the_fusion_are_halved() -> None:
    bundle = Bundle.open("lite", 2)
    flow, fuse, lrhdr = (_read(bundle.graph(name, "fp32")) for name in (FLOW, FUSE, LRHDR))
    wide = [30, 48 + 64, 32 + 48, 16 + 32]
    narrow = [channels for channels in concatenated(lrhdr) if channels < 24]
    assert sorted(concatenated(lrhdr)) == sorted(narrow + wide)
    expected = concatenated(flow) + concatenated(fuse) + narrow + [15, 15, 48, 64, 32, 48, 16, 32]
    assert sorted(concatenated(join(flow, [fuse], lrhdr))) == sorted(expected)


def test_onnx_runtime_joins_nothing() -> None:
    bundle = Bundle.open("lite", 2)
    flow, fuse, lrhdr = (bundle.graph(name, "fp32") for name in (FLOW, FUSE, LRHDR))
    assert open_backend("onnxruntime").join(flow, [fuse], lrhdr, 1) is None
