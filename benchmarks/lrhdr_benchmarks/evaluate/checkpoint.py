"""A checkpoint of `lrhdr-train`, run by torch: for weights that were not exported yet.

It knows the candidates too, and so the oracle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lrhdr.data.layouts import Picture, TestScene
from lrhdr.errors import BundleError
from lrhdr_benchmarks.evaluate.extras import need
from lrhdr_benchmarks.evaluate.method import Estimate, window_of
from lrhdr_engines.padding import crop, pad
from lrhdr_engines.reconstruct import normalised


class CheckpointMethod:
    """A network by its weights file; see `Method`."""

    def __init__(self, path: Path, exposures: int, name: str) -> None:
        """Load the network, onto the GPU where there is one.

        Args:
            path: a .safetensors file of lrhdr-train.
            exposures: in a cycle.
            name: in tables.

        Raises:
            BundleError: the file cannot be read, or is for another number of exposures.
        """
        need("torch", "train")
        need("safetensors", "train")
        from lrhdr.model.weights import load_weights
        from lrhdr.training.precision import device

        network = load_weights(path)
        config = network.config
        if config.exposures != exposures:
            raise BundleError(
                f"{path} is for {config.exposures} exposures",
                expected=f"weights for {exposures}",
                next_step="Give other weights or --exposures",
            )
        self.name = name
        self.about = f"checkpoint {path.name}, preset {config.preset}, by torch on {device()}"
        self._network = network.to(device())

    def estimate(self, scene: TestScene, wanted: Sequence[int]) -> Iterator[Estimate]:
        """See `Method.estimate`."""
        for index in wanted:
            yield self._frame(scene, index)

    def _frame(self, scene: TestScene, index: int) -> Estimate:
        import torch

        from lrhdr.training.precision import device
        from lrhdr.training.validate import best_candidate

        frames, exposures = window_of(scene, index)
        height, width = frames[0].shape[:2]
        multiple = self._network.config.film.multiple

        def tensor(picture: Picture) -> torch.Tensor:
            return torch.from_numpy(pad(normalised(picture), multiple)).to(device())

        def picture(planes: torch.Tensor) -> Any:
            whole = crop(planes[0].float().cpu().numpy(), height, width)
            return np.ascontiguousarray(whole.transpose(1, 2, 0))

        truth = scene.read_truth(index)
        with torch.inference_mode():
            result = self._network(
                [tensor(frame) for frame in frames], torch.tensor([exposures]).to(device())
            )
            best = None if truth is None else best_candidate(result.candidates, tensor(truth))
        return Estimate(
            index=index,
            hdr=picture(result.hdr),
            masks=picture(result.masks),
            oracle=None if best is None else picture(best),
        )
