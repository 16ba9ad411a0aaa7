"""PyTorch as a subject makes the engines' pictures with the engines' work."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR, MANIFEST, WEIGHTS
from lrhdr.errors import BackendError, BundleError, LrhdrError
from lrhdr.light import tonemap
from lrhdr.tolerances import FP32_IMAGE_MAX
from lrhdr_benchmarks.speed import clips
from lrhdr_benchmarks.speed.engines import REFERENCE, EngineSubject
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.torch_models import PAPER, TorchSubject
from lrhdr_benchmarks.speed.torch_stream import Parts
from lrhdr_engines.bundle import Bundle

ONE = 1  # thread: torch's threads spin where they share a busy core


def case(exposures: int, *, model: str = "lite", width: int = 64, height: int = 64) -> Case:
    return Case(
        subject="pytorch eager", model=model, exposures=exposures, width=width, height=height
    )


@pytest.fixture(autouse=True)
def _kept_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each part has run."""
    counted: Counter[str] = Counter()
    run = Parts.run

    def counting(self: Parts, name: str, *inputs: Any) -> Any:
        counted[name] += 1
        return run(self, name, *inputs)

    monkeypatch.setattr(Parts, "run", counting)
    return counted


@pytest.mark.parametrize("exposures", [2, 3])
def test_the_pictures_are_the_engines(exposures: int) -> None:
    one = case(exposures, width=75, height=50)  # neither side is a multiple
    ours = TorchSubject(one, ONE, compiled=False)
    engine = EngineSubject(replace(one, subject=REFERENCE), ONE)
    assert ours.ahead == engine.ahead == exposures - 1
    shortest = 2.0 ** min(clips.ev(exposures))
    for _ in range(exposures + 2):  # past the stand-ins at the beginning
        found, expected = ours.output(), engine.output()
        assert found.shape == (50, 75, 3)
        assert found.dtype == np.float32
        difference = tonemap(shortest * found) - tonemap(shortest * expected)
        assert np.abs(difference).max() <= FP32_IMAGE_MAX
        assert ours.graph_ms().keys() == engine.graph_ms().keys()
        assert ours.stages().keys() == engine.stages().keys()


@pytest.mark.parametrize(("exposures", "fused"), [(2, 1), (3, 2)])
def test_work_that_windows_share_is_done_once(
    runs: Counter[str], exposures: int, fused: int
) -> None:
    subject = TorchSubject(case(exposures), ONE, compiled=False)
    for _ in range(2 * exposures):
        subject.output()
    runs.clear()
    subject.output()
    assert runs == {EXTRACT: 1, FLOW: 1, FUSE: fused, LRHDR: 1}


def test_stages_add_up_to_the_graphs_and_the_rest() -> None:
    subject = TorchSubject(case(3), ONE, compiled=False)
    assert subject.graph_ms() == {}
    for _ in range(2):  # times are those of one output, not of all
        subject.output()
        graphs, stages = subject.graph_ms(), subject.stages()
        assert set(graphs) <= {EXTRACT, FLOW, FUSE, LRHDR}
        assert stages["lrhdr"] == graphs[LRHDR]
        assert stages["synthesize"] == pytest.approx(graphs[FLOW] + graphs[FUSE])
        assert min(stages.values()) > 0.0


@pytest.mark.parametrize("exposures", [2, 3])
def test_every_part_is_compiled_once(monkeypatch: pytest.MonkeyPatch, exposures: int) -> None:
    eager = TorchSubject(case(exposures), ONE, compiled=False)
    forms: dict[int, set[Any]] = {}

    def compile_part(part: Callable[..., Any], *, dynamic: bool) -> Callable[..., Any]:
        assert not dynamic
        seen = forms.setdefault(len(forms), set())

        def stand_in(*inputs: Any) -> Any:
            tensors = list(flat(inputs))
            first = [next(i for i, u in enumerate(tensors) if u is t) for t in tensors]
            seen.add((tuple(first), tuple(t.shape for t in tensors)))
            return part(*inputs)

        return stand_in

    monkeypatch.setattr(torch, "compile", compile_part)
    subject = TorchSubject(case(exposures), ONE, compiled=True)
    for _ in range(exposures + 1):
        np.testing.assert_array_equal(subject.output(), eager.output())
    # What torch makes code for: the shapes, and which inputs are one tensor. Stand-ins are, at the
    # beginning of a clip.
    assert [len(seen) for seen in forms.values()] == [1, 1, 1, 1]


def flat(inputs: Any) -> Iterator[torch.Tensor]:
    for each in inputs:
        if isinstance(each, torch.Tensor):
            yield each
        else:
            yield from flat(each)


def test_what_torch_cannot_compile_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any) -> Any:
        raise RuntimeError("no C++ compiler\n  was found")

    monkeypatch.setattr(torch, "compile", lambda _, dynamic: failing)
    with pytest.raises(BackendError, match=r"^PyTorch failed: no C\+\+ compiler was found\.$"):
        TorchSubject(case(2), ONE, compiled=True).output()


def test_the_papers_network_begins_the_same_every_time() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    paper = case(2, model=PAPER)
    found, again = (TorchSubject(paper, ONE, compiled=False).output() for _ in range(2))
    assert torch.equal(torch.rand(1), expected)  # nobody else's numbers change
    np.testing.assert_array_equal(found, again)
    assert np.isfinite(found).all()
    assert found.std() > 0.0


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """What PyTorch needs of the shipped bundle."""
    shipped = Bundle.open("lite", 2).folder
    for name in (MANIFEST, WEIGHTS):
        shutil.copy(shipped / name, tmp_path / name)
    return tmp_path


def test_a_folder_is_a_model_too(bundle: Path) -> None:
    found = TorchSubject(case(2, model=str(bundle)), ONE, compiled=False).output()
    np.testing.assert_array_equal(found, TorchSubject(case(2), ONE, compiled=False).output())


def test_a_bundle_without_weights_is_refused(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps(manifest | {"weights": None}))
    with pytest.raises(BundleError, match=r"has no weights, which PyTorch needs"):
        TorchSubject(case(2, model=str(bundle)), ONE, compiled=False)


def test_weights_that_changed_are_refused(bundle: Path) -> None:
    content = (bundle / WEIGHTS).read_bytes()
    (bundle / WEIGHTS).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BundleError, match=WEIGHTS):
        TorchSubject(case(2, model=str(bundle)), ONE, compiled=False)


def test_threads_are_torchs() -> None:
    TorchSubject(case(2), ONE, compiled=False)
    assert torch.get_num_threads() == ONE


@pytest.mark.parametrize("package", ["torch", "safetensors"])
def test_without_a_package_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(LrhdrError, match=rf"{package} is not installed.*pip install"):
        TorchSubject(case(2), ONE, compiled=False)
