from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrhdr.contract import PRECISIONS, Pyramids, signatures
from lrhdr.errors import BundleError
from lrhdr.manifest import FileEntry, GraphEntry, Manifest

ENTRY = FileEntry(path="film_flow.fp32.onnx", sha256="0" * 64, bytes=10)
GUIDED = Pyramids(channels=(11, 27, 27), fusion_levels=2, finest_flow=1, guided=True)


def manifest(exposures: int = 2, pyramids: Pyramids = GUIDED) -> Manifest:
    return Manifest(
        name=f"tiny-{exposures}e",
        model="lite",
        exposures=exposures,
        multiple=8,
        opset=18,
        pyramids=pyramids,
        graphs={
            name: GraphEntry(
                inputs=signature.inputs,
                outputs=signature.outputs,
                files={
                    p: FileEntry(path=f"{name}.{p}.onnx", sha256="ab" * 32, bytes=7)
                    for p in PRECISIONS
                },
            )
            for name, signature in signatures(exposures, pyramids).items()
        },
        goldens=FileEntry(path="goldens.npz", sha256="cd" * 32, bytes=8),
        weights=FileEntry(path="weights.safetensors", sha256="ef" * 32, bytes=9),
        made={"steps": [1, 2], "by": {"lrhdr": "1"}},
    )


RAW: dict[str, Any] = json.loads(manifest().to_json())


def refused(raw: object) -> str:
    with pytest.raises(BundleError) as caught:
        Manifest.from_json(raw if isinstance(raw, str) else json.dumps(raw), "the manifest")
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("exposures", [2, 3])
@pytest.mark.parametrize("guided", [False, True])
def test_a_manifest_survives_json(exposures: int, guided: bool) -> None:
    written = manifest(exposures, replace(GUIDED, guided=guided))
    assert Manifest.from_json(written.to_json(), "it") == written


def test_goldens_and_weights_may_be_absent() -> None:
    written = replace(manifest(), goldens=None, weights=None)
    assert Manifest.from_json(written.to_json(), "it") == written


def test_one_precision_is_enough() -> None:
    written = manifest()
    graphs = {
        name: replace(graph, files={"fp32": graph.files["fp32"]})
        for name, graph in written.graphs.items()
    }
    written = replace(written, graphs=graphs)
    assert Manifest.from_json(written.to_json(), "it") == written


@pytest.mark.parametrize("text", ["", "{", "lrhdr", "\x00"])
def test_text_that_is_no_json_is_refused(text: str) -> None:
    assert refused(text).startswith("the manifest is not JSON (")


@pytest.mark.parametrize("raw", [[], 3, "text", None])
def test_json_that_is_no_object_is_refused(raw: object) -> None:
    assert "the manifest is no JSON object" in refused(json.dumps(raw))


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_schema_is_refused(version: int) -> None:
    message = refused({**RAW, "schema": version})
    assert f"the manifest has schema version {version}; expected 1." in message
    assert "lrhdr-export onnx" in message


@pytest.mark.parametrize("key", sorted(set(RAW) - {"goldens", "weights"}))
def test_a_missing_field_is_named(key: str) -> None:
    assert key in refused({k: v for k, v in RAW.items() if k != key})


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("name", 3, "str"),
        ("model", None, "str"),
        ("exposures", "2", "int"),
        ("exposures", True, "int"),
        ("multiple", 8.0, "int"),
        ("opset", [18], "int"),
        ("made", [], "dict"),
    ],
)
def test_a_field_of_another_type_is_named(key: str, value: object, kind: str) -> None:
    message = refused({**RAW, key: value})
    assert f"the manifest: {key} is {value!r}; expected a value of type {kind}." in message


@pytest.mark.parametrize(("key", "value"), [("exposures", 1), ("exposures", 4), ("multiple", 0)])
def test_a_value_out_of_range_is_refused(key: str, value: int) -> None:
    assert "expected 2 or 3 exposures and a multiple of at least 1" in refused({**RAW, key: value})


@pytest.mark.parametrize("name", sorted(RAW["graphs"]))
def test_a_missing_graph_is_named(name: str) -> None:
    raw = copy.deepcopy(RAW)
    del raw["graphs"][name]
    assert f"the manifest has no graph {name}." in refused(raw)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "bild"),
        ("shape", ["1", "3", "W", "H"]),
        ("dtype", "compute"),
        ("range", [0.0, 2.0]),
    ],
)
def test_a_tensor_that_differs_from_the_contract_is_refused(key: str, value: object) -> None:
    raw = copy.deepcopy(RAW)
    raw["graphs"]["lrhdr"]["inputs"][0][key] = value
    assert "the tensors of graph lrhdr are not those of this version" in refused(raw)


def test_tensors_in_another_order_are_refused() -> None:
    raw = copy.deepcopy(RAW)
    raw["graphs"]["film_flow"]["inputs"].reverse()
    assert "the tensors of graph film_flow are not those" in refused(raw)


@pytest.mark.parametrize(
    "change",
    [
        {"fusion_levels": 4},
        {"fusion_levels": 1},
        {"finest_flow": -1},
        {"finest_flow": 2},
        {"channels": []},
        {"channels": ["11", 27, 27]},
        {"channels": [11, 27]},
        {"guided": 1},
    ],
)
def test_pyramids_that_do_not_fit_the_graphs_are_refused(change: dict[str, Any]) -> None:
    refused({**RAW, "pyramids": {**RAW["pyramids"], **change}})


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../other/file", "inner/../../file", "a/../file", "../.."]
)
def test_a_file_outside_the_bundle_is_refused(path: str) -> None:
    raw = copy.deepcopy(RAW)
    raw["weights"]["path"] = path
    assert "a bundle's file is called " in (message := refused(raw))
    assert "expected a path inside it or in a bundle beside it" in message


def test_a_file_of_the_bundle_beside_is_allowed() -> None:
    raw = copy.deepcopy(RAW)
    raw["weights"]["path"] = "../lite-2e/weights.safetensors"
    read = Manifest.from_json(json.dumps(raw), "it")
    assert read.weights is not None
    assert read.weights.path == "../lite-2e/weights.safetensors"


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside a JSON value."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path] * bool(path) + [p for key, item in inner for p in places(item, (*path, key))]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 99)
    | st.floats(allow_nan=False)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(place=st.sampled_from(places(RAW)), value=json_values)
def test_whatever_is_damaged_nothing_but_a_bundle_error_is_raised(
    place: tuple[Any, ...], value: object
) -> None:
    raw = copy.deepcopy(RAW)
    target: Any = raw
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    try:
        read = Manifest.from_json(json.dumps(raw), "it")
    except BundleError:
        return
    graphs = signatures(read.exposures, read.pyramids)
    assert all(read.graphs[name].inputs == graph.inputs for name, graph in graphs.items())


def test_a_file_is_described_and_verified(tmp_path: Path) -> None:
    content = b"some graph"
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file.onnx").write_bytes(content)
    entry = FileEntry.of(tmp_path, "inner/file.onnx")
    assert entry.path == "inner/file.onnx"
    assert entry.bytes == len(content)
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
    assert entry.verified(tmp_path) == tmp_path / "inner" / "file.onnx"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"other graph", r"has 11 bytes; expected 10 as manifest\.json says"),
        (b"same size!", r"has been changed: its SHA-256 starts with [0-9a-f]{12}; expected"),
    ],
)
def test_a_changed_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / ENTRY.path).write_bytes(b"some graph")
    entry = FileEntry.of(tmp_path, ENTRY.path)
    (tmp_path / ENTRY.path).write_bytes(content)
    with pytest.raises(BundleError, match=message):
        entry.verified(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"film_flow\.fp32\.onnx cannot be read \(No such file"):
        ENTRY.verified(tmp_path)
