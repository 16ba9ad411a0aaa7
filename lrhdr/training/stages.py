"""The stages, from folders of HDR photographs and clips to a weights file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lrhdr.data.images import list_images, load_images, split
from lrhdr.data.mixed import Mixed
from lrhdr.data.video import VideoItems
from lrhdr.data.windows import InterpolationItems, WindowItems, WindowSettings
from lrhdr.losses import LossWeights, total_loss
from lrhdr.model.config import ModelConfig
from lrhdr.model.network import Network
from lrhdr.model.ops import expose
from lrhdr.model.weights import adopt_film, load_weights, save_weights
from lrhdr.training import distributed, precision
from lrhdr.training.interpolator import InterpolatorLoss, interpolator_loss
from lrhdr.training.loop import Batch, Group, Loop, LoopSettings
from lrhdr.training.recipe import Stage
from lrhdr.training.validate import Validation

_VALIDATION_SEED, _VALIDATION_ITEMS, _VALIDATION_SIDE = 90_001, 32, 192


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """What a stage needs besides the loop.

    Attributes:
        data: folder of HDR images.
        out: folder for checkpoints, the log and `weights.safetensors`.
        config: the network.
        rates: peak learning rates of the interpolator, ACCR and APSWF.
        seed: of the network's start and of every item.
        windows: how items are drawn.
        losses: Eq. 22.
        start: weights to begin from: all of them where the networks are alike, else the
            interpolator.
        teacher: weights whose interpolator, a large one, teaches this one too.
        video: folder of ordinary clips, for a share of the windows.
        video_share: that share.
    """

    data: Path
    out: Path
    config: ModelConfig
    rates: tuple[float, float, float]
    seed: int = 1
    windows: WindowSettings = field(default_factory=WindowSettings)
    losses: LossWeights = field(default_factory=LossWeights)
    start: Path | None = None
    teacher: Path | None = None
    video: Path | None = None
    video_share: float = 0.3


def train_stage(name: Stage, stage: StageSettings, settings: LoopSettings) -> dict[str, float]:
    """Run one stage; the figures of its last validation. Writes `out/weights.safetensors`."""
    network = _network(stage)
    groups = _groups(network, name, stage.rates)
    train, held = split(list_images(stage.data))
    images, kept_apart = load_images(train), load_images(held)
    count = settings.steps * settings.batch * distributed.world()
    # Validation has the settings of the training but for a larger crop.
    unseen = replace(stage.windows, side=_VALIDATION_SIDE)
    items: Dataset[Batch]
    seen: Dataset[Batch]
    if name == "interpolator":
        items = InterpolationItems(images, stage.windows, length=count, seed=stage.seed)
        seen = InterpolationItems(
            kept_apart, unseen, length=_VALIDATION_ITEMS, seed=_VALIDATION_SEED
        )
    else:
        exposures = stage.config.exposures
        items = WindowItems(
            images, stage.windows, exposures=exposures, length=count, seed=stage.seed + 1
        )
        if stage.video is not None:
            clips = VideoItems(
                stage.video, stage.windows, exposures=exposures, length=count, seed=stage.seed + 2
            )
            items = Mixed(items, clips, stage.video_share, seed=stage.seed)
        seen = WindowItems(
            kept_apart,
            unseen,
            exposures=exposures,
            length=_VALIDATION_ITEMS,
            seed=_VALIDATION_SEED,
        )
    loop = Loop(network, groups, settings, stage.out)
    validation = Validation(seen, photographs=len(kept_apart))
    average: Network = loop.average  # type: ignore[assignment]
    if name == "interpolator":
        loss = _InterpolatorLoss(network, stage)
        figures = loop.run(items, loss, lambda: validation.interpolator(average.film))
    else:
        figures = loop.run(
            items, _FusionLoss(network, name, stage), lambda: validation.network(average)
        )
    if distributed.rank() == 0:
        notes: dict[str, object] = {
            "stage": name,
            "steps": loop.step,
            "batch": settings.batch * distributed.world(),
            "seed": stage.seed,
            "validation": {k: round(v, 3) for k, v in figures.items()},
        }
        save_weights(average, stage.out / "weights.safetensors", notes)
    return figures


def _network(stage: StageSettings) -> Network:
    # Threads that OpenCV starts before the fork would be missing in the workers.
    cv2.setNumThreads(0)
    torch.manual_seed(stage.seed)
    network = Network(stage.config)
    if stage.start is not None:
        source = load_weights(stage.start)
        adopt_film(network, source)
        if source.config == network.config:
            network.load_state_dict(source.state_dict())
    placed: Network = network.to(precision.device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed


def _groups(network: Network, name: Stage, rates: tuple[float, float, float]) -> list[Group]:
    """The parts that a stage trains, each with its rate; the rest is frozen."""
    film, accr, apswf = rates
    fusion: list[Group] = [(list(network.lrhdr.apswf.parameters()), apswf)]
    if network.lrhdr.accr is not None:
        fusion.append((list(network.lrhdr.accr.parameters()), accr))
    interpolator: list[Group] = [(list(network.film.parameters()), film)]
    groups = {
        "interpolator": interpolator,
        "fusion": fusion,
        "joint": [*fusion, *interpolator],
    }[name]
    network.requires_grad_(False)
    for parameters, _ in groups:
        for parameter in parameters:
            parameter.requires_grad_(True)
    return groups


class _InterpolatorLoss:
    """Stage 1, with what the renderer knows and, where there is one, a teacher."""

    def __init__(self, network: Network, stage: StageSettings) -> None:
        self.film = network.film
        self.settings = InterpolatorLoss()
        self.taught = 0.0 if network.config.film.registration else self.settings.teach
        self.teacher = None
        if stage.teacher is not None:
            teacher = load_weights(stage.teacher).film.requires_grad_(False)
            self.teacher = teacher.to(precision.device())

    def __call__(self, batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        taught = progress < self.taught
        return interpolator_loss(self.film, batch, self.settings, self.teacher, taught=taught)


class _FusionLoss:
    """Eq. 22; where the interpolator is trained too, its frame is held to the truth."""

    def __init__(self, network: Network, name: Stage, stage: StageSettings) -> None:
        self.network, self.losses = network, stage.losses
        self.joint = name == "joint"
        config = network.config
        self.streams = config.exposures if config.accr else 0
        self.alpha = None if config.apswf.dense else config.apswf.alpha

    def __call__(self, batch: Batch, _progress: float) -> tuple[Tensor, dict[str, float]]:
        network, exposures = self.network, batch["exposures"]
        frames = list(batch["frames"].unbind(1))
        with torch.set_grad_enabled(self.joint and torch.is_grad_enabled()):
            interpolated = network.interpolate(frames, exposures)
        result = network.lrhdr(frames, interpolated, exposures)
        total, parts = total_loss(
            result, batch["hdr"], accr_streams=self.streams, alpha=self.alpha, weights=self.losses
        )
        if self.joint:
            film = total.new_zeros(())
            for step, image in zip(network.window.interpolations, interpolated, strict=True):
                film = film + (image - expose(batch["hdr"], exposures[:, step.a])).abs().mean()
            total = total + self.losses.film * film
            parts["film"] = float(film.detach())
        return total, parts
