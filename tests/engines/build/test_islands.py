"""FP32 islands: what TensorRT-RTX makes of the real graphs as they are, and widened."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR
from lrhdr_engines.build.forms import FORMS, precision_of, widened
from lrhdr_engines.build.islands import WIDE_HALVES

Python = Callable[..., subprocess.CompletedProcess[str]]
GRAPHS = (EXTRACT, FLOW, FUSE, LRHDR)
# Of a graph's network: for every kind of layer the types that its layers give; the inputs of its
# convolutions; inputs and outputs; and what each layer is fed by once the casts are looked through.
INSPECT = """
import json, sys
from collections import defaultdict
from lrhdr.contract import signatures
from lrhdr_engines.build import Shapes, Size, open_tensorrt
from lrhdr_engines.bundle import Bundle
tensorrt = open_tensorrt("tensorrt-rtx")
import standin_plugin, tensorrt_rtx
standin_plugin.register(tensorrt_rtx)
exposures, wanted = int(sys.argv[1]), sys.argv[2:]
bundle = Bundle.open("lite", exposures)
shapes = Shapes.fixed(Size.parse("128x96"))
for graph in wanted:
    inputs = signatures(exposures, bundle.manifest.pyramids)[graph].inputs
    ranges = {tensor.name: shapes.of(tensor) for tensor in inputs}
    for form in ("fp32", "fp16", "fp16-wide"):
        model = bundle.graph(graph, "fp32" if form == "fp32" else "fp16").read_bytes()
        parsed = tensorrt.parse(model, graph, ranges, wide=form == "fp16-wide")
        network = parsed.handles[1]
        layers = [network.get_layer(i) for i in range(network.num_layers)]
        given, fed, made = defaultdict(set), defaultdict(set), {}
        for layer in layers:
            kind = layer.type.name
            for k in range(layer.num_outputs):
                given[kind].add(layer.get_output(k).dtype.name)
                made[layer.get_output(k).name] = layer
            if kind in ("CONVOLUTION", "GRID_SAMPLE"):
                fed[kind] |= {layer.get_input(k).dtype.name for k in range(layer.num_inputs)}
        def origin(tensor):
            # Float casts are looked through: those that were added have no counterpart.
            while (layer := made.get(tensor.name)) and layer.type.name == "CAST" and \\
                    layer.get_input(0).dtype.name in ("FLOAT", "HALF") and \\
                    tensor.dtype.name in ("FLOAT", "HALF"):
                tensor = layer.get_input(0)
            return layer.name if layer else tensor.name
        wires = {
            layer.name: [origin(layer.get_input(k)) for k in range(layer.num_inputs)
                         if layer.get_input(k) is not None]
            for layer in layers if layer.type.name != "CAST"
        }
        outputs = {t.name: t.dtype for t in parsed.outputs}
        print(json.dumps({
            "graph": graph, "form": form, "halves": sorted(parsed.halves),
            "given": {kind: sorted(types) for kind, types in given.items()},
            "fed": {kind: sorted(types) for kind, types in fed.items()},
            "wires": wires, "inputs": {t.name: t.dtype for t in parsed.inputs},
            "outputs": outputs,
            "ends": {network.get_output(i).name: origin(network.get_output(i))
                     for i in range(network.num_outputs)},
        }))
"""


@pytest.fixture(scope="module", params=[2, 3], ids=["2e", "3e"])
def networks(request: pytest.FixtureRequest, rtx: None, python: Python) -> Any:
    """By graph and form. The bundles share their interpolator, so 3E adds its fusion alone."""
    wanted = GRAPHS if request.param == 2 else (LRHDR,)
    found = python(INSPECT, str(request.param), *wanted)
    assert found.returncode == 0, found.stderr[-2000:]
    facts = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(facts) == len(wanted) * len(FORMS)
    return {(fact["graph"], fact["form"]): fact for fact in facts}


def of_form(networks: Any, form: str) -> list[Any]:
    return [fact for (_, found), fact in networks.items() if found == form]


def test_an_fp32_graph_has_nothing_in_fp16(networks: Any) -> None:
    for fact in of_form(networks, "fp32"):
        assert fact["halves"] == []


def test_warps_are_in_fp32_in_every_form(networks: Any) -> None:
    for form in FORMS:
        for fact in of_form(networks, form):
            if fact["graph"] in (FLOW, FUSE):
                assert fact["given"]["GRID_SAMPLE"] == fact["fed"]["GRID_SAMPLE"] == ["FLOAT"]


def test_an_fp16_graph_computes_more_than_convolutions_in_fp16(networks: Any) -> None:
    for fact in of_form(networks, "fp16"):
        assert {"CONVOLUTION", "ACTIVATION", "CONCATENATION"} <= set(fact["halves"])


def test_in_a_wide_one_convolutions_alone_compute_in_fp16(networks: Any) -> None:
    for fact in of_form(networks, "fp16-wide"):
        assert "CONVOLUTION" in fact["halves"]
        assert set(fact["halves"]) <= WIDE_HALVES
        assert fact["given"]["CONVOLUTION"] == fact["fed"]["CONVOLUTION"] == ["HALF"]
        assert fact["given"]["ACTIVATION"] == ["FLOAT"]


def test_widening_changes_types_and_no_wires(networks: Any) -> None:
    for wide in of_form(networks, "fp16-wide"):
        plain = networks[wide["graph"], "fp16"]
        assert wide["wires"] == plain["wires"]
        for what in ("inputs", "outputs", "ends"):
            assert wide[what] == plain[what]


BUILD = """
import sys
from pathlib import Path
from lrhdr_engines.build import BuildSettings, Shapes, Size, build_bundle, open_tensorrt
from lrhdr_engines.bundle import Bundle
open_tensorrt("tensorrt-rtx")
import standin_plugin, tensorrt_rtx
standin_plugin.register(tensorrt_rtx)
for form in ("fp16", "fp16-wide"):
    for engine in build_bundle(
        Bundle.open("lite", 2), Shapes.fixed(Size.parse("128x96")), form,
        BuildSettings(sms=(89,)), Path(sys.argv[1]), plugin=lambda: Path(standin_plugin.__file__),
        report=lambda line: print(line, file=sys.stderr), graphs=("film_extract", "lrhdr"),
    ):
        print(engine.path.name, engine.built, len(engine.plan))
"""


def test_a_wide_engine_is_built_and_kept_beside_the_plain_one(
    rtx: None, python: Python, tmp_path: Any
) -> None:
    for built in ("True", "False"):
        found = python(BUILD, str(tmp_path))
        assert found.returncode == 0, found.stderr[-2000:]
        rows = [line.split() for line in found.stdout.splitlines()]
        assert [row[0].split(".")[:2] for row in rows] == [
            [graph, form] for form in ("fp16", "fp16-wide") for graph in (EXTRACT, LRHDR)
        ]
        assert all(row[1] == built and int(row[2]) > 1_000_000 for row in rows)
    plans = [path.read_bytes() for path in tmp_path.glob("*.plan")]
    assert len(set(plans)) == 4


def test_the_forms_of_a_precision() -> None:
    assert [precision_of(form) for form in FORMS] == ["fp32", "fp16", "fp16"]
    assert [widened(form) for form in FORMS] == ["fp32", "fp16-wide", "fp16-wide"]
