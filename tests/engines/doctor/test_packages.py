"""Packages that are present, missing and broken; the probes are fakes."""

from __future__ import annotations

from typing import Any

from lrhdr_engines.doctor import packages
from lrhdr_engines.doctor.packages import Package
from lrhdr_engines.doctor.probe import Probed


def saying(outcome: Any, text: str) -> Any:
    return lambda *_: Probed(outcome=outcome, text=text)


def package(module: str) -> Package:
    return Package(name="It", module=module, install="pip install it")


def test_present() -> None:
    asked: list[tuple[str, ...]] = []

    def probe(*trial: str) -> Probed:
        asked.append(trial)
        return Probed(outcome="ok", text="1.0")

    found = package("numpy").check(probe)
    assert (found.status, found.found, found.remedy) == ("ok", "1.0", "")
    assert asked == [("import", "numpy")]


def test_missing_is_not_even_tried() -> None:
    def probe(*_: str) -> Probed:
        raise AssertionError

    for name in ("no_such_module", "no_such_parent.module"):
        found = package(name).check(probe)
        assert (found.status, found.remedy) == ("missing", "pip install it")


def test_broken() -> None:
    found = package("numpy").check(saying("broken", "crashed (SIGSEGV)"))
    assert (found.status, found.found) == ("broken", "crashed (SIGSEGV)")
    assert found.remedy.startswith("pip install it")
    # The module is there, so what it misses is something else.
    assert package("numpy").check(saying("missing", "No module named 'x'")).status == "broken"


def test_the_cuda_provider() -> None:
    both = "1.31: CUDAExecutionProvider, CPUExecutionProvider"
    assert packages.check_cuda_provider(saying("ok", both)).ok
    for answer in (saying("ok", "1.31: CPUExecutionProvider"), saying("broken", "crashed")):
        found = packages.check_cuda_provider(answer)
        assert (found.status, found.remedy) == ("missing", packages.SWAP)
