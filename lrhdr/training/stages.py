"""The stages, from folders of HDR photographs and clips to a weights file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import torch
from torch.utils.data import Dataset

from lrhdr.data.images import Image, list_images, load_images, split
from lrhdr.data.mixed import Mixed
from lrhdr.data.video import VideoItems
from lrhdr.data.windows import InterpolationItems, WindowItems, WindowSettings
from lrhdr.losses import LossWeights
from lrhdr.model.config import ModelConfig
from lrhdr.model.network import Network
from lrhdr.model.weights import save_weights
from lrhdr.training import distributed, precision
from lrhdr.training.feed import Batch
from lrhdr.training.loop import Group, Loop, LoopSettings, Loss
from lrhdr.training.objectives import FusionObjective, InterpolatorObjective
from lrhdr.training.recipe import Stage
from lrhdr.training.start import load_film, take_over
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
    """Run one stage; the figures of its last validation. Writes `out/weights.safetensors`.

    Raises:
        TrainingError: photographs or clips cannot be used; see also `Loop`.
        BundleError: `start` or `teacher` hold no weights, or some that do not fit.
    """
    network = _network(stage)
    groups = _groups(network, name, stage.rates)
    train, held = split(list_images(stage.data))
    images, kept_apart = load_images(train), load_images(held)
    count = settings.steps * settings.batch * distributed.world()
    # No stage sees the windows of another.
    seed = stage.seed + {"interpolator": 0, "fusion": 1, "joint": 3}[name]
    items = _items(name, stage, images, stage.windows, length=count, seed=seed)
    if stage.video is not None and name != "interpolator":
        clips = VideoItems(
            stage.video,
            stage.windows,
            exposures=stage.config.exposures,
            length=count,
            seed=stage.seed + 2,
        )
        items = Mixed(items, clips, stage.video_share, seed=stage.seed)
    # Validation has the settings of the training but for a larger crop.
    unseen = replace(stage.windows, side=_VALIDATION_SIDE)
    seen = _items(name, stage, kept_apart, unseen, length=_VALIDATION_ITEMS, seed=_VALIDATION_SEED)
    objective = _objective(network, name, stage)
    loop = Loop(network, groups, settings, stage.out, _course(name, stage))
    validation = Validation(seen)
    average: Network = loop.average  # type: ignore[assignment]
    if name == "interpolator":
        figures = loop.run(items, objective, lambda: validation.interpolator(average.film))
    else:
        figures = loop.run(items, objective, lambda: validation.network(average))
    if distributed.rank() == 0:
        notes: dict[str, object] = {
            "stage": name,
            "steps": loop.step,
            "batch": settings.batch * distributed.world(),
            "seed": stage.seed,
            "photographs": len(images),
            "photographs_kept_apart": len(kept_apart),
            "validation": {k: round(v, 3) for k, v in figures.items()},
        }
        save_weights(average, stage.out / "weights.safetensors", notes)
    distributed.wait()
    return figures


def _items(
    name: Stage,
    stage: StageSettings,
    images: Sequence[Image],
    windows: WindowSettings,
    *,
    length: int,
    seed: int,
) -> Dataset[Batch]:
    if name == "interpolator":
        return InterpolationItems(images, windows, length=length, seed=seed)
    exposures = stage.config.exposures
    return WindowItems(images, windows, exposures=exposures, length=length, seed=seed)


def _course(name: Stage, stage: StageSettings) -> dict[str, Any]:
    """What decides the course of a stage, besides the loop's settings and what the files hold."""
    course = {k: v for k, v in asdict(stage).items() if k in ("config", "seed", "windows")}
    if name == "interpolator":
        return course | {"teacher": stage.teacher is not None}
    share = 0.0 if stage.video is None else stage.video_share
    return course | {"losses": asdict(stage.losses), "video_share": share}


def _network(stage: StageSettings) -> Network:
    # Threads that OpenCV starts before the fork would be missing in the workers.
    cv2.setNumThreads(0)
    torch.manual_seed(stage.seed)
    network = Network(stage.config)
    if stage.start is not None:
        take_over(network, stage.start)
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


def _objective(network: Network, name: Stage, stage: StageSettings) -> Loss:
    if name != "interpolator":
        return FusionObjective(network, stage.losses, joint=name == "joint")
    teacher = None
    if stage.teacher is not None:
        teacher = load_film(stage.teacher).requires_grad_(False).to(precision.device())
    return InterpolatorObjective(network, teacher)
