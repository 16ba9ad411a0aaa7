"""A whole run: its figures belong together, and a failure is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrhdr.errors import LrhdrError
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.whole import whole

FRAMES = 3


def case_of(subject: str = "onnxruntime fp32", model: str = "lite") -> Case:
    return Case(subject=subject, model=model, exposures=2, width=160, height=96)


def test_figures_belong_together(tmp_path: Path) -> None:
    found = whole(case_of(), "hdr10", FRAMES, threads=1, folder=tmp_path)
    assert (tmp_path / "whole.mp4").stat().st_size > 0
    assert set(found.busy_ms) == {"decode", "infer", "encode"}
    slowest_s = FRAMES * max(found.busy_ms.values()) / 1e3
    # lrhdr-run rounds its seconds.
    assert slowest_s * found.to_slowest == pytest.approx(FRAMES / found.fps, rel=0.02)
    assert found.to_slowest >= 1.0
    assert found.peak_mb > 50.0
    stages = found.stages()
    assert {name: spread.mean for name, spread in stages.items()} == {
        name: found.busy_ms[name] for name in ("decode", "encode")
    }


def test_failures_are_said(tmp_path: Path) -> None:
    with pytest.raises(LrhdrError, match="lrhdr-run failed: model none is neither"):
        whole(case_of(model="none"), "null", FRAMES, threads=None, folder=tmp_path)
    with pytest.raises(LrhdrError, match="expected one of our engines"):
        whole(case_of("merge dis"), "null", FRAMES, threads=None, folder=tmp_path)
