"""What the stages minimise: a batch and the share of the run that is done, to the loss."""

from __future__ import annotations

import torch
from torch import Tensor

from lrhdr.losses import LossWeights, total_loss
from lrhdr.model.film import Film
from lrhdr.model.network import Network
from lrhdr.model.ops import expose
from lrhdr.training.feed import Batch
from lrhdr.training.interpolator import InterpolatorLoss, interpolator_loss


class InterpolatorObjective:
    """Stage 1, with what the renderer knows and, where there is one, a teacher."""

    def __init__(self, network: Network, teacher: Film | None) -> None:
        self.film, self.teacher = network.film, teacher
        self.settings = InterpolatorLoss()
        self.taught = 0.0 if network.config.film.registration else self.settings.teach

    def __call__(self, batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        """The loss of a batch of `InterpolationItems`, and its parts."""
        taught = progress < self.taught
        return interpolator_loss(self.film, batch, self.settings, self.teacher, taught=taught)


class FusionObjective:
    """Eq. 22; where the interpolator is trained too, its frame is held to the truth."""

    def __init__(self, network: Network, losses: LossWeights, *, joint: bool) -> None:
        self.network, self.losses, self.joint = network, losses, joint
        config = network.config
        self.streams = config.exposures if config.accr else 0
        self.alpha = None if config.apswf.dense else config.apswf.alpha

    def __call__(self, batch: Batch, _progress: float) -> tuple[Tensor, dict[str, float]]:
        """The loss of a batch of `WindowItems`, and its parts."""
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
