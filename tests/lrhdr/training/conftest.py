"""A network that trains in milliseconds, and pictures to train it on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio
import pytest
from numpy.typing import NDArray

from lrhdr.model.config import AccrConfig, ApswfConfig, FilmConfig, ModelConfig


def picture(seed: int, side: int = 96) -> NDArray[np.float32]:
    """A smooth HDR texture (side, side, 3)."""
    noise = np.random.default_rng(seed).normal(size=(side, side, 3)).astype(np.float32)
    field = cv2.GaussianBlur(noise, (0, 0), 3.0)
    light: NDArray[np.float32] = np.exp2(2.0 * field / field.std()).astype(np.float32)
    return light


@pytest.fixture
def pictures() -> list[NDArray[np.float32]]:
    return [picture(seed) for seed in range(2)]


@pytest.fixture(scope="session")
def hdr_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two .hdr files: one to train on, one to validate with."""
    folder = tmp_path_factory.mktemp("hdr")
    for seed in range(2):
        pixels = picture(seed, 128)
        path = folder / f"p{seed}.hdr"
        out = oiio.ImageOutput.create(str(path))
        assert out is not None
        assert out.open(str(path), oiio.ImageSpec(128, 128, 3, "float"))
        assert out.write_image(pixels)
        assert out.close()
    return folder


@pytest.fixture(scope="session")
def tiny_config() -> ModelConfig:
    return ModelConfig(
        preset="lite",
        exposures=2,
        film=FilmConfig(
            pyramid_levels=4,
            fusion_levels=3,
            specialized_levels=1,
            sub_levels=2,
            filters=4,
            flow_convs=(1, 1),
            flow_filters=(8, 8),
            finest_flow=1,
            guide_steps=1,
            guide_width=8,
        ),
        accr=AccrConfig(width=8, mix=True, residual=True, tonemapped_cues=True),
        apswf=ApswfConfig(widths=(4, 8, 8, 8), convs=(1, 1, 1, 1)),
    )
