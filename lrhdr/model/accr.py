"""ACCR (section 3.1): every exposure's features mapped into one representation.

Legend: C channels at half resolution; one stream per exposure, the reference
first, then the interpolated frames; all streams share weights, since the
exposures swap roles from frame to frame.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrhdr.model.config import AccrConfig
from lrhdr.model.ops import (
    activated,
    conv,
    convs,
    damp,
    full,
    initialise,
    linearise,
    tonemap,
    untonemap,
)

EPSILON = 1e-8  # Eq. 3
_CLIPPING = (0.9, 0.98)  # trust in a channel falls from here to here, in gamma space
_LEAST_TRUST = 1e-3


class ExposureGate(nn.Module):
    """Eq. 3: alpha(e) = sigmoid(w log(e + eps) + b). Starts at 0.50 for e = 1, 0.89 for e = 8."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(()))
        self.b = nn.Parameter(torch.zeros(()))

    def forward(self, exposure: Tensor) -> Tensor:
        """(B,) to (B, 1, 1, 1)."""
        gate = torch.sigmoid(full(self.w) * torch.log(full(exposure) + EPSILON) + full(self.b))
        return gate.view(-1, 1, 1, 1)


class Encoder(nn.Module):
    """EIC, Eq. 2: F = LF(L) + alpha(e) HF(L), then refined by two convolutions, residual."""

    def __init__(self, config: AccrConfig) -> None:
        super().__init__()
        self.large_field = conv(3, config.width, stride=2)
        self.refine = convs(config.width, config.width, config.width)
        self.gate = ExposureGate() if config.eic else None
        if config.eic:
            self.unshuffle = nn.PixelUnshuffle(2)
            self.mix = conv(12, 12, size=1) if config.mix else nn.Identity()
            self.high_fidelity = conv(6, config.width)

    def forward(self, frame: Tensor, exposure: Tensor) -> Tensor:
        """(B, 3, H, W) in gamma space and (B,) to (B, C, H/2, W/2)."""
        features: Tensor = self.large_field(frame)
        if self.gate is not None:
            left, right = self.mix(self.unshuffle(frame)).chunk(2, dim=1)
            alpha = self.gate(exposure).to(features.dtype)
            features = features + alpha * self.high_fidelity(left * right)
        return features + self.refine(features)


class RepresentationMapper(nn.Module):
    """Eqs. 7 and 9: F~ = K * F + B, K and B from the features and the cues; starts as identity."""

    def __init__(self, width: int, cue_channels: int) -> None:
        super().__init__()
        self.hidden = activated(conv(width + cue_channels, width))
        self.modulation = conv(width, 2 * width)
        initialise(self)
        damp(self.modulation, 0.0)

    def forward(self, features: Tensor, cues: Tensor) -> Tensor:
        """(B, C, h, w) and cues (B, c, h, w) to (B, C, h, w)."""
        change, bias = self.modulation(self.hidden(torch.cat([features, cues], dim=1))).chunk(2, 1)
        return features + change * features + bias


class Decoder(nn.Module):
    """D of Eq. 10: features to linear radiance (B, 3, H, W) in [0, 1]."""

    def __init__(self, config: AccrConfig) -> None:
        super().__init__()
        self.residual = config.residual
        self.body = convs(config.width, config.width, config.width)
        self.head = conv(config.width, 12)
        self.shuffle = nn.PixelShuffle(2)
        initialise(self)
        if self.residual:
            damp(self.head, 0.01)

    def forward(self, features: Tensor, tonemapped: Tensor) -> Tensor:
        """`tonemapped` is T(Gamma(L)) of the stream, used by the residual form only."""
        image = full(self.shuffle(self.head(self.body(features))))
        if not self.residual:
            return torch.sigmoid(image)
        return untonemap((tonemapped + image).clamp(0.0, 1.0))


def complete(frames: list[Tensor], exposures: list[Tensor], radiance: list[Tensor]) -> list[Tensor]:
    """Each stream's radiance with its clipped channels taken from the shorter exposures.

    Of those, the longest that is not clipped itself counts most: it has the least noise. A red
    light clips in red long before its luma does, so this is decided channel by channel, which
    masks of whole pixels cannot do.

    Args:
        frames: Ne of (B, 3, H, W), gamma space.
        exposures: Ne of (B,).
        radiance: Ne of (B, 3, H, W), Gamma of the frames.
    """
    low, high = _CLIPPING
    trust = [((high - full(f)) / (high - low)).clamp(0.0, 1.0) for f in frames]
    completed = []
    for own, e_own, sure in zip(radiance, exposures, trust, strict=True):
        total, weights = EPSILON * own, torch.full_like(own, EPSILON)
        for other, e, other_sure in zip(radiance, exposures, trust, strict=True):
            shorter = ((e < e_own).to(own.dtype) * full(e)).view(-1, 1, 1, 1)
            # Even a clipped shorter exposure knows more than the longer one.
            weight = shorter * (other_sure + _LEAST_TRUST)
            total, weights = total + weight * other, weights + weight
        filled = total / weights
        completed.append(filled + sure * (own - filled))
    return completed


class Accr(nn.Module):
    """The whole of section 3.1 for Ne streams."""

    def __init__(self, config: AccrConfig, exposures: int) -> None:
        """`exposures` is Ne; it fixes the number of cues, 6 (Ne - 1) channels."""
        super().__init__()
        self.tonemapped_cues, self.complete = config.tonemapped_cues, config.complete
        self.encoder = Encoder(config)
        initialise(self.encoder)
        self.mapper = RepresentationMapper(config.width, 6 * (exposures - 1)) if config.rm else None
        self.decoder = Decoder(config)

    def cues(self, values: list[Tensor]) -> Tensor:
        """Eq. 8: C = Gamma(interpolated) - Gamma(reference) and C * C, at half resolution."""
        differences = torch.cat([value - values[0] for value in values[1:]], dim=1)
        return F.avg_pool2d(torch.cat([differences, differences * differences], dim=1), 2)

    def forward(self, frames: list[Tensor], exposures: list[Tensor]) -> list[Tensor]:
        """Radiance of each stream.

        Args:
            frames: Ne of (B, 3, H, W) in gamma space, the reference first.
            exposures: Ne of (B,).
        """
        radiance = [linearise(f, e) for f, e in zip(frames, exposures, strict=True)]
        tonemapped = [tonemap(h) for h in radiance]
        dtype = self.encoder.large_field.weight.dtype
        cues = self.cues(tonemapped if self.tonemapped_cues else radiance).to(dtype)
        if self.complete:
            tonemapped = [tonemap(h) for h in complete(frames, exposures, radiance)]
        outputs = []
        for frame, exposure, value in zip(frames, exposures, tonemapped, strict=True):
            features = self.encoder(frame.to(dtype), exposure)
            if self.mapper is not None:
                features = self.mapper(features, cues)
            outputs.append(self.decoder(features, value))
        return outputs
