"""Batches: every item once, in an order that neither processes nor a stop changes."""

from __future__ import annotations

from unittest.mock import patch

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import Dataset

from lrhdr.training import distributed
from lrhdr.training.feed import batches


class Numbers(Dataset[dict[str, Tensor]]):
    """Item i is i."""

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"index": torch.tensor(index)}


def seen(rank: int, world: int, steps: range, size: int, workers: int = 0) -> list[list[int]]:
    with (
        patch.object(distributed, "rank", lambda: rank),
        patch.object(distributed, "world", lambda: world),
    ):
        found = batches(Numbers(), steps, size=size, workers=workers)
        return [batch["index"].tolist() for batch in found]


@given(
    world=st.integers(1, 4), size=st.integers(1, 4), stop=st.integers(0, 5), first=st.integers(0, 5)
)
@settings(max_examples=30)
def test_processes_together_see_what_one_sees(world: int, size: int, stop: int, first: int) -> None:
    steps = range(min(first, stop), stop)
    shares = [seen(rank, world, steps, size) for rank in range(world)]
    together = [[i for share in shares for i in share[k]] for k in range(len(steps))]
    assert together == seen(0, 1, steps, world * size)
    items = [i for batch in together for i in batch]
    assert items == [*range(steps.start * world * size, stop * world * size)]


def test_workers_change_nothing() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert seen(0, 1, range(1, 4), 2, workers=2) == seen(0, 1, range(1, 4), 2)
    assert torch.equal(torch.get_rng_state(), before)
