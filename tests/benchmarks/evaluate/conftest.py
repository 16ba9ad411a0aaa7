"""A test set on disk and a bundle, both tiny."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lrhdr.data.layouts import write_synthetic
from tests.benchmarks.evaluate.rooms import EV, panning, recorded
from tests.engines.conftest import build

if TYPE_CHECKING:
    from tests.engines.conftest import TinyModel


@pytest.fixture(scope="session")
def tiny_bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[int, TinyModel]:
    """The tiny bundle of the runtime's tests by Ne."""
    root = tmp_path_factory.mktemp("bundles")
    return {exposures: build(root / f"tiny-{exposures}e", exposures) for exposures in EV}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For 2E the scenes `panning` and `resting`, for 3E `panning`, in the synthetic layout."""
    root = tmp_path_factory.mktemp("data")
    moving = panning(10)
    resting = [moving[0]] * 8
    two = (("panning", moving[:8]), ("resting", resting))
    write_synthetic(root, ((n, EV[2], recorded(t, EV[2], 1e-3), t) for n, t in two), 2)
    write_synthetic(root, [("panning", EV[3], recorded(moving, EV[3], 1e-3), moving)], 3)
    return root
