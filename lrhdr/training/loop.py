"""The loop that both stages share: AdamW, warm-up and cosine, EMA, checkpoints, figures."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from lrhdr.errors import TrainingError

Batch = dict[str, Tensor]
Loss = Callable[[Batch, float], tuple[Tensor, dict[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """How long and how fast.

    Attributes:
        steps: length of the run.
        batch: items a step.
        rate: peak learning rate; it warms up over `warmup` steps and falls to `rate_end`.
        decay: AdamW's weight decay.
        clip: largest norm of the gradient.
        ema: decay of the averaged weights, which are the ones that are kept.
        every: steps between checkpoints and validations.
        bf16: convolutions in bfloat16; see `native_bf16`.
        workers: processes that render.
    """

    steps: int
    batch: int = 8
    rate: float = 1e-3
    rate_end: float = 1e-6
    warmup: int = 200
    decay: float = 1e-4
    clip: float = 1.0
    ema: float = 0.998
    every: int = 500
    bf16: bool = False
    workers: int = 1


class Loop:
    """Trains `module`'s parameters that require a gradient; `average` holds their EMA."""

    def __init__(self, module: nn.Module, settings: LoopSettings, folder: Path) -> None:
        """Continue from `folder/last.pt` where there is one."""
        self.module, self.settings, self.folder = module, settings, folder
        folder.mkdir(parents=True, exist_ok=True)
        parameters = [p for p in module.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            parameters, lr=settings.rate, betas=(0.9, 0.999), weight_decay=settings.decay
        )
        self.average = copy.deepcopy(module)
        self.step = 0
        checkpoint = folder / "last.pt"
        if checkpoint.exists():
            state = torch.load(checkpoint, weights_only=True)
            module.load_state_dict(state["module"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]
            torch.set_rng_state(state["random"])

    def rate(self, step: int) -> float:
        """Linear warm-up, then a cosine down to `rate_end`."""
        s = self.settings
        if step < s.warmup:
            return s.rate * (step + 1) / s.warmup
        progress = min(1.0, (step - s.warmup) / max(1, s.steps - s.warmup))
        return s.rate_end + 0.5 * (s.rate - s.rate_end) * (1.0 + math.cos(math.pi * progress))

    def save(self) -> None:
        """Write the checkpoint beside its name and rename it."""
        state = {
            "module": self.module.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "random": torch.get_rng_state(),  # losses may draw noise
        }
        temporary = self.folder / "last.pt.part"
        torch.save(state, temporary)
        temporary.replace(self.folder / "last.pt")

    def batches(self, data: Dataset[Batch]) -> Iterator[Batch]:
        """Items in their order, from where the run stands."""
        s = self.settings
        rest = range(self.step * s.batch, s.steps * s.batch)
        loader: DataLoader[Batch] = DataLoader(
            Subset(data, rest),
            batch_size=s.batch,
            num_workers=s.workers,
            worker_init_fn=_one_thread,
            prefetch_factor=4 if s.workers else None,
            # A loader draws a seed when it starts; from here, the losses' noise stays as it is.
            generator=torch.Generator(),
        )
        return iter(loader)

    def _update(self, batch: Batch, loss: Loss) -> dict[str, float]:
        s = self.settings
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(self.step)
        with torch.autocast("cpu", torch.bfloat16, enabled=s.bf16):
            total, parts = loss(batch, self.step / s.steps)
        if not torch.isfinite(total):
            torch.save(batch, self.folder / "bad-batch.pt")
            raise TrainingError(
                f"the loss is {float(total.detach())} at step {self.step}: {parts}",
                expected="a finite number",
                next_step=f"look at {self.folder / 'bad-batch.pt'} or lower --rate",
            )
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.module.parameters(), s.clip)
        self.optimiser.step()
        keep = min(s.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, now in zip(self.average.parameters(), self.module.parameters(), strict=True):
                kept.lerp_(now, 1.0 - keep)
        self.step += 1
        return parts

    def run(
        self, data: Dataset[Batch], loss: Loss, validate: Callable[[], dict[str, float]]
    ) -> dict[str, float]:
        """Train to the last step; the last validation's figures, new ones if nothing was left."""
        s = self.settings
        figures: dict[str, float] = {}
        sums: dict[str, float] = {}
        since, started = 0, time.monotonic()
        for batch in self.batches(data):
            for name, value in self._update(batch, loss).items():
                sums[name] = sums.get(name, 0.0) + value
            since += 1
            if self.step % s.every == 0 or self.step == s.steps:
                pace = (time.monotonic() - started) / since
                figures = validate()
                self._log({k: v / since for k, v in sums.items()}, figures, pace)
                self.save()
                sums, since, started = {}, 0, time.monotonic()
        return figures or validate()

    def _log(self, losses: dict[str, float], figures: dict[str, float], pace: float) -> None:
        row: dict[str, Any] = {"step": self.step, "seconds_a_step": round(pace, 4)}
        row |= {k: round(v, 5) for k, v in losses.items()}
        row |= {k: round(v, 3) for k, v in figures.items()}
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        left = (self.settings.steps - self.step) * pace / 60.0
        print(f"{json.dumps(row)}  {left:.0f} min left", flush=True)


def native_bf16() -> bool:
    """Whether this CPU multiplies in bfloat16 (AVX512-BF16 or AMX)."""
    # Elsewhere autocast converts to and fro: measured 4.6 s a step against 0.78 s in
    # float32 (8 crops of 128 px). The checks are torch's own, but not public.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in checks)


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
