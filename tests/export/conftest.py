"""Two tiny networks with random weights, and their bundles, exported once.

Tracing takes seconds a graph however small the network is, and the bundle for
three exposures shares the interpolator's graphs of the other: both networks
have the same interpolator, as the shipped ones have.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
import pytest
import torch

import lrhdr_export.write
from lrhdr.contract import (
    EXTRACT,
    FILM,
    FLOW,
    FUSE,
    GOLDENS,
    LRHDR,
    LRHDR_MASKS,
    Precision,
)
from lrhdr.manifest import Manifest
from lrhdr.model.config import ModelConfig, preset
from lrhdr.model.network import Network
from lrhdr.model.weights import adopt_film
from lrhdr_export.onnx_export import Graphs
from lrhdr_export.write import write_bundle

NOTES = {"untrained": True, "by": "the tests"}


def tiny_config(exposures: int) -> ModelConfig:
    """`lite` with as few layers and channels as its parts allow."""
    lite = preset("lite", exposures)
    assert lite.accr is not None
    film = replace(
        lite.film,
        pyramid_levels=3,
        fusion_levels=2,
        sub_levels=2,
        filters=2,
        flow_convs=(1,),
        flow_filters=(4,),
        registration=1,
        guide_steps=1,
        guide_width=4,
    )
    apswf = replace(lite.apswf, widths=(4, 6), convs=(1, 1))
    return replace(lite, film=film, accr=replace(lite.accr, width=4), apswf=apswf)


@pytest.fixture(scope="session")
def networks() -> dict[int, Network]:
    """The tiny networks for two and three exposures, by Ne; their interpolators are equal."""
    made = {}
    for exposures in (2, 3):
        torch.manual_seed(exposures)
        made[exposures] = Network(tiny_config(exposures)).eval()
    adopt_film(made[3], made[2])
    return made


@dataclass(frozen=True)
class Exported:
    """Bundles side by side by Ne; the second shares the first's files."""

    folders: dict[int, Path]
    manifests: dict[int, Manifest]
    reports: dict[int, list[str]]


@pytest.fixture(scope="session")
def exported(networks: dict[int, Network], tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The bundles `tiny-2e` and `tiny-3e`. No test may change them: copy them."""
    root = tmp_path_factory.mktemp("exported")
    result = Exported(folders={}, manifests={}, reports={})
    for exposures, network in networks.items():
        folder = root / f"tiny-{exposures}e"
        lines: list[str] = []
        result.manifests[exposures] = write_bundle(
            network,
            folder,
            notes=dict(NOTES),
            shared=root / "tiny-2e" if exposures == 3 else None,
            report=lines.append,
        )
        result.folders[exposures] = folder
        result.reports[exposures] = lines
    return result


@pytest.fixture
def traced(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    """`write_bundle` takes graphs and goldens from the bundle for two exposures: in no time."""

    def graphs(*names: str) -> Callable[[Network, Precision], Graphs]:
        def export(network: Network, precision: Precision) -> Graphs:
            for name in names:
                yield name, onnx.load(exported.folders[2] / f"{name}.{precision}.onnx")

        return export

    def goldens(network: Network, path: Path) -> None:
        shutil.copy(exported.folders[2] / GOLDENS, path)

    interpolator = graphs(EXTRACT, FLOW, FUSE, FILM)
    monkeypatch.setattr(lrhdr_export.write, "export_interpolator", interpolator)
    monkeypatch.setattr(lrhdr_export.write, "export_fusion", graphs(LRHDR, LRHDR_MASKS))
    monkeypatch.setattr(lrhdr_export.write, "write_goldens", goldens)


@pytest.fixture
def bundle(exported: Exported, tmp_path: Path) -> Path:
    """A copy of the bundle for two exposures, to damage."""
    return Path(shutil.copytree(exported.folders[2], tmp_path / "tiny-2e"))
