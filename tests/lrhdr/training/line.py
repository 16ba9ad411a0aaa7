"""The least that the loop can train: a line through points, with noise from torch's generator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from lrhdr.training.feed import Batch
from lrhdr.training.loop import Group, Loop, LoopSettings, Loss

FAST = LoopSettings(steps=6, batch=2, warmup=2, every=2, workers=0)


class Points(Dataset[Batch]):
    """Item i is a point, the same whenever it is asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __getitem__(self, index: int) -> Batch:
        self.asked.append(index)
        x = torch.randn(3, generator=torch.Generator().manual_seed(index))
        return {"x": x, "y": 2.0 * x + 1.0}


class Line(nn.Module):
    """y = Wx + b, with a part that is never trained."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.frozen = nn.Linear(3, 3).requires_grad_(False)

    def groups(self, weight: float = 0.05, bias: float = 0.01) -> list[Group]:
        weights, biases = self.layer.parameters()
        return [([weights], weight), ([biases], bias)]


def noisy(line: Line) -> Loss:
    """Squared distance of noisy points, as a loss that draws."""

    def loss(batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        x = batch["x"] + 0.1 * torch.randn_like(batch["x"])
        value = ((line.layer(x) - batch["y"]) ** 2).mean()
        return value, {"square": float(value.detach()), "progress": progress}

    return loss


def figures() -> dict[str, float]:
    return {"psnr": 30.0}


def fit(
    folder: Path,
    settings: LoopSettings = FAST,
    seed: int = 1,
    groups: Sequence[float] = (0.05, 0.01),
) -> Loop:
    """A whole run, or the rest of one."""
    torch.manual_seed(seed)
    line = Line()
    loop = Loop(line, line.groups(*groups), settings, folder)
    loop.run(Points(), noisy(line), figures)
    return loop
