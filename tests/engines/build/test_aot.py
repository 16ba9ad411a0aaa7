"""Real builds by TensorRT-RTX, without a GPU. Each process builds several: it is slow to load."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, LRHDR_MASKS

Python = Callable[..., subprocess.CompletedProcess[str]]

BUILD = """
import hashlib, json, sys
from pathlib import Path
from lrhdr_engines.build import BuildSettings, Shapes, Size, build_bundle, open_tensorrt
from lrhdr_engines.bundle import Bundle
folder, library, wanted = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
tensorrt = open_tensorrt("tensorrt-rtx")
if library == "standin":
    import standin_plugin, tensorrt_rtx
    standin_plugin.register(tensorrt_rtx)
    library = standin_plugin.__file__
for exposures, size, sms, graphs in wanted:
    shapes = Shapes.parse(size) if "," in size else Shapes.fixed(Size.parse(size))
    for engine in build_bundle(
        Bundle.open("lite", exposures), shapes, "fp16", BuildSettings(sms=tuple(sms)), folder,
        plugin=lambda: Path(library), report=lambda line: print(line, file=sys.stderr),
        graphs=tuple(graphs),
    ):
        facts = [exposures, size, engine.graph, list(engine.sms), engine.built,
                 len(engine.plan), hashlib.sha256(engine.plan).hexdigest()]
        print(json.dumps(facts))
"""

STREAMING = [EXTRACT, FLOW, FUSE, LRHDR]


def build(python: Python, folder: Path, library: str, wanted: list[Any]) -> list[list[Any]]:
    found = python(BUILD, str(folder), library, json.dumps(wanted))
    assert found.returncode == 0, found.stderr[-2000:]
    return [json.loads(line) for line in found.stdout.splitlines()]


@pytest.fixture(scope="module")
def engines(rtx: None, python: Python, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(folder, facts) of both bundles at two sizes, the second of which needs padding."""
    folder = tmp_path_factory.mktemp("engines")
    wanted = [
        [exposures, size, [89], STREAMING] for size in ("256x256", "150x90") for exposures in (2, 3)
    ]
    return folder, build(python, folder, "standin", wanted)


def test_every_graph_of_both_bundles_is_built(engines: Any) -> None:
    folder, facts = engines
    assert [(f[0], f[1], f[2]) for f in facts] == [
        (exposures, size, graph)
        for size in ("256x256", "150x90")
        for exposures in (2, 3)
        for graph in STREAMING
    ]
    assert all(size > 1_000_000 for *_, size, _ in facts)
    # The bundles share their interpolator, and so its engines.
    assert [f[2] for f in facts if not f[4]] == [EXTRACT, FLOW, FUSE] * 2
    assert len(list(folder.glob("*.160x96.*.plan"))) == 5


def test_another_process_builds_the_same_bytes(
    engines: Any, python: Python, tmp_path: Path
) -> None:
    again = build(python, tmp_path, "standin", [[2, "150x90", [89], [EXTRACT, LRHDR]]])
    before = {f[2]: f[6] for f in engines[1] if f[:2] == [2, "150x90"]}
    assert all(built for *_, built, _, _ in again)
    assert {f[2]: f[6] for f in again} == {graph: before[graph] for graph in (EXTRACT, LRHDR)}


def test_one_plan_for_several_sms_and_one_for_turing(
    rtx: None, python: Python, tmp_path: Path
) -> None:
    wanted = [[2, "64x64", [75, 86, 89, 120], [EXTRACT]], [2, "64x64", [89], [EXTRACT]]]
    facts = build(python, tmp_path, "standin", wanted)
    # The last one is served by the plan that is also for 86 and 120.
    assert [(f[3], f[4]) for f in facts] == [([75], True), ([86, 89, 120], True), ([89], False)]


def test_a_range_of_sizes(rtx: None, python: Python, tmp_path: Path) -> None:
    wanted = [[2, "64x64,128x96,256x128", [89], [EXTRACT, LRHDR]]]
    assert [f[2] for f in build(python, tmp_path, "standin", wanted)] == [EXTRACT, LRHDR]


def test_with_the_plugin_library_itself(
    plugin_library: Path, python: Python, tmp_path: Path
) -> None:
    wanted = [[exposures, "64x64", [], [LRHDR, LRHDR_MASKS]] for exposures in (2, 3)]
    facts = build(python, tmp_path, str(plugin_library), wanted)
    assert len(facts) == 4
    sidecars = [json.loads(file.read_text()) for file in tmp_path.glob("*.json")]
    assert all(len(sidecar["recipe"]["plugin_sha256"]) == 64 for sidecar in sidecars)


def test_too_little_workspace_is_explained(rtx: None, python: Python) -> None:
    code = """
from lrhdr_engines.build import BuildSettings, Shapes, Size, build_engine
from lrhdr_engines.bundle import Bundle
from lrhdr.errors import BackendError
try:
    build_engine(Bundle.open("lite", 2), "film_extract", Shapes.fixed(Size.parse("640x360")),
        "fp16", BuildSettings(sms=(89,), workspace_mb=1), plugin=None, report=print)
except BackendError as error:
    print("refused:", error)
"""
    found = python(code)
    assert "could not build graph film_extract" in found.stdout, found.stdout + found.stderr
    assert "memory ran out: raise --workspace" in found.stdout


def test_a_library_that_is_none_is_refused(rtx: None, python: Python, tmp_path: Path) -> None:
    library = tmp_path / "liblrhdr_plugin.so"
    library.write_bytes(b"no library")
    found = python(BUILD, str(tmp_path), str(library), json.dumps([[2, "64x64", [89], [LRHDR]]]))
    assert "BackendError: the plugin library" in found.stderr
    assert not list(tmp_path.glob("*.plan"))


def libraries() -> Path:
    """The wheel's folder, found without loading what is in it."""
    spec = importlib.util.find_spec("tensorrt_rtx_libs")
    if spec is None or spec.origin is None:
        pytest.skip("TensorRT-RTX is not installed as a wheel")
    return Path(spec.origin).parent


class TestThePackagingTrap:
    """The wheel without `libtensorrt_rtx.so`: its parser ends the process at the first plugin."""

    PARSE = """
import sys
if sys.argv[1] == "ours":
    from lrhdr_engines.build import open_tensorrt
    open_tensorrt("tensorrt-rtx")
import standin_plugin, tensorrt_rtx as trt
standin_plugin.register(trt)
log = trt.Logger(trt.Logger.ERROR)
network = trt.Builder(log).create_network(1)
from lrhdr_engines.bundle import Bundle
model = Bundle.open("lite", 2).graph("lrhdr", "fp16").read_bytes()
print("parsed", trt.OnnxParser(network, log).parse(model))
"""

    def test_the_links_cure_it(self, rtx: None, python: Python) -> None:
        assert python(self.PARSE, "ours").stdout.endswith("parsed True\n")

    def test_it_is_still_there_without_them(self, rtx: None, python: Python) -> None:
        folder = libraries()
        if (folder / "libtensorrt_rtx.so").exists() or not list(folder.glob("*.so.*")):
            pytest.skip("this package has the library's plain name")
        assert python(self.PARSE, "theirs").returncode != 0

    def test_a_package_imported_too_early_is_refused(self, rtx: None, python: Python) -> None:
        code = "import tensorrt_rtx\nfrom lrhdr_engines.build import open_tensorrt\n"
        found = python(code + 'open_tensorrt("tensorrt-rtx")')
        assert "BackendError: tensorrt_rtx was imported before lrhdr" in found.stderr

    def test_site_packages_are_left_alone(self, rtx: None, python: Python) -> None:
        folder = libraries()
        before = sorted(folder.iterdir())
        python(self.PARSE, "ours")
        assert sorted(folder.iterdir()) == before
