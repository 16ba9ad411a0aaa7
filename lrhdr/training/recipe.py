"""What the two presets are trained with. Every number is a setting of `lrhdr-train`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from lrhdr.data.camera import CameraSettings
from lrhdr.data.windows import WindowSettings
from lrhdr.losses import LossWeights
from lrhdr.model.config import ModelConfig, Preset, without

Stage = Literal["interpolator", "fusion", "joint"]

ITEMS_PER_EPOCH = 3000  # items are drawn without end; this is what an epoch is counted as


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a preset is trained.

    Attributes:
        stages: what is trained, one after the other, with its share of the steps. The
            interpolator alone; ACCR and APSWF on top of it, frozen; all together.
        steps: of all stages together.
        batch: items a step.
        windows: how items are drawn.
        losses: Eq. 22.
        rate: peak learning rate of APSWF.
        accr_rate: of ACCR.
        film_rate: of the interpolator alone.
        joint_rate: every rate times this, where all are trained together.
    """

    stages: dict[Stage, float]
    steps: int
    batch: int = 8
    windows: WindowSettings = field(default_factory=WindowSettings)
    losses: LossWeights = field(default_factory=LossWeights)
    rate: float
    accr_rate: float
    film_rate: float
    joint_rate: float = 0.2


def recipe(preset: Preset) -> Recipe:
    """The recipe of a preset.

    `paper` is section 4.1 of the paper: a frozen FILM, 300 epochs, rates 1e-4 and 1e-5 down to
    1e-6, exposures and tone of Chen et al. 2021; its crop is not stated, 256 is theirs.
    """
    if preset == "paper":
        camera = CameraSettings(
            noise=(1e-4, 1e-3), steps=(2.0, 3.0), step_range=(2.0, 3.0), coded=0.0, toned=1.0
        )
        return Recipe(
            stages={"fusion": 1.0},
            steps=300 * ITEMS_PER_EPOCH // 8,
            windows=WindowSettings(side=256, camera=camera),
            rate=1e-4,
            accr_rate=1e-5,
            film_rate=1e-4,
        )
    return Recipe(
        stages={"interpolator": 0.3, "fusion": 0.4, "joint": 0.3},
        steps=6000,
        # Of Eq. 22 only the picture's own loss: docs/ablations.md.
        losses=LossWeights(accr=0.0, vote=0.0, square=50.0),
        rate=1.5e-3,
        accr_rate=1.5e-3,
        film_rate=1e-3,
    )


Ablation = Literal[
    "all", "base", "eic", "rm", "rm+accr-loss", "no-accr-loss", "no-vote", "dense-fusion"
]
ABLATIONS: tuple[Ablation, ...] = Ablation.__args__  # type: ignore[attr-defined]


def ablate(
    config: ModelConfig, losses: LossWeights, row: Ablation
) -> tuple[ModelConfig, LossWeights]:
    """A row of Tables 2 and 3: the network and the losses without some parts.

    A loss that a row has, but the recipe leaves out, comes back with a small weight.
    """
    losses = replace(losses, accr=losses.accr or 0.1, vote=losses.vote or 0.01)
    if row == "base":
        config = without(config, "accr")
    elif row == "eic":
        config = without(config, "rm")
    elif row in ("rm", "rm+accr-loss"):
        config = without(config, "eic")
    elif row == "dense-fusion":
        config = without(config, "sparse")
    if row in ("base", "eic", "rm", "no-accr-loss"):
        losses = replace(losses, accr=0.0)
    if row == "no-vote":
        losses = replace(losses, vote=0.0)
    return config, losses
