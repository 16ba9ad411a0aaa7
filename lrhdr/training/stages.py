"""The two stages, from a folder of HDR photographs to a weights file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import torch
from torch import Tensor

from lrhdr.data.images import list_images, load_images, split
from lrhdr.data.windows import InterpolationItems, WindowItems, WindowSettings
from lrhdr.losses import LossWeights, total_loss
from lrhdr.model.config import Preset, preset
from lrhdr.model.network import Network
from lrhdr.model.weights import adopt_film, load_weights, save_weights
from lrhdr.training.interpolator import InterpolatorLoss, interpolator_loss
from lrhdr.training.loop import Batch, Loop, LoopSettings
from lrhdr.training.validate import validate_interpolator, validate_network

_VALIDATION_SEED, _VALIDATION_ITEMS = 90_001, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """What a stage needs besides the loop.

    Attributes:
        data: folder of HDR images.
        out: folder for checkpoints, the log and `weights.safetensors`.
        model: which preset.
        exposures: 2 or 3.
        seed: of the network's start and of every item.
        windows: how items are drawn.
        start: weights to begin from; the fusion stage takes at least its interpolator.
    """

    data: Path
    out: Path
    model: Preset = "lite"
    exposures: int = 2
    seed: int = 1
    windows: WindowSettings = field(default_factory=WindowSettings)
    start: Path | None = None


def _network(stage: StageSettings) -> Network:
    # Threads that OpenCV starts before the fork would be missing in the workers.
    cv2.setNumThreads(0)
    torch.manual_seed(stage.seed)
    network = Network(preset(stage.model, stage.exposures))
    if stage.start is not None:
        source = load_weights(stage.start)
        adopt_film(network, source)
        if source.config == network.config:
            network.load_state_dict(source.state_dict())
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _settled(windows: WindowSettings) -> WindowSettings:
    """Validation at the steps of the benchmarks."""
    return replace(windows, side=192)


def train_interpolator(stage: StageSettings, loop_settings: LoopSettings) -> dict[str, float]:
    """Stage 1: FILM alone, with known flow. Writes `out/weights.safetensors`."""
    network = _network(stage)
    network.lrhdr.requires_grad_(False)
    train, held = split(list_images(stage.data))
    length = loop_settings.steps * loop_settings.batch
    data = InterpolationItems(load_images(train), stage.windows, length=length, seed=stage.seed)
    seen = InterpolationItems(
        load_images(held), _settled(stage.windows), length=_VALIDATION_ITEMS, seed=_VALIDATION_SEED
    )
    items = [seen[i] for i in range(len(seen))]
    loop = Loop(network, loop_settings, stage.out)
    settings = InterpolatorLoss()
    teach = 0.0 if network.config.film.registration else settings.teach

    def loss(batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        return interpolator_loss(network.film, batch, settings, taught=progress < teach)

    def validate() -> dict[str, float]:
        return validate_interpolator(loop.average.film, items)  # type: ignore[arg-type]

    return _finish(loop, loop.run(data, loss, validate), stage, "interpolator")


def train_fusion(
    stage: StageSettings, loop_settings: LoopSettings, weights: LossWeights
) -> dict[str, float]:
    """Stage 2: ACCR and APSWF with the interpolator frozen. Writes `out/weights.safetensors`."""
    network = _network(stage)
    network.film.requires_grad_(False)
    train, held = split(list_images(stage.data))
    length = loop_settings.steps * loop_settings.batch
    data = WindowItems(
        load_images(train),
        stage.windows,
        exposures=stage.exposures,
        length=length,
        seed=stage.seed + 1,
    )
    seen = WindowItems(
        load_images(held),
        _settled(stage.windows),
        exposures=stage.exposures,
        length=_VALIDATION_ITEMS,
        seed=_VALIDATION_SEED,
    )
    items = [seen[i] for i in range(len(seen))]
    loop = Loop(network, loop_settings, stage.out)
    config = network.config

    def loss(batch: Batch, _progress: float) -> tuple[Tensor, dict[str, float]]:
        frames = list(batch["frames"].unbind(1))
        with torch.no_grad():
            interpolated = network.interpolate(frames, batch["exposures"])
        result = network.lrhdr(frames, interpolated, batch["exposures"])
        return total_loss(
            result,
            batch["hdr"],
            accr_streams=config.exposures if config.accr else 0,
            alpha=config.apswf.alpha,
            weights=weights,
        )

    def validate() -> dict[str, float]:
        return validate_network(loop.average, items)  # type: ignore[arg-type]

    return _finish(loop, loop.run(data, loss, validate), stage, "fusion")


def _finish(
    loop: Loop, figures: dict[str, float], stage: StageSettings, name: str
) -> dict[str, float]:
    notes: dict[str, object] = {
        "stage": name,
        "steps": loop.step,
        "batch": loop.settings.batch,
        "seed": stage.seed,
        "validation": {k: round(v, 3) for k, v in figures.items()},
    }
    save_weights(loop.average, stage.out / "weights.safetensors", notes)  # type: ignore[arg-type]
    return figures
