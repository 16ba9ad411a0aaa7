"""Every way of entmax against the package's bisection in float64; and how they are timed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from entmax import entmax_bisect
from numpy.typing import NDArray

from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.gpu_check.oracle import mask_bound
from lrhdr_benchmarks.speed import entmax
from lrhdr_benchmarks.speed.entmax import ALPHA, Logits, Run, compare

BOUND = 2.0 * mask_bound(ALPHA, half=False)  # the package normalises its masks besides
BISECTIONS = 80  # more than float64 can hold
KERNEL = "Newton, kernel compiled for the CPU"


def exact(logits: NDArray[Any]) -> NDArray[np.float64]:
    given = torch.from_numpy(logits.astype(np.float64))
    return np.asarray(entmax_bisect(given, ALPHA, dim=1, n_iter=BISECTIONS))


def open_or_skip(name: str, logits: Logits, folder: Path) -> Run:
    try:
        return entmax._WAYS[name](logits, folder)
    except LrhdrError as error:
        if name != KERNEL:  # only the compiler may be missing where tests run
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("name", list(entmax._WAYS))
@pytest.mark.parametrize("candidates", [2, 6, 10, 16])
def test_every_way_is_entmax(name: str, candidates: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(candidates)
    spread = np.logspace(-2, 1.5, 40)  # from nearly equal to one clear winner
    logits = (rng.normal(size=(1, candidates, 40)) * spread).astype(np.float32)
    found = open_or_skip(name, logits, tmp_path)()
    assert found.shape == logits.shape
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact(logits), atol=BOUND, rtol=0)


def test_all_are_found_or_left_out_with_a_reason() -> None:
    threads = torch.get_num_threads()
    found, skipped = compare(6, 300, 3)
    assert torch.get_num_threads() == threads
    assert [each.name for each in found] == [n for n in entmax._WAYS if n not in skipped]
    assert set(skipped) <= {KERNEL}
    for each in found:
        assert (each.candidates, each.pixels, each.time.count) == (6, 300, 3)
        assert 0.0 < each.error <= BOUND


def test_rounds_interleave_and_errors_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Logits] = []
    calls: list[str] = []

    def way(name: str, offset: float) -> Any:
        def open_way(logits: Logits, _: Path) -> Run:
            given.append(logits)

            def run() -> NDArray[np.float32]:
                calls.append(name)
                return (exact(logits) + offset).astype(np.float32)

            return run

        return open_way

    monkeypatch.setattr(entmax, "_WAYS", {"a": way("a", 0.25), "b": way("b", -0.5)})
    found, skipped = compare(5, 70, 2)
    assert skipped == {}
    assert calls == ["a", "b"] * 3  # the first round is not counted
    assert [each.time.count for each in found] == [2, 2]
    assert [each.error for each in found] == pytest.approx([0.25, 0.5], abs=1e-6)
    assert given[0] is given[1]
    assert given[0].shape == (1, 5, 70)
    assert 0.2 < float((exact(given[0]) == 0.0).mean()) < 0.9  # sparse, and not one-hot


@pytest.mark.parametrize(
    ("compiler", "reason"), [("no-such-compiler", "was not found"), ("false", "failed")]
)
def test_without_a_compiler_the_kernel_is_left_out(
    monkeypatch: pytest.MonkeyPatch, compiler: str, reason: str
) -> None:
    monkeypatch.setenv("CXX", compiler)
    found, skipped = compare(6, 20, 1)
    assert len(found) == len(entmax._WAYS) - 1
    assert reason in skipped[KERNEL]


@pytest.mark.parametrize(("package", "lost"), [("entmax", 1), ("onnx", 1), ("torch", 3)])
def test_without_a_package_what_needs_it_is_left_out(
    monkeypatch: pytest.MonkeyPatch, package: str, lost: int
) -> None:
    monkeypatch.setattr(entmax, "_WAYS", {k: v for k, v in entmax._WAYS.items() if k != KERNEL})
    monkeypatch.setitem(sys.modules, package, None)
    found, skipped = compare(6, 20, 1)
    assert len(skipped) == lost
    assert len(found) == 3 - lost
    assert all(f"{package} is not installed" in reason for reason in skipped.values())
