"""Checkpoints: a whole one is always there, and other settings are named."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lrhdr.errors import OutputError, TrainingError
from lrhdr.training import checkpoint
from lrhdr.training.loop import Loop
from tests.lrhdr.training.line import FAST, Line, fit

PLAN = {
    "steps": 6,
    "rates": [0.5],
    "config": {"film": {"filters": 4}, "accr": None},
    "betas": (1, 2),
}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    state = {"plan": PLAN, "weights": torch.arange(3.0)}
    checkpoint.write(tmp_path / "last.pt", state)
    found = checkpoint.read(tmp_path / "last.pt", PLAN)
    assert found["plan"] == PLAN
    assert torch.equal(found["weights"], state["weights"])  # type: ignore[arg-type]
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]


@pytest.mark.parametrize("name", ["torch.save", "os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_a_write_that_fails_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, failure: BaseException
) -> None:
    loop = fit(tmp_path)
    before = (tmp_path / "last.pt").read_bytes()
    with torch.no_grad():
        loop.module.get_parameter("layer.weight").fill_(7.0)

    def fail(*things: object, **_: object) -> None:
        if name == "torch.save":
            things[1].write(b"half of it")  # type: ignore[attr-defined]
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(name, fail)
        expected = OutputError if isinstance(failure, OSError) else KeyboardInterrupt
        with pytest.raises(expected) as caught:
            loop.save()
    if isinstance(failure, OSError):
        assert str(tmp_path / "last.pt") in str(caught.value)
        assert "No space left" in str(caught.value)
        assert [p.name for p in tmp_path.glob("*.part")] == []
    assert (tmp_path / "last.pt").read_bytes() == before
    loop.save()
    assert (tmp_path / "last.pt").read_bytes() != before


def test_a_disk_that_is_full_in_the_middle(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "last.pt"
    checkpoint.write(path, {"plan": PLAN})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"last.pt cannot be written \(.*File too large"):
            checkpoint.write(path, {"plan": {}, "weights": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert checkpoint.read(path, PLAN)["plan"] == PLAN
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch": 3}, "batch 2 -> 3"),
        ({"steps": 8}, "steps 6 -> 8"),
        ({"warmup": 1, "clip": 2.0}, "warmup 2 -> 1, clip 1.0 -> 2.0"),
    ],
)
def test_other_settings_are_named_with_both_values(
    tmp_path: Path, change: dict[str, float], said: str
) -> None:
    fit(tmp_path)
    with pytest.raises(TrainingError) as caught:
        fit(tmp_path, replace(FAST, **change))  # type: ignore[arg-type]
    assert f"({said})" in str(caught.value)


def test_other_rates_and_another_course_are_refused(tmp_path: Path) -> None:
    fit(tmp_path)
    with pytest.raises(TrainingError, match=r"rates \[0.05, 0.01\] -> \[0.05, 0.02\]"):
        fit(tmp_path, groups=(0.05, 0.02))
    line = Line()
    with pytest.raises(TrainingError, match="seed None -> 3"):
        Loop(line, line.groups(), FAST, tmp_path, {"seed": 3})


def test_how_often_and_by_how_many_may_change(tmp_path: Path) -> None:
    fit(tmp_path)
    assert fit(tmp_path, replace(FAST, every=5, workers=1)).step == 6


def test_differences_deep_inside_are_named(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    checkpoint.write(path, {"plan": PLAN})
    other = PLAN | {"config": {"film": {"filters": 8}, "accr": {"width": 16}}, "betas": (1, 3)}
    with pytest.raises(TrainingError) as caught:
        checkpoint.read(path, other)
    for said in ("config.film.filters 4 -> 8", "config.accr.width None -> 16", "betas (1, 2) -> "):
        assert said in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"nothing", {"weights": 1}, [1]])
def test_what_is_no_checkpoint_is_named(tmp_path: Path, content: object) -> None:
    path = tmp_path / "last.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(TrainingError, match="cannot be read as a checkpoint") as caught:
        checkpoint.read(path, PLAN)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
