"""What a training begins from: weights of a run, or FILM as `lrhdr-export` converts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lrhdr.errors import BundleError
from lrhdr.model.network import Network
from lrhdr.model.weights import load_weights, save_weights
from lrhdr.training import start
from lrhdr.training.start import load_film, take_over
from tests.lrhdr.training.miniature import same, tiny


def network_of(preset: str, exposures: int, seed: int) -> Network:
    torch.manual_seed(seed)
    return Network(tiny(preset, exposures))  # type: ignore[arg-type]


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of film-weights, of a FILM that is smaller than the released one."""
    film = network_of("paper", 2, seed=5).film
    monkeypatch.setattr(start, "FilmConfig", lambda: film.config)
    save_file(film.state_dict(), tmp_path / "film.safetensors")
    return tmp_path / "film.safetensors"


def test_all_weights_of_the_same_network(tmp_path: Path) -> None:
    source, network = (network_of("lite", 2, seed) for seed in (1, 2))
    save_weights(source, tmp_path / "w.safetensors")
    take_over(network, tmp_path / "w.safetensors")
    assert same(network.state_dict(), source.state_dict())


@pytest.mark.parametrize("change", ["exposures", "parts"])
def test_the_interpolator_of_another_network(tmp_path: Path, change: str) -> None:
    source, network = network_of("lite", 2, 1), network_of("lite", 3, 2)
    if change == "parts":
        network = Network(replace(source.config, accr=None))
    save_weights(source, tmp_path / "w.safetensors")
    before = {k: v.clone() for k, v in network.lrhdr.state_dict().items()}
    take_over(network, tmp_path / "w.safetensors")
    assert same(network.film.state_dict(), source.film.state_dict())
    assert same(network.lrhdr.state_dict(), before)


def test_film_as_released(released: Path) -> None:
    network = network_of("paper", 3, seed=2)
    before = {k: v.clone() for k, v in network.lrhdr.state_dict().items()}
    take_over(network, released)
    assert same(network.film.state_dict(), network_of("paper", 2, seed=5).film.state_dict())
    assert same(network.lrhdr.state_dict(), before)
    assert same(load_film(released).state_dict(), network.film.state_dict())


def test_the_film_of_a_run_can_teach(tmp_path: Path) -> None:
    source = network_of("lite", 3, 1)
    save_weights(source, tmp_path / "w.safetensors")
    assert same(load_film(tmp_path / "w.safetensors").state_dict(), source.film.state_dict())


def test_the_paper_is_trained_on_it(
    released: Path, train: Callable[..., int], tmp_path: Path
) -> None:
    options = ("--preset", "paper", "--steps", "1", "--start", released)
    assert train("--out", tmp_path / "run", *options) == 0
    trained = load_weights(tmp_path / "run" / "weights.safetensors")
    assert trained.config == tiny("paper", 2)
    assert same(trained.film.state_dict(), load_film(released).state_dict())


def test_a_released_film_does_not_fit_lite(released: Path) -> None:
    with pytest.raises(BundleError) as caught:
        take_over(network_of("lite", 2, 1), released)
    for said in (str(released), "blend False", "expected", "blend True", "--preset"):
        assert said in str(caught.value)
    assert "filters" not in str(caught.value)  # what is alike is not listed


def test_an_unknown_film_is_named(tmp_path: Path) -> None:
    """By its keys it is FILM alone, but not as released."""
    path = tmp_path / "film.safetensors"
    save_file(network_of("paper", 2, seed=1).film.state_dict(), path)
    with pytest.raises(BundleError, match="another interpolator") as caught:
        load_film(path)
    assert str(path) in str(caught.value)
