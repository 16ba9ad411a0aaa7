from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from lrhdr.contract import GOLDENS, MANIFEST, PRECISIONS, WEIGHTS
from lrhdr.errors import BundleError
from lrhdr.manifest import FileEntry
from lrhdr_export.verify import Measurement, distance, verify_bundle


def damage_weights(folder: Path, graph: str, precision: str) -> None:
    """Change a convolution's weights in a graph, and make the manifest agree."""
    name = f"{graph}.{precision}.onnx"
    model = onnx.load(folder / name)
    kernel = next(node.input[1] for node in model.graph.node if node.op_type == "Conv")
    tensor = next(t for t in model.graph.initializer if t.name == kernel)
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * 1.5, kernel))
    onnx.save(model, folder / name)
    manifest = json.loads((folder / MANIFEST).read_text())
    entry = FileEntry.of(folder, name)
    manifest["graphs"][graph]["files"][precision] = asdict(entry)
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize("exposures", [2, 3])
def test_a_good_bundle_passes(exported: Any, exposures: int) -> None:
    found = list(verify_bundle(exported.folders[exposures]))
    graphs = exported.manifests[exposures].graphs
    assert [(m.graph, m.precision) for m in found] == [(g, p) for g in graphs for p in PRECISIONS]
    assert [str(m) for m in found if not m.passed] == []
    # FP16 must be seen to be coarser, or the wrong file was measured.
    for single, half in zip(found[::2], found[1::2], strict=True):
        assert 0.0 < single.error < half.error


@pytest.mark.parametrize(
    ("graph", "precision"),
    [("film_extract", "fp16"), ("lrhdr", "fp32")],
)
def test_damaged_weights_are_a_breach(bundle: Path, graph: str, precision: str) -> None:
    damage_weights(bundle, graph, precision)
    found = {(m.graph, m.precision): m for m in verify_bundle(bundle)}
    assert len(found) == 12
    assert [key for key, m in found.items() if not m.passed] == [(graph, precision)]
    assert str(found[graph, precision]).endswith("BREACH")  # type: ignore[index]


@pytest.mark.parametrize("file", ["film_extract.fp32.onnx", WEIGHTS, GOLDENS])
def test_a_changed_byte_is_refused(bundle: Path, file: str) -> None:
    content = bytearray((bundle / file).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / file).write_bytes(content)
    with pytest.raises(BundleError, match=f"{file} has been changed"):
        next(verify_bundle(bundle))


@pytest.mark.parametrize("part", ["weights", "goldens"])
def test_a_bundle_without_a_reference(bundle: Path, part: str) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps(manifest | {part: None}))
    with pytest.raises(BundleError, match="holds no weights or no goldens to measure against"):
        next(verify_bundle(bundle))


def test_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no model bundle in .*: manifest.json cannot be read"):
        next(verify_bundle(tmp_path))
    (tmp_path / MANIFEST).write_bytes(b"\xff\xfe")
    with pytest.raises(BundleError, match=r"manifest.json cannot be read"):
        next(verify_bundle(tmp_path))


def test_distance_of_an_image_is_in_the_tonemapped_domain() -> None:
    exact = np.zeros((1, 3, 2, 2))
    found = exact.copy()
    found[0, 0, 0, 0] = 1.0
    error, decibels = distance("hdr", found, exact)
    assert error == pytest.approx(1.0)
    assert decibels == pytest.approx(10 * np.log10(12))
    # T(1e-4) = log(1.5) / log(5001)
    error, _ = distance("hdr", exact + 1e-4, exact)
    assert error == pytest.approx(np.log(1.5) / np.log(5001))
    gamma, _ = distance("interpolated", exact + 1e-4 ** (1 / 2.2), exact)
    assert gamma == pytest.approx(np.log(1.5) / np.log(5001))


def test_distance_of_a_tensor_is_relative_to_its_peak() -> None:
    exact = np.array([1.0, -200.0])
    error, decibels = distance("flow_ab_1", exact + 2.0, exact)
    assert error == pytest.approx(0.01)
    assert decibels == pytest.approx(40.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_the_worst(bad: float) -> None:
    exact = np.full((1, 3, 2, 2), 0.5)
    found = exact.copy()
    found[0, 0, 0, 0] = bad
    for name in ("hdr", "interpolated", "pyramid_0"):
        assert distance(name, found, exact) == (float("inf"), 0.0)


def test_the_line_for_the_screen() -> None:
    line = str(
        Measurement(graph="film", precision="fp16", error=0.00123, decibels=61.26, passed=True)
    )
    assert line == "film          fp16  max 1.2e-03    61.3 dB  ok"
