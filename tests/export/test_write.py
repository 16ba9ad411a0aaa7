from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors import SafetensorError

import lrhdr_export.write
from lrhdr.contract import (
    EXTRACT,
    FILM,
    FLOW,
    FUSE,
    GOLDENS,
    LRHDR,
    LRHDR_MASKS,
    MANIFEST,
    PRECISIONS,
    WEIGHTS,
    Precision,
)
from lrhdr.errors import OutputError
from lrhdr.manifest import Manifest
from lrhdr.model.network import Network
from lrhdr.model.weights import load_weights, read_notes
from lrhdr_engines.bundle import Bundle
from lrhdr_export.onnx_export import OPSET, Graphs
from lrhdr_export.write import write_bundle

INTERPOLATOR = (EXTRACT, FLOW, FUSE, FILM)
GRAPHS = (*INTERPOLATOR, LRHDR, LRHDR_MASKS)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def no_space(*args: object) -> onnx.ModelProto:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("exposures", [2, 3])
def test_the_manifest_reads_back(
    exported: Any, networks: dict[int, Network], exposures: int
) -> None:
    folder, network = exported.folders[exposures], networks[exposures]
    manifest = Bundle.open(folder, exposures).manifest
    # `made` holds tuples before it goes through JSON.
    assert manifest.to_json() == exported.manifests[exposures].to_json()
    assert (manifest.name, manifest.model) == (f"tiny-{exposures}e", "lite")
    assert (manifest.multiple, manifest.opset) == (4, OPSET)
    assert manifest.pyramids == network.config.film.pyramids
    assert set(manifest.graphs) == set(GRAPHS)
    assert manifest.made["training"] == {"untrained": True, "by": "the tests"}
    assert {"lrhdr", "python", "torch", "onnx"} <= set(manifest.made["versions"])


@pytest.mark.parametrize("exposures", [2, 3])
def test_every_hash_is_that_of_the_file(exported: Any, exposures: int) -> None:
    folder, manifest = exported.folders[exposures], exported.manifests[exposures]
    entries = [f for graph in manifest.graphs.values() for f in graph.files.values()]
    assert len(entries) == len(GRAPHS) * len(PRECISIONS)
    for entry in (*entries, manifest.goldens, manifest.weights):
        content = (folder / entry.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry.sha256
        assert len(content) == entry.bytes


def test_the_weights_are_those_of_the_network(exported: Any, networks: dict[int, Network]) -> None:
    file = exported.folders[2] / WEIGHTS
    loaded = load_weights(file)
    assert loaded.config == networks[2].config
    assert read_notes(file) == {"untrained": True, "by": "the tests"}
    expected = networks[2].state_dict()
    for key, value in loaded.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), expected[key].numpy(), err_msg=key)


def test_a_bundle_alone_holds_all_its_files(exported: Any) -> None:
    graphs = {f"{graph}.{precision}.onnx" for graph in GRAPHS for precision in PRECISIONS}
    assert set(contents(exported.folders[2])) == graphs | {MANIFEST, GOLDENS, WEIGHTS}
    assert all(line.endswith("MB, written") for line in exported.reports[2])


def test_equal_files_are_shared(exported: Any) -> None:
    own = {f"{graph}.{p}.onnx" for graph in (LRHDR, LRHDR_MASKS) for p in PRECISIONS}
    assert set(contents(exported.folders[3])) == own | {MANIFEST, GOLDENS, WEIGHTS}
    bundle = Bundle.open(exported.folders[3], 3)
    for graph in GRAPHS:
        for precision in PRECISIONS:
            file = bundle.graph(graph, precision).resolve()
            home = 2 if graph in INTERPOLATOR else 3
            assert file.parent == exported.folders[home].resolve()
    shared = [line for line in exported.reports[3] if line.endswith(", shared")]
    assert len(shared) == len(INTERPOLATOR) * len(PRECISIONS)


def test_folders_next_to_bundles_stay_clean(exported: Any) -> None:
    root = exported.folders[2].parent
    assert sorted(path.name for path in root.iterdir()) == ["tiny-2e", "tiny-3e"]


@pytest.mark.usefixtures("traced")
def test_a_new_folder_can_be_read_by_others(networks: dict[int, Network], tmp_path: Path) -> None:
    write_bundle(networks[2], tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o755


def test_an_existing_folder_is_refused(
    networks: dict[int, Network], bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Refused at once: nothing is traced first.
    monkeypatch.setattr(lrhdr_export.write, "export_interpolator", no_space)
    before = contents(bundle)
    with pytest.raises(OutputError, match=r"tiny-2e exists\. Give another -o, or add --overwrite"):
        write_bundle(networks[2], bundle)
    assert contents(bundle) == before


@pytest.mark.usefixtures("traced")
def test_overwrite_replaces_a_bundle_whole(networks: dict[int, Network], bundle: Path) -> None:
    (bundle / "stale.onnx").write_bytes(b"of an older version")
    write_bundle(networks[2], bundle, notes={"second": True}, overwrite=True)
    assert not (bundle / "stale.onnx").exists()
    assert Bundle.open(bundle, 2).manifest.made["training"] == {"second": True}
    assert [path.name for path in bundle.parent.iterdir()] == ["tiny-2e"]


@pytest.mark.usefixtures("traced")
def test_overwrite_takes_an_empty_folder(networks: dict[int, Network], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_bundle(networks[2], tmp_path / "empty", overwrite=True)
    assert Bundle.open(tmp_path / "empty", 2).manifest.name == "empty"


@pytest.mark.usefixtures("traced")
def test_overwrite_takes_a_bundle_of_another_version(
    networks: dict[int, Network], bundle: Path
) -> None:
    (bundle / MANIFEST).write_text('{"schema": 99, "graphs": {}}')
    write_bundle(networks[2], bundle, overwrite=True)
    assert Bundle.open(bundle, 2).manifest.schema == 1


@pytest.mark.parametrize(
    "files",
    [
        {"thesis.tex": "years of work"},
        {"photos/holiday.jpg": "irreplaceable"},
        {"manifest.json": '{"name": "my web page", "icons": []}', "index.html": "<p>"},
        {"manifest.json": "not JSON"},
        {"manifest.json": "[]"},
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_is_no_bundle_is_never_replaced(
    networks: dict[int, Network], tmp_path: Path, files: dict[str, str], overwrite: bool
) -> None:
    folder = tmp_path / "mine"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    before = contents(tmp_path)
    wanted = r"mine is no bundle and holds .*; expected a folder with a bundle's manifest\.json"
    with pytest.raises(OutputError, match=wanted if overwrite else "mine exists"):
        write_bundle(networks[2], folder, overwrite=overwrite)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_is_never_replaced(
    networks: dict[int, Network], tmp_path: Path, overwrite: bool
) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="out is a file; expected a folder"):
        write_bundle(networks[2], tmp_path / "out", overwrite=overwrite)
    assert contents(tmp_path) == {"out": b"a file"}


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_somebody_fills_meanwhile_survives(
    networks: dict[int, Network], tmp_path: Path, overwrite: bool
) -> None:
    folder = tmp_path / "out"

    def interfere(line: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "notes.txt").write_text("precious")

    with pytest.raises(OutputError):
        write_bundle(networks[2], folder, overwrite=overwrite, report=interfere)
    assert contents(tmp_path) == {"out/notes.txt": b"precious"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_failure_in_the_middle_leaves_nothing_behind(
    networks: dict[int, Network],
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    overwrite: bool,
) -> None:
    monkeypatch.setattr(lrhdr_export.write, "export_interpolator", no_space)
    before = contents(bundle.parent)
    target = bundle if overwrite else bundle.with_name("new")
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)"):
        write_bundle(networks[2], target, overwrite=overwrite)
    assert contents(bundle.parent) == before
    assert [path.name for path in bundle.parent.iterdir()] == ["tiny-2e"]


@pytest.mark.usefixtures("traced")
def test_a_disk_that_fills_up_with_the_weights(
    networks: dict[int, Network], bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr(lrhdr_export.write, "save_weights", fail)
    before = contents(bundle.parent)
    with pytest.raises(OutputError, match="No space left on device"):
        write_bundle(networks[2], bundle, overwrite=True)
    assert contents(bundle.parent) == before
    assert [path.name for path in bundle.parent.iterdir()] == ["tiny-2e"]


@pytest.mark.usefixtures("traced")
def test_an_interruption_leaves_the_old_bundle(networks: dict[int, Network], bundle: Path) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    before = contents(bundle.parent)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(networks[2], bundle, overwrite=True, report=interrupt)
    assert contents(bundle.parent) == before
    assert [path.name for path in bundle.parent.iterdir()] == ["tiny-2e"]


@pytest.mark.usefixtures("traced")
def test_a_failure_of_the_last_step_restores_the_old_bundle(
    networks: dict[int, Network], bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(bundle.parent)
    rename, calls = os.rename, []

    def second_fails(self: Path, target: Path) -> Path:
        calls.append((self.name, target.name))
        if len(calls) == 2:
            raise OSError(errno.EBUSY, "Device or resource busy")
        rename(self, target)
        return target

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(OutputError, match="Device or resource busy"):
        write_bundle(networks[2], bundle, overwrite=True)
    assert len(calls) == 3
    assert contents(bundle.parent) == before
    assert [path.name for path in bundle.parent.iterdir()] == ["tiny-2e"]


@pytest.mark.usefixtures("traced")
def test_a_link_to_a_bundle_stays_a_link(networks: dict[int, Network], bundle: Path) -> None:
    link = bundle.with_name("latest")
    link.symlink_to(bundle.name)
    write_bundle(networks[2], link, notes={"second": True}, overwrite=True)
    assert link.is_symlink()
    assert Bundle.open(bundle, 2).manifest.made["training"] == {"second": True}


def test_a_missing_parent(networks: dict[int, Network], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"the folder .*nowhere does not exist\. Create it"):
        write_bundle(networks[2], tmp_path / "nowhere" / "out")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("shared", ["elsewhere/tiny-2e", "out"])
def test_only_a_neighbour_can_be_shared(
    networks: dict[int, Network], tmp_path: Path, shared: str
) -> None:
    # Nor the folder itself, whose files are about to go.
    with pytest.raises(OutputError, match=r"is not beside .*out; expected a bundle beside it"):
        write_bundle(networks[2], tmp_path / "out", shared=tmp_path / shared)
    assert not contents(tmp_path)


@pytest.mark.usefixtures("traced")
def test_files_that_differ_are_not_shared(networks: dict[int, Network], bundle: Path) -> None:
    twin = bundle / "lrhdr.fp32.onnx"
    twin.write_bytes(twin.read_bytes() + b" ")
    manifest = write_bundle(networks[2], bundle.with_name("out"), shared=bundle)
    files = {name: entry.files["fp32"].path for name, entry in manifest.graphs.items()}
    assert files["lrhdr"] == "lrhdr.fp32.onnx"
    assert files["film"] == "../tiny-2e/film.fp32.onnx"


@pytest.mark.usefixtures("traced")
def test_an_equal_interpolator_is_not_traced_again(
    networks: dict[int, Network], bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless a file of it was damaged, or it is another one."""
    traced: list[str] = []
    for part in ("export_interpolator", "export_fusion"):
        export: Callable[[Network, Precision], Graphs] = getattr(lrhdr_export.write, part)

        def noted(
            network: Network,
            precision: Precision,
            export: Callable[[Network, Precision], Graphs] = export,
        ) -> Graphs:
            for name, model in export(network, precision):
                traced.append(name)
                yield name, model

        monkeypatch.setattr(lrhdr_export.write, part, noted)
    write_bundle(networks[2], bundle.with_name("equal"), shared=bundle)
    assert set(traced) == {LRHDR, LRHDR_MASKS}

    damaged = bundle / "film_flow.fp16.onnx"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    traced.clear()
    manifest = write_bundle(networks[2], bundle.with_name("after"), shared=bundle)
    assert set(traced) == set(GRAPHS)
    assert manifest.graphs[FLOW].files["fp16"].path == damaged.name
    assert (bundle.with_name("after") / damaged.name).read_bytes() == whole


@pytest.mark.usefixtures("traced")
def test_a_bundle_here_and_now_can_be_shared(
    networks: dict[int, Network], bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bundle)
    write_bundle(networks[2], Path("../out"), shared=Path())
    monkeypatch.chdir(bundle.parent)
    text = Path("out", MANIFEST).read_text()
    files = Manifest.from_json(text, MANIFEST).graphs["film"].files
    assert files["fp32"].path == "../tiny-2e/film.fp32.onnx"
    assert json.loads(text)["name"] == "out"
    Bundle.open(Path("out"), 2).graph("film", "fp32")
