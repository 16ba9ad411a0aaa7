"""The loop that all stages share: AdamW, warm-up and cosine, EMA, checkpoints."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from lrhdr.errors import TrainingError
from lrhdr.training import distributed, precision
from lrhdr.training.progress import Progress

Batch = dict[str, Tensor]
Loss = Callable[[Batch, float], tuple[Tensor, dict[str, float]]]
Group = tuple[list[nn.Parameter], float]  # parameters and their peak learning rate


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """How long and how.

    Attributes:
        steps: length of the run.
        batch: items a step, in each process.
        rate_end: where the cosine of every learning rate ends.
        warmup: steps over which the rates rise first.
        decay: AdamW's weight decay.
        clip: largest norm of the gradient.
        ema: decay of the averaged weights, which are the ones that are kept.
        every: steps between checkpoints and validations.
        bf16: convolutions in bfloat16; see `precision.native_bf16`.
        workers: processes that render.
    """

    steps: int
    batch: int = 8
    rate_end: float = 1e-6
    warmup: int = 200
    decay: float = 1e-4
    clip: float = 1.0
    ema: float = 0.998
    every: int = 500
    bf16: bool = False
    workers: int = 1


class Loop:
    """Trains the parameters of `groups`; `average` holds the EMA of the whole module."""

    def __init__(
        self, module: nn.Module, groups: Sequence[Group], settings: LoopSettings, folder: Path
    ) -> None:
        """Continue from `folder/last.pt` where there is one.

        Raises:
            TrainingError: that run had other settings.
        """
        self.module, self.settings, self.folder = module, settings, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.rates = [rate for _, rate in groups]
        self.parameters = [p for parameters, _ in groups for p in parameters]
        self.optimiser = torch.optim.AdamW(
            [{"params": parameters} for parameters, _ in groups],
            betas=(0.9, 0.999),
            weight_decay=settings.decay,
        )
        self.average = copy.deepcopy(module)
        self.step = 0
        if (folder / "last.pt").exists():
            self._resume(torch.load(folder / "last.pt", weights_only=True))

    def _plan(self) -> dict[str, Any]:
        """What decides the course of a run; a run may not go on with another."""
        free = ("every", "workers", "bf16")
        plan = {k: v for k, v in asdict(self.settings).items() if k not in free}
        return plan | {"rates": self.rates, "processes": distributed.world()}

    def _resume(self, state: dict[str, Any]) -> None:
        before, now = state["plan"], self._plan()
        changed = [f"{k} {before.get(k)} -> {v}" for k, v in now.items() if before.get(k) != v]
        if changed:
            raise TrainingError(
                f"the run in {self.folder} was started with other settings ({', '.join(changed)})",
                next_step="go on with the same ones, or name another --out",
            )
        self.module.load_state_dict(state["module"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]
        torch.set_rng_state(state["random"])

    def rate(self, step: int, peak: float) -> float:
        """Linear warm-up, then a cosine down to `rate_end`."""
        s = self.settings
        if step < s.warmup:
            return peak * (step + 1) / s.warmup
        progress = min(1.0, (step - s.warmup) / max(1, s.steps - s.warmup))
        return s.rate_end + 0.5 * (peak - s.rate_end) * (1.0 + math.cos(math.pi * progress))

    def save(self) -> None:
        """Write the checkpoint beside its name and rename it."""
        if distributed.rank():
            return
        state = {
            "plan": self._plan(),
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
        """Items in their order, from where the run stands; processes take turns by batch."""
        s = self.settings
        count, own = distributed.world(), distributed.rank()
        order = [
            (step * count + own) * s.batch + k
            for step in range(self.step, s.steps)
            for k in range(s.batch)
        ]
        loader: DataLoader[Batch] = DataLoader(
            Subset(data, order),
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
        for group, peak in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = self.rate(self.step, peak)
        batch = {k: v.to(precision.device(), non_blocking=True) for k, v in batch.items()}
        with precision.autocast(s.bf16):
            total, parts = loss(batch, self.step / s.steps)
        value = distributed.average(float(total.detach()))
        if not math.isfinite(value):
            bad = self.folder / f"bad-batch-{distributed.rank()}.pt"
            torch.save(batch, bad)
            raise TrainingError(
                f"the loss is {value} at step {self.step}: {parts}",
                expected="a finite number",
                next_step=f"look at {bad} or lower --rate",
            )
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        distributed.average_gradients(self.parameters)
        nn.utils.clip_grad_norm_(self.parameters, s.clip)
        self.optimiser.step()
        keep = min(s.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, now in zip(self.average.parameters(), self.module.parameters(), strict=True):
                kept.lerp_(now, 1.0 - keep)
        self.step += 1
        return {"loss": value, **parts}

    def run(
        self, data: Dataset[Batch], loss: Loss, validate: Callable[[], dict[str, float]]
    ) -> dict[str, float]:
        """Train to the last step; the last validation's figures, new ones if nothing was left.

        Ctrl-C saves the step that was reached before it goes on its way.
        """
        s = self.settings
        figures: dict[str, float] = {}
        started = time.monotonic()
        with Progress(self.folder, self.step, s.steps, quiet=distributed.rank() > 0) as progress:
            try:
                for batch in self.batches(data):
                    progress.advance(self.step + 1, self._update(batch, loss))
                    if self.step % s.every == 0 or self.step == s.steps:
                        pace = (time.monotonic() - started) / progress.since
                        figures = validate()
                        progress.log(self.step, figures, pace)
                        self.save()
                        started = time.monotonic()
            except KeyboardInterrupt:
                self.save()
                raise
        return figures or validate()


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
