"""The comparison with float64: it passes what is right, and every fault is seen.

The kernels' own loops run on the host here; the comparison was not run on a GPU.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrhdr_benchmarks.gpu_check import bandwidth, frames, oracle
from lrhdr_benchmarks.gpu_check.kernels import Case, all_cases, check, few_cases
from lrhdr_benchmarks.gpu_check.library import DeviceKernels
from lrhdr_benchmarks.gpu_check.record import FailedError, NotRunError, Row, Task
from lrhdr_benchmarks.gpu_check.sanitize import sanitizing, watched

ROOT = Path(__file__).resolve().parents[3]


def small() -> Iterator[Case]:
    """Every few of all cases; the large ones are left out."""
    return islice((case for case in all_cases() if case.pixels < 5000), 0, None, 7)


def test_the_cases_cover_what_the_kernels_are_specialised_by() -> None:
    cases = list(all_cases())
    for half in (False, True):
        wanted = [case for case in cases if case.half == half]
        assert {case.count for case in wanted} == set(range(2, 17))
        # Both paths: 16 bytes at a time, and pixel by pixel.
        pack = 8 if half else 4
        wide = {case.count for case in wanted if not case.shift and case.pixels % pack == 0}
        narrow = {case.count for case in wanted if case.shift or case.pixels % pack}
        assert wide >= {6, 10}
        assert narrow == set(range(2, 17))
    assert {case.batch for case in cases} == {1, 2, 3}


def test_what_is_right_passes(kernels: DeviceKernels) -> None:
    rows = list(check(kernels, small()))
    assert {(row["operator"], row["precision"]) for row in rows} == {
        (operator, kind) for operator in ("Entmax", "EntmaxFusion") for kind in ("fp32", "fp16")
    }
    # Not so wide that anything would pass.
    assert all(0.0 < row["worst share of bound"] <= 1.0 for row in rows)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("batch", "Entmax', 'fp32'"),
        ("alpha", "EntmaxFusion"),
        ("images", "EntmaxFusion"),
        ("launch", "invalid configuration"),
        ("memory", "out of memory"),
    ],
)
def test_every_fault_is_seen(
    kernels: DeviceKernels, monkeypatch: pytest.MonkeyPatch, fault: str, says: str
) -> None:
    monkeypatch.setenv("LRHDR_FAKE_FAULT", fault)
    with pytest.raises(FailedError, match=says):
        list(check(kernels, few_cases()))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("memory", "unpack: .*out of memory"),
        ("padding", "unpack of uint8 at 1x1"),
        ("stride", "pack to float32 at 640x360"),
        ("white", "pack to uint16 at 1x1"),
        ("sum", "the statistics of uint16 at 1x1"),
    ],
)
def test_every_fault_of_the_frame_kernels_is_seen(
    kernels: DeviceKernels, monkeypatch: pytest.MonkeyPatch, fault: str, says: str
) -> None:
    monkeypatch.setenv("LRHDR_FAKE_FAULT", fault)
    with pytest.raises(FailedError, match=says):
        [list(frames.check(kernels, *size)) for size in frames.FEW_SIZES]


def test_the_sanitizer_sees_all_kernels(fake_library: Path) -> None:
    rows = list(watched(fake_library))
    assert {row["operator"] for row in rows if "operator" in row} == {"Entmax", "EntmaxFusion"}
    seen = {(row["kernel"], row["type"], row["size"]) for row in rows if "kernel" in row}
    kinds = [("unpack", "uint8"), ("unpack", "uint16"), ("pack", "float32"), ("pack", "uint16")]
    assert seen == {(*kind, f"{w}x{h}") for kind in kinds for h, w in frames.FEW_SIZES}
    # Blocks of 128 threads, at most 1024 of them: see frame_launch.cu.
    assert max(height * width for height, width in frames.FEW_SIZES) > 1024 * 128


def test_the_oracle_against_closed_forms() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(2, 200)) * 0.9
    # alpha 2 is sparsemax: for two logits (1 + d) / 2, clipped.
    first = np.clip((1.0 + z[0] - z[1]) / 2.0, 0.0, 1.0)
    np.testing.assert_allclose(oracle.masks(z, 2.0)[0], first, atol=1e-12)
    # alpha 1.5, two logits: with u = (z0 - z1) / 2 the roots of p satisfy sqrt p0 - sqrt p1 = u.
    p = oracle.masks(z, 1.5)
    np.testing.assert_allclose(p.sum(axis=0), 1.0, atol=1e-12)
    inside = (p > 0).all(axis=0)
    gap = np.sqrt(p[0]) - np.sqrt(p[1])
    np.testing.assert_allclose(gap[inside], ((z[0] - z[1]) / 2.0)[inside], atol=1e-9)


def test_bandwidth_is_bytes_over_time(kernels: DeviceKernels) -> None:
    class Clock:
        def times(self, pixels: int, count: int, images: int, alpha: float, **_: Any) -> Any:
            assert (count, images) in ((6, 4), (10, 7))
            return np.array([[1.0, 2.0, 4.0]] * 3, np.float32)

    rows = list(bandwidth.measure(Clock(), pixels=10**6, rounds=3))  # type: ignore[arg-type]
    two, half = rows[0], rows[1]
    # 2E: 6 planes read and written in FP32 are 48 bytes a pixel; the fusion moves 27 planes.
    assert (two["cycle"], two["copy GB/s"], two["Entmax GB/s"]) == ("2E", 48, 24)
    assert two["Entmax / copy"] == 0.5
    assert two["EntmaxFusion / copy"] == pytest.approx(27 * 4 / 4 / 48, abs=1e-3)
    # In FP16 the inputs shrink and the radiance does not: 24 planes of 2 bytes, 3 of 4.
    assert half["EntmaxFusion / copy"] == pytest.approx((24 * 2 + 3 * 4) / 4 / 24, abs=1e-3)
    taken = kernels.times(4096, 6, 4, 1.75, half=False, rounds=2)
    assert taken.shape == (2, 3)
    assert (taken > 0.0).all()


SANITIZER = """#!/bin/sh
[ "$1" = --tool ] && [ "$3" = --error-exitcode ] || exit 9
shift 4
"$@" || exit $?
echo "========= {summary}"
exit {code}
"""


def sanitizer(folder: Path, monkeypatch: pytest.MonkeyPatch, summary: str, code: int = 0) -> None:
    program = folder / "compute-sanitizer"
    program.write_text(SANITIZER.format(summary=summary, code=code), encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    paths = os.pathsep.join(str(ROOT / name) for name in ("", "engines", "benchmarks"))
    monkeypatch.setenv("PYTHONPATH", paths)


def sanitized(library: Path, tool: str) -> list[Row]:
    return list(sanitizing(tool)(Task(folder=library.parent, deadline=time.monotonic() + 60)))


def test_the_sanitizer_is_heard(
    fake_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sanitizer(tmp_path, monkeypatch, "ERROR SUMMARY: 0 errors")
    rows = sanitized(fake_library, "memcheck")
    assert rows == [{"tool": "memcheck", "summary": "ERROR SUMMARY: 0 errors"}]
    sanitizer(tmp_path, monkeypatch, "RACECHECK SUMMARY: 2 hazards displayed (2 errors)", 86)
    with pytest.raises(FailedError, match="2 hazards"):
        sanitized(fake_library, "racecheck")
    sanitizer(tmp_path, monkeypatch, "nothing attached")
    with pytest.raises(FailedError, match="no summary"):
        sanitized(fake_library, "memcheck")
    # What the kernels get wrong under it is not overheard either.
    sanitizer(tmp_path, monkeypatch, "ERROR SUMMARY: 0 errors")
    monkeypatch.setenv("LRHDR_FAKE_FAULT", "launch")
    with pytest.raises(FailedError, match="invalid configuration"):
        sanitized(fake_library, "memcheck")
    monkeypatch.setenv("LRHDR_FAKE_FAULT", "padding")
    with pytest.raises(FailedError, match="unpack of uint8 at 1x1"):
        sanitized(fake_library, "racecheck")


def test_no_sanitizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(NotRunError, match="was not found"):
        sanitized(tmp_path / "none", "memcheck")
