"""Weights as safetensors, with the network's configuration in the file's metadata."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from lrhdr.errors import BundleError
from lrhdr.model.config import ModelConfig
from lrhdr.model.network import Network

# One key for everything: safetensors writes several in random order, and hashes would differ.
_METADATA = "lrhdr"


def save_weights(network: Network, path: Path, notes: dict[str, object] | None = None) -> None:
    """Write weights, configuration and notes (how they were trained), atomically."""
    metadata = {_METADATA: json.dumps({"config": network.config.to_dict(), "notes": notes or {}})}
    tensors = {k: v.detach().float().contiguous() for k, v in network.state_dict().items()}
    temporary = path.with_name(path.name + ".part")
    save_file(tensors, temporary, metadata)
    temporary.chmod(0o644)  # safetensors makes files for their owner alone
    temporary.replace(path)


def read_notes(path: Path) -> dict[str, object]:
    """The notes kept with the weights."""
    with safe_open(path, framework="pt") as file:
        metadata = json.loads((file.metadata() or {}).get(_METADATA, "{}"))
    notes: dict[str, object] = metadata.get("notes", {})
    return notes


def load_weights(path: Path) -> Network:
    """The network that a file holds, in evaluation mode.

    Raises:
        BundleError: not a weights file of ours, or keys and shapes that do not fit.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if _METADATA not in metadata:
            raise BundleError(f"{path} names no configuration", expected="weights of lrhdr-train")
        network = Network(ModelConfig.from_dict(json.loads(metadata[_METADATA])["config"]))
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(
            f"{path} cannot be read as weights ({reason})",
            expected="a .safetensors file written by lrhdr-train",
        ) from error
    return network.eval()


def adopt_film(network: Network, source: Network) -> None:
    """Copy the interpolator of another network (of 2 or 3 exposures; they are alike).

    Raises:
        BundleError: the interpolators have different plans.
    """
    if network.config.film != source.config.film:
        raise BundleError(
            f"the interpolator is {source.config.film}", expected=f"{network.config.film}"
        )
    with torch.no_grad():
        network.film.load_state_dict(source.film.state_dict())
