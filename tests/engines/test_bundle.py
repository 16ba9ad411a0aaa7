from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lrhdr.contract import MANIFEST
from lrhdr.errors import BundleError
from lrhdr_engines import open_model
from lrhdr_engines.bundle import Bundle


@pytest.fixture
def copy(tiny: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny.folder, tmp_path / "bundle"))


@pytest.mark.parametrize("graph", ["film_extract", "film_flow", "film_fuse", "lrhdr"])
def test_a_changed_byte_is_refused(copy: Path, graph: str) -> None:
    file = copy / f"{graph}.fp32.onnx"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match=f"{graph}.fp32.onnx has been changed"):
        open_model(copy)


def test_a_changed_byte_elsewhere_does_not_matter(copy: Path) -> None:
    (copy / "lrhdr.fp16.onnx").write_bytes(b"another precision")
    open_model(copy, engine="fp32")


def test_a_truncated_file_is_refused(copy: Path) -> None:
    file = copy / "lrhdr.fp32.onnx"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"lrhdr.fp32.onnx has \d+ bytes; expected \d+"):
        open_model(copy)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "film_flow.fp32.onnx").unlink()
    with pytest.raises(BundleError, match=r"film_flow\.fp32\.onnx cannot be read"):
        open_model(copy)


def test_masks_are_verified_when_they_are_asked_for(copy: Path, make_frames: Any) -> None:
    (copy / "lrhdr_masks.fp32.onnx").write_bytes(b"")
    model = open_model(copy)
    with pytest.raises(BundleError, match=r"lrhdr_masks\.fp32\.onnx"):
        next(model.stream(make_frames(3), (0, -3), masks=True))


def test_the_number_of_exposures_must_fit(copy: Path) -> None:
    with pytest.raises(BundleError, match="is for 2 exposures; expected one for 3"):
        Bundle.open(copy, 3)


def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="neither a shipped model nor a folder; expected lite"):
        Bundle.open("nonsense", 2)
    with pytest.raises(BundleError, match=f"{MANIFEST} cannot be read"):
        Bundle.open(tmp_path, 2)


def edit(folder: Path, **changes: Any) -> None:
    file = folder / MANIFEST
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 99}, "schema version 99; expected 1"),
        ({"exposures": "2"}, "exposures is '2'; expected a value of type int"),
        ({"exposures": 4}, "for 4 exposures"),
        ({"multiple": 0}, "multiples of 0"),
        ({"multiple": True}, "multiple is True"),
        ({"graphs": {}}, "has no graph film_extract"),
        ({"pyramids": None}, "pyramids is no JSON object"),
        ({"weights": {"path": "/etc/hosts", "sha256": "", "bytes": 0}}, "is called /etc/hosts"),
        ({"weights": {"path": "../../x", "sha256": "", "bytes": 0}}, "is called ../../x"),
    ],
)
def test_a_manifest_that_makes_no_sense(copy: Path, changes: Any, message: str) -> None:
    edit(copy, **changes)
    with pytest.raises(BundleError, match=message):
        Bundle.open(copy, 2)


def test_graphs_of_another_version_are_refused(copy: Path) -> None:
    graphs = json.loads((copy / MANIFEST).read_text())["graphs"]
    graphs["lrhdr"]["inputs"][0]["name"] = "image_0"
    edit(copy, graphs=graphs)
    with pytest.raises(BundleError, match="tensors of graph lrhdr are not those"):
        Bundle.open(copy, 2)


def test_a_precision_that_is_not_there(copy: Path) -> None:
    graphs = json.loads((copy / MANIFEST).read_text())["graphs"]
    del graphs["film_fuse"]["files"]["fp16"]
    edit(copy, graphs=graphs)
    open_model(copy, engine="fp32")
    with pytest.raises(BundleError, match="no fp16 file of graph film_fuse; expected fp32"):
        open_model(copy, engine="fp16")


def test_a_manifest_that_is_no_json(copy: Path) -> None:
    (copy / MANIFEST).write_text("{")
    with pytest.raises(BundleError, match="is not JSON"):
        Bundle.open(copy, 2)


def test_round_trip(copy: Path) -> None:
    manifest = Bundle.open(copy, 2).manifest
    assert type(manifest).from_json(manifest.to_json(), "text") == manifest
