"""Validation on scenes that training never saw: fixed items, figures in dB."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

from lrhdr.losses import votes
from lrhdr.model.film import Film
from lrhdr.model.network import Network
from lrhdr.model.ops import tonemap


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio for a range of 1, capped at 80 dB."""
    return float(-10.0 * torch.log10(((a - b).double() ** 2).mean().clamp(min=1e-8)))


def _mean(figures: dict[str, list[float]]) -> dict[str, float]:
    return {name: sum(values) / len(values) for name, values in sorted(figures.items())}


@torch.no_grad()
def validate_interpolator(film: Film, items: Iterable[dict[str, Tensor]]) -> dict[str, float]:
    """PSNR of the interpolated frame and of the average, by the neighbours' exposure."""
    figures: dict[str, list[float]] = defaultdict(list)
    for item in items:
        batch = {k: v.unsqueeze(0) for k, v in item.items()}
        out = film(batch["a"], batch["b"], batch["time"], batch["reference"], batch["exposures"])
        e_reference, e_pair = item["exposures"].tolist()
        name = "bright" if e_pair > e_reference else "dark"
        figures[f"film_{name}"].append(psnr(out, batch["target"]))
        figures[f"average_{name}"].append(psnr((batch["a"] + batch["b"]) / 2, batch["target"]))
    return _mean(figures)


@torch.no_grad()
def validate_network(network: Network, items: Iterable[dict[str, Tensor]]) -> dict[str, float]:
    """PSNR_T of the result, the reference alone and the best candidate, by the reference's role."""
    figures: dict[str, list[float]] = defaultdict(list)
    reference = network.window.reference
    for item in items:
        exposures, truth = item["exposures"].unsqueeze(0), item["hdr"].unsqueeze(0)
        result = network([f.unsqueeze(0) for f in item["frames"]], exposures)
        slots = item["exposures"]
        rank = sorted({*slots.tolist()}).index(float(slots[reference]))
        target = tonemap(truth)
        label = votes(result.candidates, truth).unsqueeze(1).unsqueeze(1).expand(-1, 1, 3, -1, -1)
        oracle = torch.stack(result.candidates, dim=1).gather(1, label)[:, 0]
        for name, value in (
            ("ours", result.hdr),
            ("ref", result.candidates[reference]),
            ("oracle", oracle),
        ):
            figures[name].append(psnr(tonemap(value), target))
            figures[f"{name}_e{rank}"].append(figures[name][-1])
        figures["alive"].append(float((result.masks > 0).sum(dim=1).float().mean()))
    return _mean(figures)
