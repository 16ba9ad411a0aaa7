"""The whole network: FILM, ACCR and APSWF from a window of frames to one HDR frame.

Legend: B batch, F window frames, I interpolated frames, N candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lrhdr.contract import WINDOWS
from lrhdr.model.accr import Accr
from lrhdr.model.apswf import Apswf, fuse, merge_weights
from lrhdr.model.config import ModelConfig
from lrhdr.model.film import Film
from lrhdr.model.ops import linearise, tonemap


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """What one window gives.

    Attributes:
        hdr: (B, 3, H, W), linear, [0, 1].
        masks: (B, N, H, W).
        logits: (B, N, H, W).
        candidates: N of (B, 3, H, W), linear; ACCR's outputs are the last Ne (reference first).
    """

    hdr: Tensor
    masks: Tensor
    logits: Tensor
    candidates: list[Tensor]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the fusion of a window starts from.

    Attributes:
        logits: (B, N, H, W).
        images: F + I of (B, 3, H, W), gamma space.
        exposures: F + I of (B,), theirs.
        candidates: N of (B, 3, H, W), linear: the images' radiance, then ACCR's outputs.
    """

    logits: Tensor
    images: list[Tensor]
    exposures: list[Tensor]
    candidates: list[Tensor]


class Lrhdr(nn.Module):
    """ACCR and APSWF: everything after the interpolator."""

    def __init__(self, config: ModelConfig) -> None:
        """Layers for `config.exposures` exposures."""
        super().__init__()
        self.window = WINDOWS[config.exposures]
        self.accr = Accr(config.accr, config.exposures) if config.accr else None
        ldr = self.window.frames + len(self.window.interpolations)
        self.prior = config.apswf.prior
        # Where ACCR's outputs begin as completed streams, the prior merges those.
        self.complete = config.accr is not None and config.accr.complete
        self.apswf = Apswf(config.apswf, 3 * (ldr + config.candidates), config.candidates)

    def forward(
        self, frames: list[Tensor], interpolated: list[Tensor], exposures: Tensor
    ) -> Reconstruction:
        """Fuse a window; see `prepare`."""
        ready = self.prepare(frames, interpolated, exposures)
        masks = self.apswf.masks(ready.logits)
        return Reconstruction(fuse(masks, ready.candidates), masks, ready.logits, ready.candidates)

    def prepare(
        self, frames: list[Tensor], interpolated: list[Tensor], exposures: Tensor
    ) -> Prepared:
        """Everything before Eqs. 16 to 18.

        Args:
            frames: F of (B, 3, H, W), gamma space, in time order.
            interpolated: I of (B, 3, H, W), gamma space.
            exposures: (B, F), relative to the shortest (e >= 1).
        """
        window = self.window
        slots = list(exposures.unbind(1))
        film_slots = [slots[step.a] for step in window.interpolations]
        images, shots = frames + interpolated, slots + film_slots
        candidates = [linearise(f, e) for f, e in zip(images, shots, strict=True)]
        if self.accr is not None:
            streams = [frames[window.reference], *interpolated]
            candidates += self.accr(streams, [slots[window.reference], *film_slots])
        dtype = self.apswf.heads[0].weight.dtype
        inputs = torch.cat([*images, *(tonemap(h) for h in candidates)], dim=1).to(dtype)  # type: ignore[arg-type]
        logits = self.apswf.logits(inputs)
        if self.prior:
            slot = window.reference
            placed = [slot, *range(window.frames, window.frames + len(film_slots))]
            if self.complete:
                placed = list(range(len(candidates) - window.exposures, len(candidates)))
            weights = merge_weights(frames[slot], slots[slot], film_slots, placed, len(candidates))
            logits = logits + self.apswf.prior(weights)
        return Prepared(logits, images, shots, candidates)


class Network(nn.Module):
    """The interpolator and `Lrhdr` together, as training and verification see them."""

    def __init__(self, config: ModelConfig) -> None:
        """Layers as `config` says, freshly initialised."""
        super().__init__()
        self.config = config
        self.window = WINDOWS[config.exposures]
        self.film = Film(config.film)
        self.lrhdr = Lrhdr(config)

    def interpolate(self, frames: list[Tensor], exposures: Tensor) -> list[Tensor]:
        """The I interpolated frames of a window, (B, 3, H, W) in gamma space."""
        reference = self.window.reference
        results = []
        for step in self.window.interpolations:
            time = torch.full_like(exposures[:, 0], step.time)
            pair = exposures[:, [reference, step.a]]
            results.append(self.film(frames[step.a], frames[step.b], time, frames[reference], pair))
        return results

    def forward(self, frames: list[Tensor], exposures: Tensor) -> Reconstruction:
        """Reconstruct the middle frame of a window; see `Lrhdr.forward`.

        Height and width must be multiples of `config.film.multiple`.
        """
        return self.lrhdr(frames, self.interpolate(frames, exposures), exposures)
