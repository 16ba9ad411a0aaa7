"""The command in miniature, and pictures to train it on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio
import pytest
from numpy.typing import NDArray

from lrhdr.model.config import ModelConfig
from lrhdr.training.cli import main
from tests.lrhdr.training.miniature import shrink, tiny

Train = Callable[..., int]


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
    return tiny("lite", 2)


@pytest.fixture(scope="session")
def train(hdr_folder: Path) -> Train:
    """Run the command as the shell does, in miniature; its exit code. `data` may be replaced."""

    def call(*words: str | Path, data: Path = hdr_folder, whole: bool = False) -> int:
        fixed = ["--data", data, "--workers", "0", "--batch", "1"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COLUMNS", "120")
            patch.setattr(sys, "argv", ["lrhdr-train", *map(str, fixed), *map(str, words)])
            if not whole:
                shrink(patch.setattr)
            try:
                main()
            except SystemExit as left:
                return int(left.code or 0)
            return 0

    return call
