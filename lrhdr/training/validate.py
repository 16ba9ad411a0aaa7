"""Validation on scenes that training never saw: fixed items, figures in dB."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lrhdr.baselines import dis_aligned_merge, unaligned_merge
from lrhdr.losses import votes
from lrhdr.model.film import Film
from lrhdr.model.network import Network
from lrhdr.model.ops import tonemap
from lrhdr.training import precision

Item = dict[str, Tensor]
_CLASSICAL = {"merge": unaligned_merge, "dis": dis_aligned_merge}


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio for a range of 1, capped at 80 dB."""
    return float(-10.0 * torch.log10(((a - b).double() ** 2).mean().clamp(min=1e-8)))


def _mean(figures: dict[str, list[float]]) -> dict[str, float]:
    return {name: sum(values) / len(values) for name, values in sorted(figures.items())}


class Validation:
    """A few fixed items, drawn once, and how the classical merges do on them."""

    def __init__(self, items: Dataset[Item]) -> None:
        """Draw the items."""
        self.items = [items[i] for i in range(len(items))]  # type: ignore[arg-type]
        self._classical: dict[str, float] | None = None

    @property
    def classical(self) -> dict[str, float]:
        """PSNR_T of the classical merges."""
        if self._classical is None:
            figures: dict[str, list[float]] = defaultdict(list)
            for item in self.items:
                frames = [_picture(f) for f in item["frames"]]
                for name, merge in _CLASSICAL.items():
                    merged = torch.from_numpy(merge(frames, item["exposures"].tolist()))
                    truth = item["hdr"].permute(1, 2, 0)
                    figures[name].append(psnr(tonemap(merged), tonemap(truth)))
            self._classical = _mean(figures)
        return self._classical

    @torch.no_grad()
    def interpolator(self, film: Film) -> dict[str, float]:
        """PSNR of the interpolated frame and of the average, by the neighbours' exposure."""
        figures: dict[str, list[float]] = defaultdict(list)
        for item in self.items:
            batch = {k: v.unsqueeze(0).to(precision.device()) for k, v in item.items()}
            pair = batch["a"], batch["b"]
            out = film(*pair, batch["time"], batch["reference"], batch["exposures"])
            e_reference, e_pair = item["exposures"].tolist()
            name = "bright" if e_pair > e_reference else "dark"
            figures[f"film_{name}"].append(psnr(out, batch["target"]))
            figures[f"average_{name}"].append(psnr((pair[0] + pair[1]) / 2, batch["target"]))
        return _mean(figures)

    @torch.no_grad()
    def network(self, network: Network) -> dict[str, float]:
        """PSNR_T of the result, by the reference's rank among the exposures.

        Beside it the reference alone, the best candidate of every pixel and the classical merges.
        """
        figures: dict[str, list[float]] = defaultdict(list)
        reference = network.window.reference
        for item in self.items:
            batch = {k: v.unsqueeze(0).to(precision.device()) for k, v in item.items()}
            result = network(list(batch["frames"].unbind(1)), batch["exposures"])
            rank = _rank(item["exposures"].tolist(), reference)
            target = tonemap(batch["hdr"])
            for name, value in (
                ("ours", result.hdr),
                ("ref", result.candidates[reference]),
                ("oracle", best_candidate(result.candidates, batch["hdr"])),
            ):
                figures[name].append(psnr(tonemap(value), target))
                figures[f"{name}_e{rank}"].append(figures[name][-1])
            figures["alive"].append(float((result.masks > 0).sum(dim=1).float().mean()))
        return _mean(figures) | self.classical


def best_candidate(candidates: list[Tensor], truth: Tensor) -> Tensor:
    """Each pixel from the candidate nearest to the truth: the ceiling of fusion, (B, 3, H, W)."""
    label = votes(candidates, truth).unsqueeze(1).unsqueeze(1).expand(-1, 1, 3, -1, -1)
    return torch.stack(candidates, dim=1).gather(1, label)[:, 0]


def _rank(exposures: Sequence[float], reference: int) -> int:
    return sorted(set(exposures)).index(exposures[reference])


def _picture(planes: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(planes.permute(1, 2, 0).numpy())
