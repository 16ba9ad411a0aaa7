"""Operations that every part shares. Legend: B batch, C channels, H, W size."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrhdr.light import GAMMA, MU

LEAK = 0.2  # FILM's LeakyReLU slope


def full(x: Tensor) -> Tensor:
    """At least float32: grids, Gamma, entmax and the weighted sum never run in half precision."""
    return x if x.dtype == torch.float64 else x.float()


def linearise(frame: Tensor, exposure: Tensor) -> Tensor:
    """Eq. 1, Gamma(L) = L^2.2 / e. frame (B, 3, H, W) in [0, 1]; exposure (B,)."""
    return full(frame).clamp(min=0.0) ** GAMMA / full(exposure).view(-1, 1, 1, 1)


def expose(radiance: Tensor, exposure: Tensor) -> Tensor:
    """The inverse of Eq. 1 with clipping. radiance (B, 3, H, W) >= 0; exposure (B,)."""
    return (full(radiance) * full(exposure).view(-1, 1, 1, 1)).clamp(0.0, 1.0) ** (1.0 / GAMMA)


def tonemap(radiance: Tensor) -> Tensor:
    """Eq. 12, T(H) = log(1 + mu H) / log(1 + mu)."""
    return torch.log(1.0 + MU * radiance) / math.log(1.0 + MU)


def untonemap(value: Tensor) -> Tensor:
    """The inverse of Eq. 12."""
    return (torch.exp(value * math.log(1.0 + MU)) - 1.0) / MU


def upsample(x: Tensor, factor: int = 2) -> Tensor:
    """Bilinear, half-pixel centres."""
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


def upsample_flow(flow: Tensor, factor: int = 2) -> Tensor:
    """A flow (B, 2, H, W) in pixels, brought to a finer level in that level's pixels."""
    return upsample(factor * flow, factor)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Backward warp: out(x, y) = image(x + flow_x, y + flow_y), bilinear, border.

    Args:
        image: (B, C, H, W).
        flow: (B, 2, H, W), (dx, dy) in pixels, float32 or float64.

    The grid is made of two 1-D ranges in full precision: in FP16 it would be
    off by up to half a pixel at 1920 wide.
    """
    _, _, height, width = image.shape
    x = torch.arange(width, device=flow.device, dtype=flow.dtype) + 0.5
    y = torch.arange(height, device=flow.device, dtype=flow.dtype).unsqueeze(1) + 0.5
    grid = torch.stack(
        ((x + flow[:, 0]) * (2.0 / width) - 1.0, (y + flow[:, 1]) * (2.0 / height) - 1.0), dim=-1
    )
    warped = F.grid_sample(
        full(image).to(flow.dtype),
        grid,
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return warped.to(image.dtype)


def conv(c_in: int, c_out: int, *, size: int = 3, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size (or divides it by the stride)."""
    padding = dilation * (size // 2)
    return nn.Conv2d(c_in, c_out, size, stride=stride, padding=padding, dilation=dilation)


def activated(layer: nn.Module) -> nn.Sequential:
    """A layer followed by LeakyReLU 0.2."""
    return nn.Sequential(layer, nn.LeakyReLU(LEAK, inplace=True))


def convs(*widths: int) -> nn.Sequential:
    """3x3 convolutions from width to width, each activated."""
    return nn.Sequential(*(activated(conv(a, b)) for a, b in pairwise(widths)))


def initialise(module: nn.Module) -> None:
    """Kaiming-normal for LeakyReLU 0.2; PyTorch's own default never learns the flow."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=LEAK)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def damp(layer: nn.Module, factor: float) -> None:
    """Scale a layer's start, so that what it adds begins small (0: begins as nothing)."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(factor)
