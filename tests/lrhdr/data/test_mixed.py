"""Two data sets as one: shares, and which item comes from which."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import Dataset

from lrhdr.data.mixed import Mixed

COUNT = 1000


class Named(Dataset[dict[str, Tensor]]):
    """Items that say where they are from and which they are."""

    def __init__(self, name: int, length: int = COUNT) -> None:
        self.name, self.length = name, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"name": torch.tensor(self.name), "index": torch.tensor(index)}


def sources(mixed: Mixed, count: int = COUNT) -> list[int]:
    return [int(mixed[i]["name"]) for i in range(count)]


def test_a_mixture_is_as_long_as_its_first_part() -> None:
    assert len(Mixed(Named(1, 7), Named(2, 99), 0.5, seed=1)) == 7


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.8, 1.0])
def test_the_second_part_has_its_share(share: float) -> None:
    found = np.mean([name == 2 for name in sources(Mixed(Named(1), Named(2), share, seed=1))])
    assert found == pytest.approx(share, abs=0.05)
    if share in (0.0, 1.0):
        assert found == share


@given(seed=st.integers(0, 2**16), index=st.integers(0, COUNT - 1))
def test_an_item_is_that_of_its_part(seed: int, index: int) -> None:
    item = Mixed(Named(1), Named(2), 0.5, seed=seed)[index]
    assert int(item["index"]) == index
    again = Mixed(Named(1, 5 * COUNT), Named(2, 5 * COUNT), 0.5, seed=seed)
    again[0], again[COUNT]
    assert int(again[index]["name"]) == int(item["name"])


def test_other_seeds_choose_otherwise() -> None:
    one, other = (sources(Mixed(Named(1), Named(2), 0.5, seed=seed)) for seed in (1, 2))
    assert 0.4 < np.mean(np.equal(one, other)) < 0.6


def test_a_larger_share_keeps_what_a_smaller_one_took() -> None:
    small, large = (np.array(sources(Mixed(Named(1), Named(2), s, seed=1))) for s in (0.2, 0.6))
    assert (large[small == 2] == 2).all()
