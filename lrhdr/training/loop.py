"""The loop that all stages share: AdamW, warm-up and cosine, EMA, checkpoints."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from lrhdr.command import interruptible
from lrhdr.errors import OutputError, TrainingError
from lrhdr.training import checkpoint, distributed, precision
from lrhdr.training.feed import Batch, batches
from lrhdr.training.progress import Progress

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
        self,
        module: nn.Module,
        groups: Sequence[Group],
        settings: LoopSettings,
        folder: Path,
        course: dict[str, Any] | None = None,
    ) -> None:
        """Continue from `folder/last.pt` where there is one.

        Args:
            module: what is trained.
            groups: the parameters that are, and their rates.
            settings: how long and how.
            folder: of the checkpoint and the logs.
            course: what else decides the course of the run, as plain numbers, texts and tuples.

        Raises:
            TrainingError: that run had other settings, or its checkpoint is damaged.
            OutputError: the folder cannot be made.
        """
        self.module, self.settings, self.folder = module, settings, folder
        self.course = course or {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{folder} cannot be made ({error.strerror})", next_step="Name another --out"
            ) from error
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
            self._resume(checkpoint.read(folder / "last.pt", self._plan()))

    def _plan(self) -> dict[str, Any]:
        """What decides the course of a run; a run may not go on with another."""
        free = ("every", "workers", "bf16")
        plan = {k: v for k, v in asdict(self.settings).items() if k not in free}
        return plan | self.course | {"rates": self.rates, "processes": distributed.world()}

    def _resume(self, state: dict[str, Any]) -> None:
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
        """Write the checkpoint, `folder/last.pt`."""
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
        checkpoint.write(self.folder / "last.pt", state)

    def _update(self, batch: Batch, loss: Loss) -> dict[str, float]:
        s = self.settings
        for group, peak in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = self.rate(self.step, peak)
        placed = {k: v.to(precision.device(), non_blocking=True) for k, v in batch.items()}
        with precision.autocast(s.bf16):
            total, parts = loss(placed, self.step / s.steps)
        value = distributed.average(float(total.detach()))
        self._check("loss", value, parts, batch)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        distributed.average_gradients(self.parameters)
        norm = nn.utils.clip_grad_norm_(self.parameters, s.clip)
        self._check("gradient's norm", float(norm), parts, batch)
        self.optimiser.step()
        keep = min(s.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, now in zip(self.average.parameters(), self.module.parameters(), strict=True):
                kept.lerp_(now, 1.0 - keep)
        self.step += 1
        return {"loss": value, **parts}

    def _check(self, what: str, value: float, parts: dict[str, float], batch: Batch) -> None:
        """Stop before nonsense reaches the weights, and keep the batch that led to it."""
        if math.isfinite(value):
            return
        bad = self.folder / f"bad-batch-{distributed.rank()}.pt"
        torch.save(batch, bad)
        raise TrainingError(
            f"the {what} is {value} at step {self.step}: {parts}",
            expected="a finite number",
            next_step=f"Look at {bad}, or lower --rate",
        )

    def run(
        self, data: Dataset[Batch], loss: Loss, validate: Callable[[], dict[str, float]]
    ) -> dict[str, float]:
        """Train to the last step; the last validation's figures, new ones if nothing was left.

        Ctrl-C ends the step in hand, saves it and goes on its way.

        Raises:
            KeyboardInterrupt: it was stopped.
            TrainingError: the loss or its gradient is no finite number.
            OutputError: a checkpoint cannot be written.
        """
        s = self.settings
        figures: dict[str, float] = {}
        started = time.monotonic()
        with (
            interruptible("stopping after the step in hand", "leaves at once") as stop,
            Progress(self.folder, self.step, s.steps, quiet=distributed.rank() > 0) as progress,
        ):
            steps = range(self.step, s.steps)
            for batch in batches(data, steps, size=s.batch, workers=s.workers):
                progress.advance(self.step + 1, self._update(batch, loss))
                due = self.step % s.every == 0 or self.step == s.steps
                if due:
                    pace = (time.monotonic() - started) / progress.since
                    figures = validate()
                    progress.log(self.step, figures, pace)
                # One process must not leave the others waiting for it.
                stopped = distributed.anywhere(stop.is_set())
                if due or stopped:
                    self.save()
                    started = time.monotonic()
                if stopped:
                    progress.say(f"stopped at step {self.step}; the same command goes on from it")
                    raise KeyboardInterrupt
        return figures or validate()
