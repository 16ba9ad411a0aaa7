"""Two data sets as one, in shares."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

Items = Dataset[dict[str, Tensor]]


class Mixed(Dataset[dict[str, Tensor]]):
    """Item i comes from `second` with probability `share`; which one depends on (seed, i) alone."""

    def __init__(self, first: Items, second: Items, share: float, *, seed: int) -> None:
        self.first, self.second, self.share, self.seed = first, second, share, seed

    def __len__(self) -> int:
        return len(self.first)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Draw item `index`."""
        other = np.random.default_rng((self.seed, index)).random() < self.share
        return (self.second if other else self.first)[index]
