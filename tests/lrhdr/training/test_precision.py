"""bfloat16 where the device multiplies in it, and only in the layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lrhdr.training.feed import Batch
from lrhdr.training.loop import Loop, LoopSettings
from lrhdr.training.precision import device, native_bf16
from tests.lrhdr.training.line import FAST, Line, Points, figures


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize("has", [(True, False), (False, True), (False, False)])
def test_it_follows_the_cpu(has: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.cpu
    monkeypatch.setattr(cpu, "_is_avx512_bf16_supported", lambda: has[0], raising=False)
    monkeypatch.setattr(cpu, "_is_amx_tile_supported", lambda: has[1], raising=False)
    assert native_bf16() is any(has)
    assert device() == torch.device("cpu")


def test_it_is_off_where_torch_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert native_bf16() is False


@pytest.mark.parametrize("has", [True, False])
def test_it_follows_the_gpu(has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has)
    assert native_bf16() is has
    assert device() == torch.device("cuda")


@pytest.mark.parametrize("wanted", [True, False])
def test_it_reaches_the_layers_but_not_the_weights(tmp_path: Path, wanted: bool) -> None:
    line = Line()
    seen = []

    def loss(batch: Batch, _progress: float) -> tuple[Tensor, dict[str, float]]:
        out = line.layer(batch["x"])
        seen.append(out.dtype)
        return out.float().square().mean(), {}

    how = replace(FAST, steps=1, bf16=wanted)
    Loop(line, line.groups(), how, tmp_path).run(Points(), loss, figures)
    assert seen == [torch.bfloat16 if wanted else torch.float32]
    assert line.layer.weight.dtype == torch.float32
    assert LoopSettings(steps=1).bf16 is False
