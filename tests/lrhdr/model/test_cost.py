from __future__ import annotations

from collections.abc import Callable

import pytest

from lrhdr.contract import EXTRACT, FLOW, FUSE, LRHDR
from lrhdr.model.config import ModelConfig, lite, paper, without
from lrhdr.model.cost import gflop_per_megapixel

MakeConfig = Callable[..., ModelConfig]


def test_lite_keeps_to_its_budget() -> None:
    two, three = gflop_per_megapixel(lite(2)), gflop_per_megapixel(lite(3))
    for cost in (two, three):
        assert list(cost) == [EXTRACT, FLOW, FUSE, LRHDR]
        assert all(value > 0.0 for value in cost.values())
    assert sum(two.values()) <= 190.0
    assert sum(three.values()) <= 1.6 * sum(two.values())
    # One extraction and one flow pair an output in both; two interpolated frames instead of one.
    assert three[EXTRACT] == two[EXTRACT]
    assert three[FLOW] == two[FLOW]
    assert three[FUSE] == pytest.approx(2.0 * two[FUSE])


def test_the_released_film_costs_what_was_counted_elsewhere() -> None:
    # 8,896 GFLOP at 1920x1080 padded to 1920x1088, with two extractions instead of one.
    cost = gflop_per_megapixel(paper(2))
    total = 2.0 * cost[EXTRACT] + cost[FLOW] + cost[FUSE]
    assert total * 1920 * 1088 / 1e6 == pytest.approx(8896.0, rel=0.01)


def test_a_convolution_counts_two_for_each_product(tiny: MakeConfig) -> None:
    cost, config = gflop_per_megapixel(tiny(2)), tiny(2).film
    macs = 0.0
    for level in range(config.pyramid_levels):
        width = 3
        for sub in range(min(config.pyramid_levels - level, config.sub_levels)):
            out = config.filters << sub
            macs += 9.0 * (width * out + out * out) / 4.0 ** (level + sub)
            width = out
    assert cost[EXTRACT] == pytest.approx(2.0 * macs / 1e3, rel=1e-6)


def test_accr_is_a_part_of_the_cost(tiny: MakeConfig) -> None:
    full, base = (gflop_per_megapixel(c) for c in (tiny(2), without(tiny(2), "accr")))
    assert base[LRHDR] < full[LRHDR]
    assert base[FUSE] == full[FUSE]
