"""What a training begins from: weights of another run, or FILM as it was released."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from lrhdr.errors import BundleError
from lrhdr.model.config import FilmConfig
from lrhdr.model.film import Film
from lrhdr.model.network import Network
from lrhdr.model.weights import load_weights

_FILM_ALONE = "fuse.output_conv.weight"  # in weights of a network it is film.fuse...


def take_over(network: Network, path: Path) -> None:
    """Give a network all weights of a file where the networks are alike, else the interpolator.

    Args:
        network: 2 or 3 exposures; their interpolators are alike.
        path: of lrhdr-train or `lrhdr-export film-weights`.

    Raises:
        BundleError: the file is neither, or its interpolator has another plan.
    """
    film = _released(path)
    if film is None:
        source = load_weights(path)
        if source.config == network.config:
            network.load_state_dict(source.state_dict())
            return
        film = source.film
    found, wanted = asdict(film.config), asdict(network.config.film)
    other = [name for name in wanted if found[name] != wanted[name]]
    if other:
        raise BundleError(
            f"the interpolator of {path} has {_words(found, other)}",
            expected=_words(wanted, other),
            next_step="Start from weights of the same --preset",
        )
    network.film.load_state_dict(film.state_dict())


def load_film(path: Path) -> Film:
    """The interpolator of a file of lrhdr-train or `lrhdr-export film-weights`.

    Raises:
        BundleError: it is neither.
    """
    return _released(path) or load_weights(path).film


def _released(path: Path) -> Film | None:
    """FILM, where the file holds nothing else."""
    try:
        with safe_open(path, framework="pt") as file:
            if _FILM_ALONE not in file.keys():  # noqa: SIM118 - the file is no dictionary
                return None
        film = Film(FilmConfig())
        film.load_state_dict(load_file(path))
    except (OSError, SafetensorError):
        return None  # `load_weights` says what is wrong
    except RuntimeError as error:
        raise BundleError(
            f"{path} holds another interpolator than FILM as released",
            expected="a file of lrhdr-export film-weights",
        ) from error
    return film.eval()


def _words(config: dict[str, object], names: list[str]) -> str:
    return ", ".join(f"{name} {config[name]}" for name in names)
