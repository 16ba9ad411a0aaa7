"""Networks small enough to run in milliseconds, with every part that the presets have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from lrhdr.model.config import AccrConfig, ApswfConfig, FilmConfig, ModelConfig

MakeConfig = Callable[..., ModelConfig]


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def tiny_film() -> FilmConfig:
    """Plain FILM with flow at every level: the structure of the released network."""
    return FilmConfig(
        pyramid_levels=4,
        fusion_levels=3,
        specialized_levels=1,
        sub_levels=2,
        filters=4,
        flow_convs=(1, 2),
        flow_filters=(4, 6),
    )


@pytest.fixture
def guided_film(tiny_film: FilmConfig) -> FilmConfig:
    """Lite's structure: measured motion, a flow corrected by the reference, blended frames."""
    return replace(
        tiny_film,
        flow_convs=(1, 1),
        finest_flow=1,
        registration=1,
        blend=True,
        guide_steps=2,
        guide_width=4,
    )


@pytest.fixture
def tiny(tiny_film: FilmConfig, guided_film: FilmConfig) -> MakeConfig:
    """tiny(exposures, guided=...)."""

    def make(exposures: int, *, guided: bool = False) -> ModelConfig:
        return ModelConfig(
            preset="lite" if guided else "paper",
            exposures=exposures,
            film=guided_film if guided else tiny_film,
            accr=AccrConfig(width=4, mix=guided, residual=guided, tonemapped_cues=guided),
            apswf=ApswfConfig(widths=(4, 4, 6, 6), convs=(1, 1, 1, 1), prior=guided),
        )

    return make
