"""A checkpoint gives what its network computes, and the oracle what no mask could beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lrhdr.errors import BundleError
from lrhdr.light import tonemap
from lrhdr.model.config import AccrConfig, ApswfConfig, FilmConfig, ModelConfig
from lrhdr.model.network import Network
from lrhdr.model.weights import save_weights
from lrhdr_benchmarks.evaluate.method import window_of
from lrhdr_benchmarks.evaluate.methods import MethodChoice, open_methods
from tests.benchmarks.evaluate.rooms import EV, panning, scene_of

FILM = FilmConfig(
    pyramid_levels=4,
    fusion_levels=3,
    specialized_levels=1,
    sub_levels=2,
    filters=4,
    flow_convs=(1, 2),
    flow_filters=(4, 6),
)


@pytest.fixture(scope="module", params=[2, 3])
def network(request: pytest.FixtureRequest) -> Network:
    torch.manual_seed(1)
    config = ModelConfig(
        preset="paper",
        exposures=request.param,
        film=FILM,
        accr=AccrConfig(width=4),
        apswf=ApswfConfig(widths=(4, 4, 6, 6), convs=(1, 1, 1, 1)),
    )
    return Network(config).eval()


def test_a_checkpoint_is_run_padded_and_cropped(network: Network, tmp_path: Path) -> None:
    exposures = network.config.exposures
    path = tmp_path / "weights.safetensors"
    save_weights(network, path)
    (method,) = open_methods(MethodChoice(models=[str(path)]), exposures)
    assert method.name == tmp_path.name
    assert "torch" in method.about
    height, width = 22, 37
    scene = scene_of(panning(8, 2, height, width), EV[exposures])
    (estimate,) = method.estimate(scene, [4])
    frames, e = window_of(scene, 4)
    multiple = network.config.film.multiple
    pad = (0, -width % multiple, 0, -height % multiple)
    planes = [torch.from_numpy(f).permute(2, 0, 1)[None] for f in frames]
    with torch.inference_mode():
        padded = [F.pad(plane, pad, mode="replicate") for plane in planes]
        result = network(padded, torch.tensor([e]))

    def picture(planes: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.asarray(planes[0, :, :height, :width].permute(1, 2, 0))

    np.testing.assert_allclose(estimate.hdr, picture(result.hdr), atol=1e-5)
    assert estimate.masks is not None
    np.testing.assert_allclose(estimate.masks, picture(result.masks), atol=1e-4)
    # The oracle, pixel by pixel.
    truth = scene.read_truth(4)
    assert truth is not None
    assert estimate.oracle is not None
    candidates = np.stack([picture(candidate) for candidate in result.candidates])
    errors = ((tonemap(candidates) - tonemap(truth)) ** 2).sum(axis=3)
    least = ((tonemap(estimate.oracle) - tonemap(truth)) ** 2).sum(axis=2)
    np.testing.assert_allclose(least, errors.min(axis=0), atol=1e-5)


def test_a_checkpoint_without_a_truth_has_no_oracle(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "tuned.safetensors"
    save_weights(network, path)
    exposures = network.config.exposures
    (method,) = open_methods(MethodChoice(models=[str(path)]), exposures)
    assert method.name == "tuned"
    scene = scene_of(panning(8), EV[exposures], known=False)
    (estimate,) = method.estimate(scene, [0])
    assert estimate.oracle is None


def test_weights_for_another_number_of_exposures_are_refused(
    network: Network, tmp_path: Path
) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(network, path)
    with pytest.raises(BundleError, match=r"Give other weights or --exposures"):
        open_methods(MethodChoice(models=[str(path)]), 5 - network.config.exposures)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.safetensors"
    with pytest.raises(BundleError, match=r"none\.safetensors cannot be read as weights"):
        open_methods(MethodChoice(models=[str(path)]), 2)
