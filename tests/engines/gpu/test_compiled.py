"""TensorRT-RTX's runtime cache: files, and a fake that records what the loader asks of it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrhdr.errors import BackendError, OutputError
from lrhdr_engines.build.gpu import Gpu
from lrhdr_engines.build.recipe import Recipe
from lrhdr_engines.gpu import compiled
from lrhdr_engines.gpu.compiled import CompiledKernels
from lrhdr_engines.gpu.loader import PlanLoader

RECIPE = Recipe(
    graph="film_flow",
    precision="fp16",
    shapes="1920x1088",
    onnx_sha256="a" * 64,
    builder="tensorrt-rtx",
    version="1.7.1",
    cuda="13",
    gpu="any",
    sms=(89,),
    optimisation_level=None,
    workspace_mb=None,
)
ORDER: Any = SimpleNamespace(graph="film_flow", plugin=None, recipe=RECIPE)


class Package:
    """What of tensorrt_rtx is used: a cache that grows by "+" where a context is made of it."""

    class ILogger:
        def __init__(self) -> None:
            pass

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.content, self.takes = b"", True
        self.bad: set[bytes] = set()  # contents that let no context be made

    def Runtime(self, log: Any) -> Any:
        return SimpleNamespace(deserialize_cuda_engine=lambda plan: self)

    # ICudaEngine
    def create_runtime_config(self) -> Any:
        self.calls.append("config")
        self.content = b""
        return self

    def create_execution_context(self, *config: Any) -> Any:
        self.calls.append(("context", *("with the config" for _ in config)))
        return None if self.content in self.bad else "a context"

    # IRuntimeConfig
    def create_runtime_cache(self) -> Any:
        self.calls.append("cache")
        return self

    def set_runtime_cache(self, cache: Any) -> bool:
        self.calls.append("set")
        return True

    # IRuntimeCache
    def deserialize(self, blob: bytes) -> bool:
        self.calls.append(("deserialize", blob))
        self.content = blob if self.takes else b""
        return self.takes

    def serialize(self) -> Any:
        return memoryview(self.content)


class Start:
    """One start of the program on a GPU."""

    def __init__(self, folder: Path, *, gpu: str = "4090", driver: str = "580.1") -> None:
        self.lines: list[str] = []
        self.package = Package()
        self.kernels = CompiledKernels(
            folder=folder, gpu=Gpu(name=gpu, sm=89), driver=driver, report=self.lines.append
        )
        self.loader = self.opened("tensorrt-rtx")

    def opened(self, builder: str) -> PlanLoader:
        keeps = builder == "tensorrt-rtx"
        tensorrt: Any = SimpleNamespace(lock=threading.Lock(), keeps_runtime_cache=keeps)
        return PlanLoader(tensorrt, self.package, self.kernels)

    def run(self, kernels: bytes) -> bytes:
        """Load the plan, compile `kernels`, and save; what was taken from the file."""
        assert self.loader.load(ORDER, b"plan") == "a context"
        taken, self.package.content = self.package.content, kernels
        self.loader.save()
        return taken


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def test_what_is_compiled_once_is_loaded_before_the_next_context(tmp_path: Path) -> None:
    first = Start(tmp_path)
    assert first.run(b"kernels") == b""
    made = ["config", "cache", "set", ("context", "with the config")]
    assert first.package.calls == made
    second = Start(tmp_path)
    assert second.run(b"kernels") == b"kernels"
    assert second.package.calls == [*made[:2], ("deserialize", b"kernels"), *made[2:]]
    assert first.lines == second.lines == []


def test_it_lies_beside_the_plan_with_its_checksum(tmp_path: Path) -> None:
    start = Start(tmp_path)
    start.run(b"kernels")
    path = start.kernels.path(RECIPE)
    assert files(tmp_path) == [path.name, f"{path.name}.json"]
    assert path.name.startswith(RECIPE.filename.removesuffix(".plan"))
    said = json.loads((tmp_path / f"{path.name}.json").read_text())
    assert (said["gpu"], said["sm"], said["driver"]) == ("4090", 89, "580.1")
    assert (said["recipe"], said["bytes"]) == (RECIPE.digest, 7)


def test_it_is_written_only_when_it_grew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Start(tmp_path).run(b"kernels")
    start = Start(tmp_path)
    written: list[bytes] = []
    monkeypatch.setattr(compiled, "keep_whole", lambda path, content: written.append(content))
    start.run(b"kernels")
    assert written == []
    start.package.content = b"kernels and more"
    for _ in range(2):
        start.loader.save()
    assert [content for content in written if b"{" not in content] == [b"kernels and more"]


@pytest.mark.parametrize("other", [{"gpu": "5090"}, {"driver": "590.2"}])
def test_another_gpu_or_driver_has_its_own(tmp_path: Path, other: Any) -> None:
    Start(tmp_path).run(b"kernels")
    assert Start(tmp_path, **other).run(b"others") == b""
    assert Start(tmp_path).run(b"kernels") == b"kernels"
    assert len(files(tmp_path)) == 4


def test_another_recipe_has_its_own(tmp_path: Path) -> None:
    kernels = Start(tmp_path).kernels
    kernels.keep(RECIPE, b"kernels")
    assert kernels.read(replace(RECIPE, version="1.8.0")) == b""


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_flipped_or_missing_byte_is_thrown_away_with_a_note(tmp_path: Path, data: Any) -> None:
    start = Start(tmp_path)
    start.kernels.keep(RECIPE, b"kernels")
    path = start.kernels.path(RECIPE)
    file = data.draw(st.sampled_from([path, path.with_name(f"{path.name}.json")]))
    content = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(content) - 2))  # the sidecar's last byte is a line's end
    if data.draw(st.booleans()):
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[at:]
    file.write_bytes(content)
    assert start.run(b"kernels") == b""
    (line,) = start.lines
    assert line.startswith("film_flow: the kept kernels are damaged, and are compiled again: ")
    # What was compiled instead is good.
    assert Start(tmp_path).run(b"kernels") == b"kernels"


@pytest.mark.parametrize("lost", ["kernels", "sidecar"])
def test_one_file_without_the_other_is_nothing(tmp_path: Path, lost: str) -> None:
    start = Start(tmp_path)
    start.kernels.keep(RECIPE, b"kernels")
    path = start.kernels.path(RECIPE)
    (path if lost == "kernels" else path.with_name(f"{path.name}.json")).unlink()
    assert start.run(b"kernels") == b""
    assert len(start.lines) == (lost == "sidecar")


def test_what_tensorrt_refuses_is_thrown_away(tmp_path: Path) -> None:
    Start(tmp_path).run(b"kernels")
    start = Start(tmp_path)
    start.package.takes = False
    start.run(b"again")
    assert "the kept kernels are not taken by TensorRT-RTX" in start.lines[0]
    assert Start(tmp_path).run(b"again") == b"again"


def test_kernels_that_let_no_context_be_made_are_thrown_away(tmp_path: Path) -> None:
    Start(tmp_path).run(b"kernels")
    start = Start(tmp_path)
    start.package.bad = {b"kernels"}
    start.run(b"again")
    assert "the kept kernels let no context be made" in start.lines[0]
    start.package.bad = {b"again", b""}  # it is not their fault
    with pytest.raises(BackendError, match="engine of film_flow does not load"):
        start.run(b"")


def test_a_full_disk_costs_a_line_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr(compiled, "keep_whole", full)
    start = Start(tmp_path)
    start.run(b"kernels")
    assert start.lines == ["film_flow: will be compiled again at the next start: the disk is full."]


def test_tensorrt_has_none(tmp_path: Path) -> None:
    start = Start(tmp_path)
    loader = start.opened("tensorrt")
    assert loader.load(ORDER, b"plan") == "a context"
    loader.save()
    assert start.package.calls == [("context",)]
    assert files(tmp_path) == []


def test_the_fake_offers_nothing_that_tensorrt_rtx_lacks() -> None:
    real = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    used = {
        "ICudaEngine": ("create_runtime_config", "create_execution_context"),
        "IRuntimeConfig": ("create_runtime_cache", "set_runtime_cache"),
        "IRuntimeCache": ("serialize", "deserialize"),
    }
    for kind, names in used.items():
        assert set(names) <= set(dir(getattr(real, kind)))
    said = real.ICudaEngine.create_execution_context.__doc__
    assert "runtime_config: tensorrt_rtx" in said
