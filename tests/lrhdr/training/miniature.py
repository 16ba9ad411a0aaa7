"""`lrhdr-train` in miniature: networks of a few thousand weights on crops of 32 px.

As a program it is the command in a process of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from lrhdr.model import config as networks
from lrhdr.model.config import ModelConfig, Preset
from lrhdr.training import recipe, stages
from lrhdr.training.cli import main
from lrhdr.training.recipe import Recipe

SIDE = 32
ROOT = Path(__file__).parents[3]

_SMALL_FILM: dict[str, Any] = {
    "pyramid_levels": 4,
    "fusion_levels": 3,
    "specialized_levels": 1,
    "sub_levels": 2,
    "filters": 4,
    "flow_convs": (1, 1),
    "flow_filters": (8, 8),
    "guide_width": 8,
}
_WHOLE = {"paper": networks.paper, "lite": networks.lite}


def tiny(preset: Preset, exposures: int) -> ModelConfig:
    """A preset's switches, and hardly any width."""
    whole = _WHOLE[preset](exposures)
    assert whole.accr is not None
    return replace(
        whole,
        film=replace(whole.film, **_SMALL_FILM, guide_steps=min(whole.film.guide_steps, 1)),
        accr=replace(whole.accr, width=8),
        apswf=replace(whole.apswf, widths=(4, 8, 8, 8), convs=(1, 1, 1, 1)),
    )


def shrink(change: Callable[[object, str, object], None]) -> None:
    """Make the command train tiny networks; `change` sets an attribute of a module."""
    whole = recipe.recipe

    def small(preset: Preset) -> Recipe:
        plan = whole(preset)
        return replace(plan, windows=replace(plan.windows, side=SIDE))

    change(networks, "preset", tiny)
    change(recipe, "recipe", small)
    change(stages, "_VALIDATION_ITEMS", 2)
    change(stages, "_VALIDATION_SIDE", SIDE)


def rows(folder: Path) -> list[dict[str, Any]]:
    """The log, without the times."""
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds_a_step"} for line in lines]


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Whether two states are equal bit for bit."""
    return a.keys() == b.keys() and all(a[name].equal(b[name]) for name in a)


if __name__ == "__main__":
    shrink(setattr)
    main()
