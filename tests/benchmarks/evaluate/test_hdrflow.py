"""The adapter of HDRFlow, with a stand-in for the clone: same files, class and signature."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lrhdr.contract import WINDOWS
from lrhdr.errors import InputError
from lrhdr.light import linearise
from lrhdr_benchmarks.evaluate.hdrflow import HdrFlow

EXPOSURES = {2: [8.0, 1.0, 8.0], 3: [4.0, 16.0, 1.0, 4.0, 16.0]}

UTILS = """
import torch

def ldr_to_hdr(ldr, expo):
    return ldr.clamp(0, 1) ** 2.2 / expo.view(-1, 1, 1, 1)
"""
# The reference's radiance times a learnt gain; `wrong` says what was fed otherwise than agreed.
MODEL = """
import torch
from torch import nn
from .network_utils import *

class HDRFlow(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.zeros({gains}))

    def forward(self, ldrs, expos, test_mode=False):
        middle = len(ldrs) // 2
        wrong = [ldr.shape for ldr in ldrs if ldr.dim() != 4 or ldr.shape[-1] % 16]
        wrong += [ldr.shape for ldr in ldrs if ldr.shape[-2] % 16 or ldr.shape[:2] != (1, 3)]
        wrong += [expo.shape for expo in expos if expo.shape != (1,)]
        wrong += [(len(ldrs), len(expos))] * (not len(ldrs) == len(expos) == {frames})
        wrong += ["not in test mode"] * (self.training or not test_mode or torch.is_grad_enabled())
        assert not wrong, wrong
        return ldr_to_hdr(ldrs[middle], expos[middle]) * self.gain[0], list(ldrs)
"""


def write_clone(folder: Path) -> Path:
    models = folder / "models"
    models.mkdir(parents=True)
    (models / "network_utils.py").write_text(UTILS)
    for exposures in (2, 3):
        text = MODEL.format(frames=WINDOWS[exposures].frames, gains=exposures)
        (models / f"model_{exposures}E.py").write_text(text)
    return folder


def write_checkpoint(path: Path, exposures: int, gain: float = 1.0) -> Path:
    """As HDRFlow's training writes it: from within nn.DataParallel."""
    state = {"module.gain": torch.full((exposures,), gain)}
    torch.save({"epoch": 1, "state_dict": state, "optimizer": {"state": {}}}, path)
    return path


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clone(tmp_path_factory.mktemp("hdrflow"))


@pytest.fixture(scope="module", params=[2, 3])
def method(request: pytest.FixtureRequest, clone: Path) -> tuple[HdrFlow, list[float]]:
    exposures: int = request.param
    checkpoint = write_checkpoint(clone / f"{exposures}E.pth", exposures, gain=0.5)
    return HdrFlow(clone, checkpoint, exposures), EXPOSURES[exposures]


def noise(height: int, width: int, count: int, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.random((height, width, 3), dtype=np.float32) for _ in range(count)]


@settings(max_examples=25)
@given(height=st.integers(1, 50), width=st.integers(1, 50))
def test_the_network_sees_whole_blocks_and_the_result_is_the_frame(
    method: tuple[HdrFlow, list[float]], height: int, width: int
) -> None:
    network, exposures = method
    frames = noise(height, width, len(exposures))
    hdr = network.reconstruct(frames, exposures)
    assert hdr.shape == (height, width, 3)
    assert hdr.dtype == np.float32
    middle = len(frames) // 2
    expected = 0.5 * linearise(frames[middle], exposures[middle])
    np.testing.assert_allclose(hdr, expected, rtol=1e-5, atol=1e-7)


def test_nothing_of_the_clone_stays_importable(clone: Path) -> None:
    path, modules = list(sys.path), set(sys.modules)
    HdrFlow(clone, write_checkpoint(clone / "a.pth", 2), 2)
    assert sys.path == path
    added = {sys.modules[name] for name in set(sys.modules) - modules}
    assert not [m for m in added if str(clone) in str(getattr(m, "__file__", ""))]


def test_two_clones_do_not_mix(clone: Path, tmp_path: Path) -> None:
    other = write_clone(tmp_path / "other")
    utils = other / "models" / "network_utils.py"
    utils.write_text(utils.read_text().replace("2.2", "1.0"))
    frames = noise(16, 16, 3)
    for folder, gamma in ((clone, 2.2), (other, 1.0), (clone, 2.2)):
        network = HdrFlow(folder, write_checkpoint(tmp_path / "a.pth", 2), 2)
        hdr = network.reconstruct(frames, EXPOSURES[2])
        np.testing.assert_allclose(hdr, frames[1] ** gamma, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("exposures", [2, 3])
def test_without_a_clone_it_says_how_to_get_one(tmp_path: Path, exposures: int) -> None:
    with pytest.raises(InputError, match=rf"model_{exposures}E\.py does not exist") as caught:
        HdrFlow(tmp_path, tmp_path / "a.pth", exposures)
    assert "git clone https://" in str(caught.value)


def test_without_a_checkpoint_it_says_where_one_is(clone: Path) -> None:
    with pytest.raises(InputError, match=r"none\.pth does not exist") as caught:
        HdrFlow(clone, clone / "none.pth", 3)
    assert "pretrained_models/3E/checkpoint.pth" in str(caught.value)


def test_without_torch_it_says_how_to_install_it(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = write_checkpoint(clone / "a.pth", 2)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"torch, which is not installed.*pip install"):
        HdrFlow(clone, checkpoint, 2)


@pytest.mark.parametrize(
    "saved",
    [{"state_dict": {"module.gain": torch.zeros(3)}}, {"weights": {}}, [1], {"state_dict": {}}],
)
def test_a_checkpoint_of_something_else_is_one_line(
    clone: Path, tmp_path: Path, saved: object
) -> None:
    torch.save(saved, tmp_path / "a.pth")
    with pytest.raises(InputError, match=r"a\.pth does not load into .*model_2E\.py") as caught:
        HdrFlow(clone, tmp_path / "a.pth", 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"version https://git-lfs\n"])
def test_a_file_that_is_no_checkpoint_is_one_line(
    clone: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.pth does not load") as caught:
        HdrFlow(clone, tmp_path / "a.pth", 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["class Other: ...", "import nowhere_at_all", "class :"])
def test_a_clone_of_something_else_is_one_line(tmp_path: Path, text: str) -> None:
    folder = write_clone(tmp_path / "other")
    (folder / "models" / "model_2E.py").write_text(text)
    with pytest.raises(InputError, match=r"model_2E\.py cannot be used") as caught:
        HdrFlow(folder, write_checkpoint(tmp_path / "a.pth", 2), 2)
    assert "\n" not in str(caught.value)
    assert not [name for name in sys.modules if name.startswith("_hdrflow")]


def test_a_window_of_another_length_is_refused(method: tuple[HdrFlow, list[float]]) -> None:
    network, exposures = method
    with pytest.raises(InputError, match=r"a window of 4 frames.*of each, for this checkpoint"):
        network.reconstruct(noise(16, 16, 4), exposures)
