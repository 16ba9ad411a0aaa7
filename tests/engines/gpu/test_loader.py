"""Loading plans, by a fake of the package: a real Runtime needs a driver. Not run on a GPU."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.backends.nvidia import why_no_gpu
from lrhdr_engines.build.job import Plugin
from lrhdr_engines.gpu import loader
from lrhdr_engines.gpu.loader import PlanLoader

PLUGIN = Plugin(path=Path("plugin.so"), sha256="0" * 64)


class Package:
    """What of tensorrt is used."""

    class ILogger:
        def __init__(self) -> None:
            pass

    def __init__(self, *, engine: bool = True, context: bool = True) -> None:
        self.calls: list[Any] = []
        self.engine, self.context = engine, context

    def Runtime(self, log: Any) -> Any:
        self.log = log
        return SimpleNamespace(deserialize_cuda_engine=self.deserialise)

    def deserialise(self, plan: bytes) -> Any:
        self.calls.append(plan)
        if not self.engine:
            self.log.log(SimpleNamespace(name="ERROR"), "Magic tag\n does not match")
            return None
        return SimpleNamespace(create_execution_context=self.create)

    def create(self) -> Any:
        if not self.context:
            self.log.log(SimpleNamespace(name="ERROR"), "Out of memory")
            return None
        return "a context"


def loading(package: Package) -> PlanLoader:
    tensorrt: Any = SimpleNamespace(
        lock=threading.Lock(),
        keeps_runtime_cache=True,  # but nowhere to keep it
        load_plugins=lambda *given: package.calls.append(given),
    )
    return PlanLoader(tensorrt, package)


def order(plugin: Plugin | None = None) -> Any:
    return SimpleNamespace(graph="lrhdr", plugin=plugin)


def test_the_plugin_is_loaded_before_the_plan_that_needs_it() -> None:
    package = Package()
    load = loading(package).load
    assert load(order(), b"one") == "a context"
    assert load(order(PLUGIN), b"two") == "a context"
    assert package.calls == [b"one", (PLUGIN.path, PLUGIN.sha256), b"two"]


@pytest.mark.parametrize(
    ("package", "said"),
    [
        (Package(engine=False), "does not load: Magic tag does not match"),
        (Package(context=False), "Out of memory.* choose a smaller --size"),
    ],
)
def test_what_tensorrt_says_of_a_plan_that_it_does_not_take(package: Package, said: str) -> None:
    load = loading(package).load
    for _ in range(2):
        with pytest.raises(BackendError, match=f"engine of lrhdr .*{said}") as refusal:
            load(order(), b"plan")
        assert "\n" not in str(refusal.value)
        assert str(refusal.value).count("Out of memory") <= 1  # each time its own errors alone


@pytest.mark.skipif(why_no_gpu() is None, reason="this machine has an NVIDIA GPU")
@pytest.mark.parametrize("builder", ["tensorrt", "tensorrt-rtx"])
def test_without_a_driver_no_runtime_is_made(builder: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(loader, "open_tensorrt", lambda _: pytest.fail("it was opened"))
    with pytest.raises(BackendError, match=f"{builder} cannot run engines here: .*lrhdr-doctor"):
        PlanLoader.open(builder)


def test_a_package_that_does_not_start_is_one_line(monkeypatch: Any) -> None:
    def broken(builder: str) -> None:
        raise TypeError("pybind11::init():\n factory function returned nullptr")

    monkeypatch.setattr(loader, "why_no_gpu", lambda: None)
    monkeypatch.setattr(loader, "open_tensorrt", broken)
    with pytest.raises(BackendError, match=r"tensorrt-rtx does not start \(pybind11::init\(\): fa"):
        PlanLoader.open("tensorrt-rtx")


def test_the_fake_offers_nothing_that_tensorrt_lacks() -> None:
    real = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    assert "deserialize_cuda_engine" in dir(real.Runtime)
    assert "create_execution_context" in dir(real.ICudaEngine)
    assert hasattr(real, "ILogger")
